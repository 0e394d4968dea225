"""``dvfl data generate``: a data set that is rendered, so that training needs no download."""

from __future__ import annotations

import os
from pathlib import Path

import click

from dvfl.cli.options import Choice, next_step, print_table

# The registry imports everything that renders; help must not.
SETS = ("mocap-actions", "camera-motion")

_STUDENT = "assets/camera_motion_student.pth"

HELP = """Render a data set of short .mp4 clips with its manifest; nothing is downloaded.

\b
mocap-actions  13 human actions: motion capture of a person, played by drawn bodies over photographs
camera-motion  10 motions of the camera; 17 with --hard

Persons, views, photographs and speeds of the test clips occur in no other split (docs/generated-data.md
has the ranges). The same seed gives the same files whatever the number of workers. When it was
interrupted, the same command goes on. Look at DIR/contact-sheet.jpg when it is done.

\b
Examples:
  dvfl data generate mocap-actions --out mocap
  dvfl data generate mocap-actions --out quick --train 20 --validation 5 --test 5
  dvfl data generate camera-motion --hard --out motions
"""


@click.command("generate", help=HELP, short_help="Render a data set that needs no download.")
@click.argument("name", type=Choice("data set", SETS))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The folder to fill.")
@click.option("--train", default=150, show_default=True, type=click.IntRange(0), help="Clips per class.")
@click.option("--validation", default=25, show_default=True, type=click.IntRange(0), help="Clips per class.")
@click.option("--test", default=50, show_default=True, type=click.IntRange(0), help="Clips per class.")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0), help="Fixes every clip.")
@click.option("--workers", type=click.IntRange(1), help="Processes that render.  [default: one per CPU core]")
@click.option("--hard", is_flag=True, help="More classes or smaller persons, more blur, dark and clutter.")
def generate(
    name: str, out: Path, train: int, validation: int, test: int, seed: int, workers: int | None, hard: bool
) -> None:
    """Shows a bar while it renders, then what is where."""
    from dvfl_training.data.manifest import Split
    from dvfl_training.generated.progress import clip_bar
    from dvfl_training.generated.writing import MANIFEST, SHEET, Recipe, write_set

    if not train + validation + test:
        raise click.UsageError("no clip is asked for; give --train, --validation or --test above 0")
    counts = {Split.TRAIN: train, Split.VALIDATION: validation, Split.TEST: test}
    recipe = Recipe(name, counts, seed, hard)
    try:
        with clip_bar(len(recipe.tasks())) as report:
            manifest = write_set(recipe, out, workers or _cores(), report)
    except KeyboardInterrupt:
        click.echo(f"\nstopped; {out} is not complete. The same command goes on from here", err=True)
        raise
    rows = [("split", "clips", "groups")]
    for split in Split:
        groups = [entry.group for entry in manifest.entries if entry.split is split]
        rows.append((split.value, str(len(groups)), str(len(set(groups)))))
    click.echo(f"{name}: {len(manifest.classes)} classes, seed {seed}")
    print_table(rows, right=(1, 2))
    click.echo(f"look at {out / SHEET}")
    next_step(f"dvfl train --manifest {out / MANIFEST} --out RUN --recipe demo-student --init {_STUDENT}")


def _cores() -> int:
    # Those that this process may use; a container often has fewer than the machine.
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
