"""What ``dvfl compress`` does: reads, compresses, judges, writes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dvfl.model.checkpoint import load_checkpoint
from dvfl_converter.clips import check_unseen, find_videos, read_clips
from dvfl_converter.compression.checkpoints import write_compressed
from dvfl_converter.compression.compress import check_gate, compress
from dvfl_converter.compression.summary import Compression
from dvfl_converter.inputs import input_of
from dvfl_converter.parity.gates import compression_misses
from dvfl_converter.pipeline import count_macs
from dvfl_converter.plan import check_clip_shape
from dvfl_converter.progress import Steps


@dataclass(frozen=True)
class Asked:
    """Everything a user asks.

    Attributes:
        error: the largest relative error of a layer's output.
        calibration: folder of videos.
        clips: videos, or folders of them.
        frames, size: ``None`` for what the checkpoint was trained on.
        for_training: write it although it misses the gate.
    """

    checkpoint: Path
    out: Path
    error: float
    calibration: Path
    clips: tuple[Path, ...]
    frames: int | None = None
    size: int | None = None
    for_training: bool = False


def run(asked: Asked, *, quiet: bool = False) -> tuple[Compression, list[str]]:
    """Writes the compressed checkpoint.

    Returns:
        What it gave, and what it misses of the gate: nothing, but for ``for_training``.

    Raises:
        DvflError: an input is unusable, nothing can be saved, or the gate is missed; nothing is written.
    """
    check_clip_shape(asked.frames, asked.size)
    checkpoint = load_checkpoint(asked.checkpoint)
    spec, _ = input_of(checkpoint, asked.frames, asked.size)
    calibration, tested = find_videos(asked.calibration), _videos(asked.clips)
    check_unseen(tested, calibration)
    macs = count_macs(checkpoint.network(), spec.temporal.frames, spec.crop.size)
    with Steps(total=1 + len(calibration) + 2 * len(tested), quiet=quiet) as steps:
        with steps.step("reading clips"):
            fitted = [clip.pixels for clip in read_clips(calibration, spec)]
            clips = read_clips(tested, spec)

        def watch() -> None:
            with steps.step("running the network on clips"):
                pass

        smaller, found = compress(checkpoint, asked.error, fitted, clips, spec, macs, watch)
    if not asked.for_training:
        check_gate(found, checkpoint)
    write_compressed(asked.out, smaller, found)
    return found, compression_misses(found.clips)


def _videos(paths: Sequence[Path]) -> list[Path]:
    return [video for path in paths for video in (find_videos(path) if path.is_dir() else [path])]
