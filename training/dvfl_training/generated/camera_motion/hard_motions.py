"""The harder set: the ten motions and seven that need two depths, as paths of a background and a subject.

Names are the camera's, as in :mod:`.motions`. What stands nearer shows what the camera does: while it goes
round a subject, only the background slides; while it comes nearer and zooms out, only the background shrinks.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from dvfl_training.generated.camera_motion.motions import (
    MOTIONS,
    Motion,
    MotionRanges,
    Path,
    Values,
    sample_path,
)


@dataclass(frozen=True)
class HardMotion:
    """One class.

    Attributes:
        background: what the background does.
        slides, grows: what share of it the subject does too, of the slide and of the log of the scale.
        walks: whether the picture bobs and sways with somebody's steps.
    """

    background: Motion
    slides: float = 1.0
    grows: float = 1.0
    walks: bool = False

    @property
    def label(self) -> str:
        """The class name."""
        return self.background.label


HARD_MOTIONS: tuple[HardMotion, ...] = (
    *map(HardMotion, MOTIONS),
    HardMotion(Motion("orbit_left", slide=(-1, 0)), slides=0.0),
    HardMotion(Motion("orbit_right", slide=(1, 0)), slides=0.0),
    HardMotion(Motion("dolly_zoom_in", grow=-1), grows=0.0),
    HardMotion(Motion("dolly_zoom_out", grow=1), grows=0.0),
    HardMotion(Motion("pan_left_zoom_in", slide=(1, 0), grow=1)),
    HardMotion(Motion("pan_right_zoom_in", slide=(-1, 0), grow=1)),
    HardMotion(Motion("walk_forward", grow=1), grows=1.8, walks=True),
)
HARD_LABELS = tuple(motion.label for motion in HARD_MOTIONS)
# What a left-right mirrored clip shows; the other classes stay what they are.
MIRROR = {
    name: name.replace("left", "right") if "left" in name else name.replace("right", "left")
    for name in HARD_LABELS
    if "left" in name or "right" in name
} | {"roll_clockwise": "roll_counterclockwise", "roll_counterclockwise": "roll_clockwise"}

# Slower than the ten motions' own, with a hand that trembles more.
HARD_RANGES = MotionRanges(
    slide=(0.45, 3.2), turn=(0.012, 0.085), grow=(0.012, 0.07), shake=(1.0, 3.2), tremor=0.2
)
# Of somebody who walks: steps a second, and pixels of a 64-pixel picture.
_STEPS_HZ = (1.5, 2.2)
_BOB = (0.9, 2.2)
# Both motions of a class that has two must be seen.
_SLOWEST_OF_TWO = 1.6


def sample_paths(
    motion: HardMotion, times: Values, duration_s: float, dice: np.random.Generator
) -> tuple[Path, Path]:
    """Random paths of background and subject at ``times`` in 0..1, for a clip of ``duration_s`` seconds."""
    ranges = replace(HARD_RANGES, tremor=0.0)
    if motion.background.grow and any(motion.background.slide):
        ranges = replace(
            ranges,
            slide=(_SLOWEST_OF_TWO * ranges.slide[0], ranges.slide[1]),
            grow=(_SLOWEST_OF_TWO * ranges.grow[0], ranges.grow[1]),
        )
    meant = sample_path(motion.background, times, duration_s, dice, ranges)
    hand = sample_path(Motion("static"), times, duration_s, dice, HARD_RANGES)
    if motion.walks:
        hand = _sum(hand, _steps(times * duration_s, dice))
    subject = replace(
        meant,
        right=motion.slides * meant.right,
        down=motion.slides * meant.down,
        scale_log=motion.grows * meant.scale_log,
    )
    return _sum(meant, hand), _sum(subject, hand)


def _steps(seconds: Values, dice: np.random.Generator) -> Path:
    """Up and down with every step, to and fro with every other one."""
    rate, phase = dice.uniform(*_STEPS_HZ), dice.uniform(0, 2 * np.pi)
    height = dice.uniform(*_BOB)
    return Path(
        right=0.7 * height * np.sin(math.pi * rate * seconds + phase / 2),
        down=height * np.sin(2 * math.pi * rate * seconds + phase),
        scale_log=np.zeros_like(seconds),
        angle=0.012 * height * np.sin(math.pi * rate * seconds + phase / 2),
    )


def _sum(first: Path, second: Path) -> Path:
    return Path(
        right=first.right + second.right,
        down=first.down + second.down,
        scale_log=first.scale_log + second.scale_log,
        angle=first.angle + second.angle,
    )
