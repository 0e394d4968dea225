"""The data set ``camera-motion``: clip number k of a class and a split, always the same from a seed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dvfl_training.data.manifest import Split
from dvfl_training.generated.camera_motion.hard_motions import HARD_MOTIONS
from dvfl_training.generated.camera_motion.layered import render_layered
from dvfl_training.generated.camera_motion.rendering import RenderOptions, render_frames
from dvfl_training.generated.clip import RATES, SHAPES, TEXTURES, GeneratedClip
from dvfl_training.generated.occluder import Occluder
from dvfl_training.generated.photographs import Picture, pictures_of
from dvfl_training.generated.sensor import Sensor, filmed

Frames = NDArray[np.uint8]

_SPLITS = tuple(Split)
_SECONDS = (1.0, 3.0)
# A view shows enough texture for slow motion to be seen.
_HARD = RenderOptions(least_texture=5.0)
_HARD_SENSOR = Sensor(low_light=0.25, lens_blur=1.2, noise=9.0)
_OCCLUDER, _MOTION_BLUR = 0.35, 0.35


def render(split: Split, label: int, number: int, seed: int, *, hard: bool) -> GeneratedClip:
    """Clip ``number`` of class ``label``; the photograph behind is its group."""
    dice = np.random.default_rng([seed, _SPLITS.index(split), label, number])
    pictures = pictures_of(split, seed, TEXTURES)
    chosen = int(dice.integers(len(pictures)))
    size = SHAPES[int(dice.integers(len(SHAPES)))]
    rate = RATES[int(dice.integers(len(RATES)))]
    count = round(float(dice.uniform(*_SECONDS)) * rate)
    draw = _hard if hard else _plain
    frames = draw(label, pictures[chosen], pictures, dice, size, count, rate)
    return GeneratedClip(frames, rate, int(dice.integers(20, 33)), f"{split}-picture-{chosen:02d}")


def _plain(
    label: int,
    background: Picture,
    pictures: Sequence[Picture],
    dice: np.random.Generator,
    size: tuple[int, int],
    count: int,
    rate: int,
) -> Frames:
    lasts = count / rate
    times = np.arange(count) / (count - 1)
    options = RenderOptions(duration_s=(lasts, lasts))
    return render_frames(label, pictures, dice, options, times, size, background)


def _hard(
    label: int,
    background: Picture,
    pictures: Sequence[Picture],
    dice: np.random.Generator,
    size: tuple[int, int],
    count: int,
    rate: int,
) -> Frames:
    exposures = 3 if dice.random() < _MOTION_BLUR else 1
    # An exposure lasts half a frame.
    times = (np.arange(count)[:, None] + np.linspace(0, 0.5, exposures)[None]).ravel() / count
    motion = HARD_MOTIONS[label]
    clip = render_layered(motion, background, pictures, dice, _HARD, times, count / rate, size)
    seen = clip.reshape(count, exposures, *clip.shape[1:]).mean(axis=1).astype(np.uint8)
    if dice.random() < _OCCLUDER:
        occluder = Occluder.drawn(pictures, size, dice)
        for index, frame in enumerate(seen):
            occluder.hide(frame, index / count)
    return filmed(seen, dice, _HARD_SENSOR)
