"""``dvfl data``: data sets on disk become manifests."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dvfl.cli.group import debug_option
from dvfl.cli.options import next_step, print_table
from dvfl.suggestions import unknown
from dvfl_training.cli.generate import generate

if TYPE_CHECKING:
    from dvfl_training.data.prepare import Prepared

HELP = """Data sets to train on.

\b
Examples:
  dvfl data prepare folder --root my_clips --out my_clips.csv
  dvfl data prepare ucf101 --root UCF-101 --out ucf101.csv
  dvfl data generate mocap-actions --out mocap
"""

PREPARE_HELP = """List, divide and check the clips of data set NAME, and write a manifest for training.

\b
NAME:
  folder       your own clips: class/clip.mp4, or train|validation|test/class/clip.mp4
  ucf101       official splits 1 to 3
  ucf50        by groups: 1-7, 8-14 or 15-21 for testing
  hmdb51       official splits 1 to 3
  ssv2         Something-Something V2; its validation clips are for testing, as published
  kinetics400  its validation clips are for testing, as published

Every clip is decoded once. Clips that don't decode are left out and listed in the .json file beside the
manifest. Clips that were cut from one recording never lie on both sides of a division. Part of the training
groups is kept for validation, to choose between models; test clips are for the end.

\b
Examples:
  dvfl data prepare folder --root my_clips --out my_clips.csv
  dvfl data prepare folder --root my_clips --out my_clips.csv --group-pattern 'person(\\d+)'
  dvfl data prepare ucf101 --root UCF-101 --splits ucfTrainTestlist --split 2 --out ucf101_2.csv
  dvfl data prepare kinetics400 --root k400 --out k400.csv --allow-missing --workers 16

docs/train-on-my-clips.md says what to download and how to lay it out.
"""


class _Commands(click.Group):
    """Suggests a command for an unknown name."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Like click's, with a suggestion."""
        if not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            ctx.fail(unknown("command", args[0], self.list_commands(ctx)))
        return super().resolve_command(ctx, args)


@click.group("data", cls=_Commands, help=HELP, short_help="Prepare a data set for training.")
def data() -> None:
    """The group."""


@data.command(
    "prepare",
    help=PREPARE_HELP,
    short_help="Check a data set and write its manifest.",
    params=[debug_option()],
)
@click.argument("name")
@click.option("--root", required=True, type=click.Path(path_type=Path), help="The folder of the clips.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The .csv file to write.")
@click.option(
    "--splits",
    type=click.Path(path_type=Path),
    help="The folder of the official lists.  [default: in or beside --root]",
)
@click.option("--split", default=1, show_default=True, help="Number of the official division.")
@click.option(
    "--validation",
    default=0.1,
    show_default=True,
    type=click.FloatRange(0, 1, max_open=True),
    help="Share of the training groups to keep for validation.",
)
@click.option(
    "--test",
    default=0.2,
    show_default=True,
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    help="folder: share of the groups to keep for testing.",
)
@click.option(
    "--group-pattern",
    metavar="REGEX",
    help="folder: finds a clip's group in its path.  [default: its sub-folder]",
)
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0), help="Fixes what is chosen.")
@click.option(
    "--workers", type=click.IntRange(0), help="Processes that decode; 0 for none.  [default: all cores]"
)
@click.option("--allow-missing", is_flag=True, help="Go on without listed clips that are not on disk.")
def prepare(
    name: str,
    root: Path,
    out: Path,
    splits: Path | None,
    split: int,
    validation: float,
    test: float,
    group_pattern: str | None,
    seed: int,
    workers: int | None,
    allow_missing: bool,
) -> None:
    """Prepares with a progress bar, then prints what is in the manifest."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from dvfl_training.data.prepare import Options
    from dvfl_training.data.prepare import prepare as run
    from dvfl_training.data.sources.listing import Request
    from dvfl_training.data.sources.registry import source_named

    source = source_named(name)
    request = Request(root, splits, split, group_pattern, test, seed)
    processes = (os.cpu_count() or 1) if workers is None else workers
    options = Options(out, validation, processes, allow_missing)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("listing clips", total=None)

        def started(clips: int) -> None:
            progress.update(task, description="decoding clips", total=clips)

        prepared = run(source, request, options, started=started, advanced=lambda: progress.advance(task))
    _print(prepared)
    click.echo(f"manifest: {out}\nclasses and left-out clips: {out.with_suffix('.json')}")
    next_step(f"dvfl train --manifest {out} --recipe {_recipe(name)} --out RUN")


def _print(prepared: Prepared) -> None:
    from dvfl_training.data.manifest import Split

    manifest = prepared.manifest
    rows = [["split", "clips", "groups", "classes", "frames"]]
    for split in Split:
        entries = [entry for entry in manifest.entries if entry.split is split]
        groups, labels = {entry.group for entry in entries}, {entry.label for entry in entries}
        figures = (len(entries), len(groups), len(labels), sum(entry.frames for entry in entries))
        rows.append([split.value, *(f"{figure:,}" for figure in figures)])
    click.echo(f"{manifest.header.dataset}, {manifest.header.variant}: {len(manifest.classes)} classes")
    print_table(rows, right=(1, 2, 3, 4))
    reasons = Counter(excluded.reason for excluded in manifest.header.excluded)
    examples = {excluded.reason: excluded.path for excluded in manifest.header.excluded}
    for reason, count in reasons.most_common(5):
        click.echo(f"  left out: {count} such as {examples[reason]}: {reason}")
    for note in prepared.notes:
        click.echo(f"  note: {note}")


def _recipe(name: str) -> str:
    from dvfl_training.config import recipe_names

    return name if name in recipe_names() else "folder"


data.add_command(generate)
