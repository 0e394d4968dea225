"""Something in front of what a clip shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from dvfl_training.generated.photographs import Picture

Frames = NDArray[np.uint8]


@dataclass(frozen=True)
class Occluder:
    """A piece of a photograph: a post, or something that goes by."""

    patch: Picture
    left: float
    top: int
    speed: float

    @classmethod
    def drawn(cls, pictures: Sequence[Picture], size: tuple[int, int], dice: np.random.Generator) -> Occluder:
        """A piece of one of the pictures, from the top or from the bottom, for ``size`` (W, H)."""
        picture = pictures[int(dice.integers(len(pictures)))]
        width = max(4, round(size[0] * dice.uniform(0.06, 0.18)))
        height = round(size[1] * dice.uniform(0.4, 1.0))
        top = 0 if dice.random() < 0.5 else size[1] - height
        patch = cv2.resize(picture[: picture.shape[0] // 2, : picture.shape[1] // 4], (width, height))
        speed = dice.normal(0, 0.3) * size[0] if dice.random() < 0.5 else 0.0
        return cls(np.asarray(patch, np.uint8), float(dice.uniform(0, size[0] - width)), top, float(speed))

    def hide(self, frame: Frames, time: float) -> None:
        """Covers what is behind it, at a time 0..1."""
        height, width = self.patch.shape[:2]
        left = round(self.left + self.speed * (time - 0.5))
        start, end = max(0, left), min(frame.shape[1], left + width)
        if start < end:
            frame[self.top : self.top + height, start:end] = self.patch[:, start - left : end - left]
