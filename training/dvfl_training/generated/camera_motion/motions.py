"""The ten camera motions, as paths of the picture over a clip.

Names are from the camera's point of view; the picture moves the other way: when the camera pans
right, the picture slides left; when it rolls clockwise as seen from behind, the picture turns
counter-clockwise.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Motion:
    """One class: what one unit of its amount does to the picture.

    Attributes:
        label: the class name.
        slide: direction the picture slides in, (right, down).
        grow: 1 if it grows, -1 if it shrinks.
        turn: 1 if it turns clockwise on the screen, -1 if counter-clockwise.
        shakes: whether it jumps about instead.
    """

    label: str
    slide: tuple[int, int] = (0, 0)
    grow: int = 0
    turn: int = 0
    shakes: bool = False


MOTIONS: tuple[Motion, ...] = (
    Motion("static"),
    Motion("pan_left", slide=(1, 0)),
    Motion("pan_right", slide=(-1, 0)),
    Motion("tilt_up", slide=(0, 1)),
    Motion("tilt_down", slide=(0, -1)),
    Motion("zoom_in", grow=1),
    Motion("zoom_out", grow=-1),
    Motion("roll_clockwise", turn=-1),
    Motion("roll_counterclockwise", turn=1),
    Motion("shake", shakes=True),
)
LABELS = tuple(motion.label for motion in MOTIONS)


@dataclass(frozen=True)
class MotionRanges:
    """How much moves, per eighth of the clip, in pixels of a 64-pixel picture.

    Attributes:
        slide: pixels; turn: radians; grow: log of the scale; shake: pixels of amplitude.
        tremor: pixels a hand trembles in every class; drift: pixels of a second, unintended motion.
    """

    slide: tuple[float, float] = (0.6, 3.6)
    turn: tuple[float, float] = (0.016, 0.09)
    grow: tuple[float, float] = (0.013, 0.075)
    shake: tuple[float, float] = (1.2, 3.6)
    tremor: float = 0.12
    drift: float = 0.08


@dataclass(frozen=True)
class Path:
    """The picture's pose at each sampled time, relative to its middle pose; float64 ``[T]`` each.

    Attributes:
        right, down: shift in pixels of a 64-pixel picture.
        scale_log: log of the magnification.
        angle: clockwise turn on the screen, in radians.
    """

    right: Values
    down: Values
    scale_log: Values
    angle: Values


def sample_path(
    motion: Motion, times: Values, duration_s: float, dice: np.random.Generator, ranges: MotionRanges
) -> Path:
    """A random path of a class at ``times`` in 0..1, for a clip of ``duration_s`` seconds."""
    if motion.shakes:
        return _shake(times * duration_s, dice, ranges)
    progress = 8.0 * _eased(times, dice)
    stray = ranges.drift * dice.standard_normal(4) * (motion.label != "static")
    slide = dice.uniform(*ranges.slide) * np.array(motion.slide, float)
    # Nobody pans along a ruler: up to about 14 degrees off.
    slant = max(-0.25, min(0.25, dice.normal(0.0, 0.1)))
    across = np.array([-slide[1], slide[0]]) * math.tan(slant)
    speed = slide + across + stray[:2]
    tremor = [_wobble(times * duration_s, ranges.tremor, dice) for _ in range(2)]
    return Path(
        right=speed[0] * progress + tremor[0],
        down=speed[1] * progress + tremor[1],
        scale_log=(motion.grow * dice.uniform(*ranges.grow) + 0.02 * stray[2]) * progress,
        angle=(motion.turn * dice.uniform(*ranges.turn) + 0.02 * stray[3]) * progress,
    )


def _eased(times: Values, dice: np.random.Generator) -> Values:
    """Progress -0.5..0.5, with a speed that changes by up to 40 %."""
    swing = dice.uniform(-0.4, 0.4)
    return times - 0.5 + swing * np.sin(2 * np.pi * times) / (2 * np.pi)


def _shake(seconds: Values, dice: np.random.Generator, ranges: MotionRanges) -> Path:
    amplitude = dice.uniform(*ranges.shake)
    return Path(
        right=_wobble(seconds, amplitude, dice),
        down=_wobble(seconds, amplitude, dice),
        scale_log=np.zeros_like(seconds),
        angle=_wobble(seconds, 0.01 * amplitude, dice),
    )


def _wobble(seconds: Values, amplitude: float, dice: np.random.Generator) -> Values:
    """A hand's shaking: four sines of 2.5 to 9 Hz; ``amplitude`` is the standard deviation."""
    frequencies = dice.uniform(2.5, 9.0, 4)
    phases = dice.uniform(0, 2 * np.pi, 4)
    waves = np.sin(2 * np.pi * np.outer(seconds, frequencies) + phases)
    wobble: Values = amplitude * math.sqrt(2 / 4) * waves.sum(axis=1)
    return wobble
