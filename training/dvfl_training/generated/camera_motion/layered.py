"""Rendering in two depths: a photograph far behind, and a piece of another one, the subject, nearer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from dvfl_training.generated.camera_motion.hard_motions import HardMotion, sample_paths
from dvfl_training.generated.camera_motion.motions import Path
from dvfl_training.generated.camera_motion.rendering import (
    REFERENCE_SIZE,
    RenderOptions,
    choose_thing,
    choose_view,
)
from dvfl_training.generated.photographs import Picture

Frames = NDArray[np.uint8]
Values = NDArray[np.float64]

# Diameter, and distance from the middle, as shares of the picture's short side.
_SUBJECT_SIZE = (0.30, 0.55)
_SUBJECT_PLACE = 0.12
# Of the patch that a subject is cut from; larger than it is ever drawn, so that it stays sharp.
_PATCH = 160
_WAVES = 5


def render_layered(
    motion: HardMotion,
    background: Picture,
    pictures: Sequence[Picture],
    dice: np.random.Generator,
    options: RenderOptions,
    times: Values,
    duration_s: float,
    size: tuple[int, int],
) -> Frames:
    """Frames at ``times`` in 0..1, uint8 ``[T, H, W, 3]`` for ``size`` (W, H), before the sensor.

    Subject and things in front are cut from ``pictures``. Of ``options``, only what is about view and things
    counts.
    """
    far, near = sample_paths(motion, times, duration_s, dice)
    view = choose_view((background,), dice, options, size)
    subject = Subject.drawn(pictures, dice, min(size))
    things = [
        choose_thing(pictures, dice, options, min(size))
        for _ in range(int(dice.integers(0, options.objects + 1)))
    ]
    out = np.empty((len(times), size[1], size[0], 3), np.uint8)
    for index, time in enumerate(times):
        frame = subject.drawn_on(view.frame(far, index, size), near, index)
        for thing in things:
            frame = thing.drawn_on(frame, 8 * (time - 0.5))
        out[index] = frame
    return out


@dataclass(frozen=True)
class Subject:
    """A piece of a photograph with a smooth outline.

    Attributes:
        patch: uint8 ``[_PATCH, _PATCH, 3]``; mask: 0..1 of the same size.
        place: of its middle, in pixels right of and below the picture's; step: patch pixels per pixel.
    """

    patch: Picture
    mask: NDArray[np.float32]
    place: tuple[float, float]
    step: float

    @classmethod
    def drawn(cls, pictures: Sequence[Picture], dice: np.random.Generator, side: int) -> Subject:
        """A piece of one of the pictures, for a picture of ``side`` pixels."""
        picture = pictures[int(dice.integers(len(pictures)))]
        cut = int(dice.uniform(0.35, 0.8) * min(picture.shape[:2]))
        top, left = (int(dice.integers(0, length - cut + 1)) for length in picture.shape[:2])
        piece = np.ascontiguousarray(picture[top : top + cut, left : left + cut])
        patch = cv2.resize(piece, (_PATCH, _PATCH), interpolation=cv2.INTER_AREA)
        # Nearer things are lit differently; it also sets the subject off from what is behind.
        lit = np.clip(patch * (dice.uniform(0.6, 1.4) * (1 + dice.uniform(-0.2, 0.2, 3))), 0, 255)
        place = side * dice.uniform(-_SUBJECT_PLACE, _SUBJECT_PLACE, 2)
        step = _PATCH / (side * dice.uniform(*_SUBJECT_SIZE))
        return cls(lit.astype(np.uint8), _outline(dice), (float(place[0]), float(place[1])), float(step))

    def drawn_on(self, frame: Frames, path: Path, index: int) -> Frames:
        """The frame with the subject at one pose of its path."""
        height, width = frame.shape[:2]
        unit = min(width, height) / REFERENCE_SIZE
        scale = math.exp(path.scale_log[index])
        cosine, sine = math.cos(path.angle[index]), math.sin(path.angle[index])
        turn = scale * np.array([[cosine, -sine], [sine, cosine]])
        slide = unit * np.array([path.right[index], path.down[index]])
        middle = np.array([(width - 1) / 2, (height - 1) / 2]) + slide + turn @ np.array(self.place)
        linear = turn / self.step
        matrix = np.hstack([linear, (middle - linear @ np.full(2, (_PATCH - 1) / 2))[:, None]])
        alpha = cv2.warpAffine(self.mask, matrix, (width, height))[..., None]
        drawn = cv2.warpAffine(self.patch, matrix, (width, height))
        return np.asarray(frame * (1 - alpha) + drawn * alpha, np.uint8)


def _outline(dice: np.random.Generator) -> NDArray[np.float32]:
    """A blob, 0..1 ``[_PATCH, _PATCH]``: a circle whose radius swings with a few smooth waves."""
    angles = np.linspace(0, 2 * np.pi, 120, endpoint=False)
    orders = np.arange(1, _WAVES + 1)
    sizes, phases = dice.normal(0, 0.16, _WAVES) / orders, dice.uniform(0, 2 * np.pi, _WAVES)
    radius = 1 + (sizes * np.cos(np.outer(angles, orders) + phases)).sum(axis=1)
    radius *= (_PATCH / 2 - 3) / radius.max()
    corners = _PATCH / 2 + radius[:, None] * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    mask = np.zeros((_PATCH, _PATCH), np.float32)
    cv2.fillPoly(mask, [np.round(corners).astype(np.int32)], 1.0)
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), 1.5), np.float32)
