"""What ``dvfl train`` and ``dvfl distill`` share: options, the model's settings, and following a run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from dvfl.cli.options import Choice, next_step, print_table

if TYPE_CHECKING:
    from dvfl_training.config import TrainConfig
    from dvfl_training.engine.stepping import StepFigures
    from dvfl_training.engine.trainer import Validation
    from dvfl_training.progress import TrainingBar
    from dvfl_training.runs import Beginning, Request

MODELS = ("base", "small", "tiny", "nano")
# Stochastic depth of the released configurations.
DROP_PATH = {"base": 0.5, "small": 0.3, "tiny": 0.2, "nano": 0.2}
STUDENT_DROP_PATH = DROP_PATH | {"nano": 0.1}

_FILE = click.Path(path_type=Path)
_OPTIONS = (
    click.option("--manifest", type=_FILE, help="The data set: NAME.csv of 'dvfl data prepare'."),
    click.option("--out", type=_FILE, help="The run's folder."),
    click.option(
        "--recipe", metavar="NAME|FILE", help="A recipe that ships with dvfl, or a .toml file.  [see below]"
    ),
    click.option(
        "--set",
        "settings",
        multiple=True,
        metavar="SECTION.OPTION=VALUE",
        help="One number of the recipe; repeatable, e.g. --set schedule.epochs=60.",
    ),
    click.option(
        "--init",
        type=_FILE,
        help="Weights to start from, but for the head: ImageNet's (focalnet_tiny_srf.pth), another run's, or "
        "those of a network up to half as wide and less deep, which grows.",
    ),
    click.option("--resume", type=_FILE, metavar="RUN", help="Go on with the run in this folder."),
    click.option(
        "--dry-run", is_flag=True, help="A few steps on random clips: memory and time; needs no data set."
    ),
    click.option("--classes", type=click.IntRange(2), help="For --dry-run without a manifest."),
    click.option(
        "--device",
        type=Choice("device", ("auto", "cpu", "cuda")),
        default="auto",
        show_default=True,
        help="Where to compute.",
    ),
)
_Command = TypeVar("_Command", bound=Callable[..., Any])


def run_options(command: _Command) -> _Command:
    """Adds the options that both commands have."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def model_settings(name: str | None, drop_path: dict[str, float]) -> tuple[str, ...]:
    """The settings that a published network's name stands for; none without a name."""
    if name is None:
        return ()
    from dvfl.model import VARIANTS

    architecture = VARIANTS[name]
    return (
        f"model.depths={list(architecture.depths)}",
        f"model.width={architecture.width}",
        f"model.drop_path={drop_path[name]}",
    )


def need(value: Path | None, option: str) -> Path:
    """An option that only some ways of calling a command can do without."""
    if value is None:
        raise click.UsageError(f"missing option '{option}'")
    return value


def check_resuming(**given: object) -> None:
    """Refuses options that a resumed run would ignore: it knows them from its folder."""
    ignored = [f"--{name.replace('_', '-')}" for name, value in given.items() if value]
    if ignored:
        raise click.UsageError(
            f"--resume goes on with what the run was given; leave out {', '.join(ignored)}"
        )


def dry_run(
    config: TrainConfig,
    manifest: Path | None,
    classes: int | None,
    device: str,
    *,
    init: Path | None = None,
    teacher: Path | None = None,
) -> None:
    """Prints what a few steps on random clips showed."""
    from dvfl_training.data.manifest import Split, read_manifest
    from dvfl_training.dry_run import try_out
    from dvfl_training.engine.distributed import choose_device

    listed = read_manifest(manifest) if manifest else None
    names = listed.classes if listed else _names(classes, teacher)
    measured = try_out(config, names, choose_device(device), teacher, init)
    clip = config.clip
    rows = [
        ("parameters", f"{measured.parameters:,} ({len(names)} classes)"),
        ("batch", f"{config.run.batch} clips of {clip.frames} x {clip.size} x {clip.size}"),
        ("memory", f"{measured.memory_bytes / 2**30:.1f} GiB"),
        ("step", f"{measured.step_seconds:.2f} s, {config.run.batch / measured.step_seconds:.1f} clips/s"),
    ]
    if measured.gpu_bytes is not None:
        rows.append(("GPU memory", f"{measured.gpu_bytes / 2**30:.1f} GiB"))
    if listed:
        clips, epochs = len(listed.of(Split.TRAIN)), config.schedule.epochs
        epoch = clips / config.run.batch * measured.step_seconds
        rows.append(("epoch", f"{_duration(epoch)} for {clips:,} clips, without decoding"))
        rows.append(("all", f"{_duration(epoch * epochs)} for {epochs} epochs"))
    for line in measured.init:
        click.echo(f"init: {line}", err=True)
    print_table(rows)


def _names(classes: int | None, teacher: Path | None) -> tuple[str, ...]:
    """Classes without a manifest: as many as are asked for, or those of the teacher."""
    if teacher is not None and classes is None:
        from dvfl.model.checkpoint import load_checkpoint
        from dvfl_training.engine.released import read_trained_on

        classes = load_checkpoint(teacher).architecture.num_classes
        named = read_trained_on(teacher).classes
        if named:
            return named
    if classes is None:
        raise click.UsageError("a dry run needs --manifest, or --classes")
    return tuple(f"class {number}" for number in range(classes))


def _duration(seconds: float) -> str:
    hours, rest = divmod(round(seconds), 3600)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours} h"
    if hours:
        return f"{hours} h {rest // 60} min"
    return f"{rest // 60} min {rest % 60} s" if rest >= 60 else f"{rest} s"


def start(request: Request) -> None:
    """Runs with a bar and the training page; ends with what to do next, also after Ctrl-C."""
    from dvfl_training.engine.interruption import StoppedError
    from dvfl_training.runs import run

    try:
        main = run(request, _following(request), lambda line: click.echo(line, err=True))
    except StoppedError as stopped:
        click.echo(str(stopped), err=True)
        raise click.Abort from None
    if main:
        _conclude(request)


def _conclude(request: Request) -> None:
    click.echo(f"best network: {request.out / 'best.pth'}\npage: {request.out / 'training.html'}")
    next_step(f"dvfl convert {request.out / 'best.pth'} --out BUNDLE")


def _following(request: Request) -> Callable[[Beginning], Any]:
    @contextmanager
    def follow(beginning: Beginning) -> Iterator[_Follower]:
        from dvfl_training.progress import training_bar

        steps, batch = beginning.schedule.steps, beginning.schedule.batch
        with training_bar(steps, batch, beginning.step) as bar:
            yield _Follower(bar, request.config)

    return follow


class _Follower:
    """Shows a run on the terminal."""

    def __init__(self, bar: TrainingBar, config: TrainConfig) -> None:
        self._bar = bar
        self._config = config

    def stepped(self, _: int, figures: StepFigures) -> None:
        """Moves the bar."""
        self._bar.advance(figures.loss, figures.accuracy, None)

    def validated(self, validation: Validation) -> None:
        """A line per validation."""
        best = "  best so far" if validation.best else ""
        epochs = f"epoch {validation.epoch} of {self._config.schedule.epochs}"
        found = validation.evaluation
        top5 = f", top-5 {found.top(5).value:.1%}" if len(found.classes) > 5 else ""
        self._bar.line(f"{epochs}: validation top-1 {found.top(1)}{top5}{best}")
