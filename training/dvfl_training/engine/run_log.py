"""What a run leaves to look at: ``metrics.csv`` and TensorBoard events."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from dvfl.errors import OutputError
from dvfl.files import atomic_write

COLUMNS = (
    "step",
    "epoch",
    "loss",
    "cross_entropy",
    "divergence",
    "batch_accuracy",
    "learning_rate",
    "gradient_norm",
    "validation_top1",
    "validation_top5",
)
# A long run is sampled, so that the file stays readable in a spreadsheet.
_MOST_ROWS = 20_000


@dataclass(frozen=True)
class RunFolder:
    """The files of a run."""

    path: Path

    @property
    def config(self) -> Path:
        """The recipe."""
        return self.path / "config.toml"

    @property
    def state(self) -> Path:
        """The whole state at the last save."""
        return self.path / "last.pth"

    @property
    def best(self) -> Path:
        """The best network so far, in the released format."""
        return self.path / "best.pth"

    @property
    def labels(self) -> Path:
        """One class per line."""
        return self.path / "labels.txt"

    @property
    def metrics(self) -> Path:
        """A row per logged step."""
        return self.path / "metrics.csv"

    @property
    def events(self) -> Path:
        """TensorBoard's folder."""
        return self.path / "tensorboard"

    @property
    def page(self) -> Path:
        """The training page."""
        return self.path / "training.html"

    @contextmanager
    def created(self) -> Iterator[None]:
        """Makes the folder; where what follows fails, it doesn't stay behind empty.

        Raises:
            OutputError: it cannot be made.
        """
        if self.path.exists() and not self.path.is_dir():
            raise OutputError(f"{self.path}: is a file; choose another --out")
        with _as_output_error(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
        try:
            yield
        except BaseException:
            with suppress(OSError):
                self.path.rmdir()
            raise


class RunLog:
    """Appends rows; forgets those after ``step``, which a killed run left and a resumed one writes again."""

    def __init__(self, folder: RunFolder, step: int, steps: int) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._path = folder.metrics
        self._interval = max(1, steps // _MOST_ROWS)
        rows = [row for row in read_metrics(folder.metrics) if row["step"] <= step]
        with atomic_write(folder.metrics) as stream:
            stream.write(_lines([COLUMNS, *(_cells(row) for row in rows)]))
        with _as_output_error(folder.events):
            self._events = SummaryWriter(str(folder.events), purge_step=step + 1)

    def add(self, values: Mapping[str, float]) -> None:
        """One step; ``values`` by column, those that are missing stay empty.

        Raises:
            OutputError: the disk is full.
        """
        step = int(values["step"])
        if step % self._interval and "validation_top1" not in values:
            return
        with _as_output_error(self._path):
            with self._path.open("ab") as stream:
                stream.write(_lines([_cells(values)]))
            for name, value in values.items():
                if name not in ("step", "epoch"):
                    self._events.add_scalar(_tag(name), value, step)

    def close(self) -> None:
        """Writes what is held back."""
        self._events.close()


def read_metrics(path: Path) -> list[dict[str, float]]:
    """The rows of a ``metrics.csv``, without empty cells; none if there is no file.

    A last line that a killed run left unfinished is dropped.
    """
    if not path.is_file():
        return []
    return list(_complete_rows(path.read_text("utf-8")))


def _complete_rows(text: str) -> Iterator[dict[str, float]]:
    complete = text[: text.rfind("\n") + 1]
    for row in csv.DictReader(io.StringIO(complete)):
        yield {name: float(value) for name, value in row.items() if value}


def _cells(values: Mapping[str, float]) -> list[str]:
    return [f"{values[name]:.9g}" if name in values else "" for name in COLUMNS]


def _lines(rows: list[tuple[str, ...] | list[str]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


def _tag(name: str) -> str:
    return name.replace("validation_", "validation/") if name.startswith("validation") else f"training/{name}"


@contextmanager
def _as_output_error(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputError(
            f"{path}: cannot be written: {error.strerror or error}; make room, then go on with --resume"
        ) from error
