"""The demo's .mp4 files: one per class, from held-out photographs, in the shapes that phones record."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from dvfl_training.generated.camera_motion.motions import LABELS
from dvfl_training.generated.camera_motion.rendering import RenderOptions, render_frames
from dvfl_training.generated.compression import write_mp4
from dvfl_training.generated.photographs import held_out_pictures

SEED = 41_000
_RATE = 25
_CRF = 30
# Landscape, portrait and square; width, height and number of frames.
_SHAPES = ((320, 240, 40), (240, 320, 36), (320, 180, 48), (256, 256, 33))
_OPTIONS = RenderOptions(noise=2.0, duration_s=(1.5, 1.5), least_texture=6.0)


def write_demo_clips(folder: Path, seed: int = SEED) -> Iterator[Path]:
    """Writes ``<label>.mp4`` for every class and yields each path."""
    folder.mkdir(parents=True, exist_ok=True)
    pictures = held_out_pictures()
    for index, label in enumerate(LABELS):
        dice = np.random.default_rng(seed + index)
        width, height, frames = _SHAPES[index % len(_SHAPES)]
        times = np.arange(frames) / (frames - 1)
        clip = render_frames(index, pictures, dice, _OPTIONS, times, (width, height))
        path = folder / f"{label}.mp4"
        write_mp4(clip, path, _CRF, _RATE)
        yield path
