"""``dvfl compress``: a checkpoint whose temporal convolutions have a low rank."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from dvfl.cli.options import next_step, print_table

if TYPE_CHECKING:
    from dvfl_converter.compression.summary import Compression

HELP = """Write a copy of CHECKPOINT whose temporal convolutions have the lowest rank that clips allow.

On a phone such a convolution runs in two cheaper steps; any command takes the copy like any other checkpoint.
Each layer gets the smallest rank whose output is within ERROR of the original's on the calibration clips;
where that saves nothing, it stays as it is. The copy must then agree with the original on the --clip videos:
20 dB on the worst one, and 99 % of the best labels. Nothing is written otherwise.

\b
Examples:
  dvfl compress student.pth small.pth --error .03 --calibration-clips train/ --clip test/
  dvfl convert student.pth ... --calibration-clips train/ --clip a.mp4 --compress .03     the same in one go

\b
To save more, train the copy with the original as its teacher; the ranks stay:
  dvfl compress student.pth small.pth --error .15 --calibration-clips train/ --clip test/ --for-training
  dvfl distill --teacher student.pth --fine-tune small.pth --manifest data.csv --out runs/small
  dvfl evaluate runs/small/best.pth --manifest data.csv
  dvfl convert runs/small/best.pth --out bundle --clip a.mp4

Exit codes: 0; 1 for an error, or a copy that does not agree; 2 wrong usage.
"""


@click.command("compress", help=HELP, short_help="Make temporal convolutions cheaper, with proof.")
@click.argument("checkpoint", type=click.Path(path_type=Path))
@click.argument("out", type=click.Path(path_type=Path))
@click.option(
    "--error",
    required=True,
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    help="The largest relative error of a layer's output, e.g. 0.03.",
)
@click.option(
    "--calibration-clips",
    "calibration",
    required=True,
    type=click.Path(path_type=Path),
    help="A folder of videos to fit the layers on: a few for each class.",
)
@click.option(
    "--clip",
    "clips",
    required=True,
    multiple=True,
    type=click.Path(path_type=Path),
    help="A video to judge by, or a folder of them; repeatable. None may be a calibration clip.",
)
@click.option("--frames", type=int, help="Frames per clip, T.  [default: the checkpoint's, or 8]")
@click.option("--size", type=int, help="Height and width of the input.  [default: the checkpoint's, or 224]")
@click.option("--for-training", is_flag=True, help="Write it even if it does not agree, to train it further.")
def compress(
    checkpoint: Path,
    out: Path,
    error: float,
    calibration: Path,
    clips: tuple[Path, ...],
    frames: int | None,
    size: int | None,
    for_training: bool,
) -> None:
    """Prints one row per layer and what is saved."""
    from dvfl.files import check_writable
    from dvfl_converter.compression.command import Asked, run

    check_writable(out)
    found, misses = run(Asked(checkpoint, out, error, calibration, clips, frames, size, for_training))
    show(found)
    if misses:
        click.echo(f"note: not usable without training: {'; '.join(misses)}", err=True)
        next_step(f"dvfl distill --teacher {checkpoint} --fine-tune {out} --manifest DATA.csv --out RUN")
    else:
        next_step(f"dvfl convert {out} --labels LABELS --out BUNDLE --clip CLIP.mp4")


def show(compression: Compression) -> None:
    """The table and its sum."""
    from dvfl_converter.compression.summary import HEADINGS

    print_table([HEADINGS, *compression.rows()], right=range(1, len(HEADINGS)))
    click.echo(compression.sentence())
