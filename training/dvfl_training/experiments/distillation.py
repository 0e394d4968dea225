"""Does distillation help? One student per row and seed, with the same clips and budget; then a table."""

from __future__ import annotations

import json
import os
import shlex
import statistics
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import click

from dvfl.files import atomic_write

HELP = """Does distillation help? One student per row and seed, with the same clips and budget; then a table.

Every run is a command that a person could type. It is printed, and skipped where its result is there already,
so that an interrupted sweep goes on where it stopped. A run computes on its share of the processor's cores.

\b
Example:
  python -m dvfl_training.experiments.distillation mocap/manifest.csv --teacher teacher/best.pth --out sweep
"""

SPLITS = ("validation", "test")
DVFL = Path(sys.executable).with_name("dvfl")


@dataclass(frozen=True)
class Row:
    """One line of the table: a divergence with its weight and temperature; ``none`` is the student alone."""

    divergence: str
    alpha: float = 0.0
    temperature: float = 1.0

    @property
    def name(self) -> str:
        """As a folder's name."""
        if self.divergence == "none":
            return "alone"
        return f"{self.divergence}-a{self.alpha:g}-t{self.temperature:g}"

    def settings(self) -> list[str]:
        """For ``--set``."""
        values = {"divergence": self.divergence, "alpha": self.alpha, "temperature": self.temperature}
        return [f"distillation.{key}={value}" for key, value in values.items()]


ALONE = Row("none")
# The published values are alpha .2 and T 10.
ROWS: tuple[Row, ...] = (
    ALONE,
    Row("forward_kl", 0.2, 10.0),
    *(Row("forward_kl", alpha, temperature) for alpha in (0.5, 0.9) for temperature in (1.0, 4.0)),
    Row("reverse_kl", 0.5, 4.0),
    Row("jensen_shannon", 0.5, 4.0),
)


@dataclass(frozen=True)
class Sweep:
    """What all runs share.

    Attributes:
        init: what every student starts from.
        epochs: also the number of augmentations per clip, so that no student sees a clip twice in the same
            way, and the rows of a seed share the teacher's logits.
        settings: of every run.
        threads: of one run.
    """

    manifest: Path
    teacher: Path
    out: Path
    recipe: str
    init: Path | None
    epochs: int
    settings: tuple[str, ...]
    threads: int

    def folder(self, row: Row, seed: int) -> Path:
        """Of one run."""
        return self.out / f"{row.name}-seed{seed}"

    def training(self, row: Row, seed: int) -> list[str]:
        """The command that trains one student, or goes on with it."""
        folder = self.folder(row, seed)
        command = ["train"] if row == ALONE else ["distill"]
        if (folder / "last.pth").exists():
            return [*command, "--resume", str(folder)]
        if row != ALONE:
            cache = self.out / f"logits-seed{seed}"
            command += ["--teacher", str(self.teacher), "--trust-teacher", "--cache-logits", str(cache)]
        if self.init is not None:
            command += ["--init", str(self.init)]
        command += ["--manifest", str(self.manifest), "--recipe", self.recipe, "--out", str(folder)]
        budget = [f"schedule.epochs={self.epochs}", f"augmentation.variants={self.epochs}"]
        settings = [*budget, *self.settings, f"run.seed={seed}", *row.settings()]
        return command + [word for setting in settings for word in ("--set", setting)]

    def evaluation(self, row: Row, seed: int, split: str) -> list[str]:
        """The command that measures it: one view per clip, as on a phone."""
        folder = self.folder(row, seed)
        result = folder / f"{split}.json"
        data = ["--manifest", str(self.manifest), "--split", split, "--views", "1x1"]
        return ["evaluate", str(folder / "best.pth"), *data, "--json", str(result)]

    def result(self, row: Row, seed: int, split: str) -> float | None:
        """Top-1 of a finished run."""
        file = self.folder(row, seed) / f"{split}.json"
        if not file.exists():
            return None
        share: float = json.loads(file.read_text("utf-8"))["top1"]["share"]
        return share


@click.command("distillation", help=HELP)
@click.argument("manifest", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--teacher", required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="A folder for all runs.")
@click.option("--recipe", default="demo-student", show_default=True)
@click.option("--init", type=click.Path(path_type=Path, exists=True), help="What every student starts from.")
@click.option("--epochs", default=6, show_default=True, type=click.IntRange(2), help="Of every student.")
@click.option("--seeds", default=3, show_default=True, type=click.IntRange(1))
@click.option("--jobs", default=2, show_default=True, type=click.IntRange(1), help="Runs at a time.")
@click.option("--only", multiple=True, help="Rows by name; all by default.")
@click.option("--set", "settings", multiple=True, metavar="SECTION.OPTION=VALUE", help="For every run.")
@click.option("--dry-run", is_flag=True, help="Only print the commands.")
def main(
    manifest: Path,
    teacher: Path,
    out: Path,
    recipe: str,
    init: Path | None,
    epochs: int,
    seeds: int,
    jobs: int,
    only: tuple[str, ...],
    settings: tuple[str, ...],
    dry_run: bool,
) -> None:
    """Runs what is missing, then writes OUT/table.md."""
    threads = max(1, (os.cpu_count() or 1) // jobs)
    sweep = Sweep(manifest, teacher, out, recipe, init, epochs, settings, threads)
    rows = [row for row in ROWS if not only or row.name in only]
    # Seed by seed, so that an early look compares whole rows.
    runs = [(row, seed) for seed in range(seeds) for row in rows]
    if dry_run:
        for row, seed in runs:
            click.echo(shlex.join(["dvfl", *sweep.training(row, seed)]))
        return
    with ThreadPoolExecutor(jobs) as pool:
        for done in as_completed([pool.submit(_run, sweep, row, seed) for row, seed in runs]):
            done.result()
            with atomic_write(out / "table.md") as stream:
                stream.write(table(sweep, rows, seeds).encode("utf-8"))
    click.echo((out / "table.md").read_text("utf-8"))


def _run(sweep: Sweep, row: Row, seed: int) -> None:
    if sweep.result(row, seed, SPLITS[-1]) is not None:
        return
    evaluations = [sweep.evaluation(row, seed, split) for split in SPLITS]
    for command in (sweep.training(row, seed), *evaluations):
        click.echo(shlex.join(["dvfl", *command]))
        environment = {**os.environ, "OMP_NUM_THREADS": str(sweep.threads)}
        done = subprocess.run([DVFL, *command], env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise click.ClickException(f"{row.name}, seed {seed}: {done.stderr.strip().splitlines()[-1]}")


def table(sweep: Sweep, rows: list[Row], seeds: int) -> str:
    """Mean and standard deviation over the seeds, and the gain over the student alone, seed by seed."""
    lines = [
        "| divergence | alpha | T | validation top-1 | test top-1 | test, minus alone | seeds |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        found = {split: _found(sweep, row, seeds, split) for split in SPLITS}
        alone = _found(sweep, ALONE, seeds, "test")
        gains = [top1 - alone[seed] for seed, top1 in found["test"].items() if seed in alone]
        cells = [_summary(list(found[split].values())) for split in SPLITS]
        cells.append("" if row == ALONE else _summary(gains, sign="+"))
        numbers = ("", "") if row == ALONE else (f"{row.alpha:g}", f"{row.temperature:g}")
        name = "none: the student alone" if row == ALONE else row.divergence.replace("_", " ")
        lines.append(f"| {' | '.join([name, *numbers, *cells, str(len(found['test']))])} |")
    return "\n".join(lines) + "\n"


def _found(sweep: Sweep, row: Row, seeds: int, split: str) -> dict[int, float]:
    results = {seed: sweep.result(row, seed, split) for seed in range(seeds)}
    return {seed: top1 for seed, top1 in results.items() if top1 is not None}


def _summary(shares: list[float], sign: str = "-") -> str:
    """Mean and standard deviation of single runs, in per cent."""
    if not shares:
        return ""
    mean = f"{100 * statistics.mean(shares):{sign}.1f}"
    return f"{mean} ± {100 * statistics.stdev(shares):.1f}" if len(shares) > 1 else mean


if __name__ == "__main__":
    main()
