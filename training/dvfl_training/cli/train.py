"""``dvfl train``: a network from a data set, without a teacher."""

from __future__ import annotations

from pathlib import Path

import click

from dvfl.cli.options import Choice
from dvfl_training.cli.shared import (
    DROP_PATH,
    MODELS,
    check_resuming,
    model_settings,
    need,
    run_options,
    start,
)
from dvfl_training.cli.shared import dry_run as try_out

HELP = """Train a network on a data set: a teacher, or a student without one.

The run's folder gets config.toml, metrics.csv, TensorBoard events, last.pth (everything that --resume
needs), best.pth with labels.txt (what 'dvfl distill' and 'dvfl convert' take) and training.html. Ctrl-C saves
first; a run that was killed goes on bit for bit on a CPU.

\b
Recipes: ucf101 ucf50 hmdb51 ssv2 kinetics400 folder demo-teacher demo-student

\b
Examples:
  dvfl train --manifest ucf101.csv --recipe ucf101 --model base --out runs/teacher
  dvfl train --resume runs/teacher
  dvfl train --manifest mine.csv --recipe folder --out runs/mine --set schedule.epochs=80
  dvfl train --dry-run --classes 101 --model nano          will it fit, how long will it take?
  torchrun --nproc-per-node 4 --no-python dvfl train --manifest ... --out runs/four-gpus

Exit codes: 0; 1 for an error; 2 wrong usage; 130 after Ctrl-C, with the state saved.
"""


@click.command("train", help=HELP, short_help="Train a network on a data set.")
@click.option(
    "--model", type=Choice("model", MODELS), help="A published network.  [default: the recipe's, or nano]"
)
@run_options
def train(
    model: str | None,
    manifest: Path | None,
    out: Path | None,
    recipe: str | None,
    settings: tuple[str, ...],
    init: Path | None,
    resume: Path | None,
    dry_run: bool,
    classes: int | None,
    device: str,
) -> None:
    """Starts or continues a run, or only tries it."""
    from dvfl_training.config import load_config
    from dvfl_training.runs import Request, resume_request

    if resume is not None:
        check_resuming(model=model, out=out, recipe=recipe, init=init, dry_run=dry_run, classes=classes)
        start(resume_request(resume, settings, manifest, device))
        return
    config = load_config(recipe, (*model_settings(model, DROP_PATH), *settings))
    if dry_run:
        try_out(config, manifest, classes, device, init=init)
        return
    start(
        Request(
            out=need(out, "--out"),
            manifest=need(manifest, "--manifest"),
            config=config,
            init=init,
            device=device,
        )
    )
