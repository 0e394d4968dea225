"""``dvfl evaluate``: how often a checkpoint is right on a split of a data set."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dvfl.cli.options import Choice, next_step, print_table

if TYPE_CHECKING:
    from dvfl_training.data.loader import EvaluationLoader, ViewBatch
    from dvfl_training.evaluation import Evaluation

_MOST_CONFUSIONS = 8
_MOST_WORST = 8

HELP = """Evaluate CHECKPOINT on a split of a data set.

Softmax probabilities are averaged over the views. One view is what a phone computes; 4x3 (four in time,
three in space) is the protocol of the published figures, with fixed views instead of random ones.
Intervals are Wilson's, at 95 %.

\b
Examples:
  dvfl evaluate runs/student/best.pth --manifest ucf101.csv
  dvfl evaluate runs/student/best.pth --manifest ucf101.csv --split validation --views 1x1
  dvfl evaluate student.pth --manifest ucf101.csv --json result.json
"""


if TYPE_CHECKING:
    _Pair = click.ParamType[tuple[int, int]]
else:
    # Older releases of click know no type argument.
    _Pair = click.ParamType


class Views(_Pair):
    """``TIMExSPACE``, such as 4x3."""

    name = "TxS"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int]:
        """The two numbers."""
        found = re.fullmatch(r"(\d+)x(\d+)", str(value))
        if not found or int(found[1]) < 1 or int(found[2]) not in (1, 3):
            self.fail(f"'{value}' is not like 1x1 or 4x3: views in time, then in space (1 or 3)", param, ctx)
        return int(found[1]), int(found[2])


@click.command("evaluate", help=HELP, short_help="Accuracy of a checkpoint on a split of a data set.")
@click.argument("checkpoint", type=click.Path(path_type=Path))
@click.option("--manifest", required=True, type=click.Path(path_type=Path), help="The data set.")
@click.option(
    "--split",
    type=Choice("split", ("train", "validation", "test")),
    default="test",
    show_default=True,
    help="Which of its clips.",
)
@click.option("--views", type=Views(), default="4x3", show_default=True, help="Per clip: time x space.")
@click.option(
    "--labels",
    type=click.Path(path_type=Path),
    help="One class per line, in head order; for a checkpoint that does not name its classes.",
)
@click.option("--batch", type=click.IntRange(1), default=16, show_default=True, help="Clips at a time.")
@click.option(
    "--workers", type=click.IntRange(0), default=2, show_default=True, help="Processes that decode."
)
@click.option("--frames", type=click.IntRange(1), help="Frames per clip.  [default: the checkpoint's, or 8]")
@click.option(
    "--size",
    type=click.IntRange(32),
    help="Input size, a multiple of 32.  [default: the checkpoint's, or 224]",
)
@click.option(
    "--device",
    type=Choice("device", ("auto", "cpu", "cuda")),
    default="auto",
    show_default=True,
    help="Where to compute.",
)
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Also write everything here.")
def evaluate(
    checkpoint: Path,
    manifest: Path,
    split: str,
    views: tuple[int, int],
    labels: Path | None,
    batch: int,
    workers: int,
    frames: int | None,
    size: int | None,
    device: str,
    json_file: Path | None,
) -> None:
    """Prints top-1 and top-5, every class, the commonest confusions and the worst clips."""
    from dvfl.files import atomic_write, check_writable
    from dvfl.model.variants import INPUT_STRIDE
    from dvfl_training.checkpoint_evaluation import (
        as_json,
        clip_of,
        evaluate_checkpoint,
        names_classes,
        read_names,
    )
    from dvfl_training.data.manifest import Split, read_manifest
    from dvfl_training.engine.distributed import choose_device

    if size is not None and size % INPUT_STRIDE:
        raise click.BadParameter(f"{size} is no multiple of {INPUT_STRIDE}", param_hint="--size")
    if json_file is not None:
        check_writable(json_file)
    listed, chosen, clip = read_manifest(manifest), Split(split), clip_of(checkpoint, frames, size)
    if listed.of(chosen) and (gap := listed.gap(chosen)):
        click.echo(f"warning: {gap}", err=True)
    names = read_names(labels) if labels else ()
    if not names and not names_classes(checkpoint):
        click.echo(
            f"warning: {checkpoint} does not name its classes; taken to be in the data set's order "
            f"({', '.join(listed.classes[:3])}, ...); else give --labels",
            err=True,
        )
    found = evaluate_checkpoint(
        checkpoint, listed, chosen, clip, views, batch, workers, choose_device(device), _watched, names
    )
    click.echo(f"{listed.header.dataset}, {split}: {len(found.labels):,} clips, {views[0]}x{views[1]} views")
    details = as_json(found, listed, chosen, views)
    _print(found, details["worst"])
    if json_file is not None:
        with atomic_write(json_file) as stream:
            stream.write(json.dumps(details, indent=2).encode())
    next_step(" ".join(["dvfl convert", str(checkpoint), *_input(checkpoint, frames, size), "--out BUNDLE"]))


def _input(checkpoint: Path, frames: int | None, size: int | None) -> list[str]:
    """Options of ``dvfl convert`` for what was evaluated, where it would not find them itself."""
    given = {"--frames": frames, "--size": size}
    options = [f"{name} {value}" for name, value in given.items() if value is not None]
    return options if (checkpoint.parent / "labels.txt").is_file() else ["--labels LABELS.txt", *options]


def _print(found: Evaluation, worst: list[dict[str, Any]]) -> None:
    print_table([(f"top-{count}", str(found.top(count))) for count in (1, 5) if count < len(found.classes)])
    click.echo("\nclasses")
    rows = [("class", "right", "of", "share", "95 % interval")]
    for name, share in zip(found.classes, found.per_class, strict=True):
        if not share.total:
            continue
        low, high = share.interval
        counts = (str(share.right), str(share.total))
        rows.append((name, *counts, f"{share.value:.1%}", f"{low:.1%} to {high:.1%}"))
    print_table(rows, right=(1, 2, 3))
    confusions = found.commonest_confusions(_MOST_CONFUSIONS)
    if confusions:
        click.echo("\ncommonest confusions")
        print_table(
            [(f"{times}", f"{name} taken for {taken}") for name, taken, times in confusions], right=(0,)
        )
        click.echo("\nworst clips: path, class, prediction, probability of the class")
        print_table(
            [
                (clip["path"], clip["label"], clip["prediction"], f"{clip['probability_of_label']:.2%}")
                for clip in worst[:_MOST_WORST]
            ],
            right=(3,),
        )


def _watched(loader: EvaluationLoader) -> Iterable[ViewBatch]:
    from rich.console import Console
    from rich.progress import track

    return track(loader, "evaluating", total=len(loader), console=Console(stderr=True), transient=True)
