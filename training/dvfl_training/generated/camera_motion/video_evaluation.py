"""Clips from real encoded files: phone-like shapes, H.264, read back through the whole pipeline."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dvfl.spec import PreprocessingSpec
from dvfl.video import load_clip
from dvfl_training.generated.camera_motion.motions import LABELS
from dvfl_training.generated.camera_motion.rendering import RenderOptions, render_frames
from dvfl_training.generated.compression import write_mp4
from dvfl_training.generated.photographs import Picture

VIDEO_SEED = 30_000
_SHAPES = ((320, 240), (240, 320), (426, 240), (256, 256), (202, 360))
_RATE = 25


def video_clips(
    pictures: Sequence[Picture], per_class: int, spec: PreprocessingSpec
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Clips uint8 ``[N, T, S, S, 3]`` as decoded and preprocessed from ``.mp4`` files, and labels ``[N]``."""
    labels = np.arange(per_class * len(LABELS)) % len(LABELS)
    with tempfile.TemporaryDirectory() as folder:
        files = _write(Path(folder), pictures, labels)
        return np.stack([load_clip(file, spec).pixels for file in files]), labels


def _write(folder: Path, pictures: Sequence[Picture], labels: NDArray[np.int64]) -> Iterator[Path]:
    for index, label in enumerate(labels):
        dice = np.random.default_rng(VIDEO_SEED + index)
        frames = int(dice.integers(24, 60, endpoint=True))
        times = np.arange(frames) / (frames - 1)
        options = RenderOptions(duration_s=(frames / _RATE, frames / _RATE))
        size = _SHAPES[index % len(_SHAPES)]
        clip = render_frames(int(label), pictures, dice, options, times, size)
        path = folder / f"{index:04d}.mp4"
        write_mp4(clip, path, crf=int(dice.integers(20, 33)), rate=_RATE)
        yield path
