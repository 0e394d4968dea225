"""``dvfl train-demo``: the shipped student from a seed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from dvfl.cli.options import next_step, print_table
from dvfl.files import check_writable

if TYPE_CHECKING:
    from dvfl_training.generated.camera_motion.evaluation import Accuracy
    from dvfl_training.generated.camera_motion.trainer import Progress as TrainProgress

HELP = """Train the camera-motion demo student from a seed.

Clips are rendered from photographs while it trains, so nothing is downloaded. The default recipe made
the shipped student (docs/demo-student.md has its figures and its training time).

\b
Examples:
  dvfl train-demo --out student.pth
  dvfl train-demo --out quick.pth --steps 600     a first look
"""


@click.command("train-demo", help=HELP, short_help="Train the camera-motion demo student from a seed.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The checkpoint to write.")
@click.option("--seed", default=0, show_default=True, help="Fixes initial weights, textures and clips.")
@click.option("--steps", default=2000, show_default=True, type=click.IntRange(1), help="Optimizer steps.")
@click.option("--threads", default=2, show_default=True, type=click.IntRange(1), help="CPU threads.")
@click.option(
    "--clips", type=click.Path(path_type=Path), help="Also write the demo's .mp4 files to this folder."
)
def train_demo(out: Path, seed: int, steps: int, threads: int, clips: Path | None) -> None:
    """Trains with a progress bar, then prints the accuracy per class."""
    # Half an hour of training must not end in a file that cannot be written.
    check_writable(out)
    import cv2
    import torch

    from dvfl_training.generated.camera_motion.demo_clips import write_demo_clips
    from dvfl_training.generated.camera_motion.trainer import TrainOptions, save, train
    from dvfl_training.progress import training_bar

    torch.set_num_threads(threads)
    cv2.setNumThreads(1)
    options = TrainOptions(seed=seed, steps=steps)
    with training_bar(steps, options.batch) as bar:

        def show(progress: TrainProgress) -> None:
            top1 = progress.accuracy.top1 if progress.accuracy else None
            bar.advance(progress.loss, progress.batch_accuracy, top1)

        network, accuracy = train(options, show)
    save(network, accuracy, options, out)
    _print(accuracy)
    if clips is not None:
        for path in write_demo_clips(clips):
            click.echo(path)
    next_step(f"dvfl convert {out} --labels assets/camera_motion_labels.txt --size 64 --out BUNDLE")


def _print(accuracy: Accuracy) -> None:
    low, high = accuracy.interval()
    click.echo(f"held-out top-1 {accuracy.top1:.1%} (95 % interval {low:.1%} to {high:.1%})")
    rows = [("class", "right", "of", "share")]
    for index, (label, share) in enumerate(accuracy.per_class.items()):
        rows.append((label, str(accuracy.right[index]), str(accuracy.total[index]), f"{share:.1%}"))
    print_table(rows, right=(1, 2, 3))
