"""A camera that looks at the person: where it stands, how it follows, and how it projects."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Camera:
    """Poses over a clip.

    Attributes:
        eyes: ``[T, 3]`` positions in metres; targets: ``[T, 3]`` what is in the middle of the picture.
        rolls: ``[T]`` clockwise turns in radians.
        focal: pixels; size: width and height in pixels.
    """

    eyes: Values
    targets: Values
    rolls: Values
    focal: float
    size: tuple[int, int]

    def axes(self) -> Values:
        """Right, down and ahead of the camera in the world, ``[T, 3, 3]``, rows."""
        ahead = self.targets - self.eyes
        ahead /= np.linalg.norm(ahead, axis=1, keepdims=True)
        right = np.cross(ahead, np.array([[0.0, 1.0, 0.0]]))
        right /= np.linalg.norm(right, axis=1, keepdims=True)
        down = np.cross(ahead, right)
        cosine, sine = np.cos(self.rolls)[:, None], np.sin(self.rolls)[:, None]
        return np.stack([cosine * right + sine * down, cosine * down - sine * right, ahead], axis=1)

    def project(self, points: Values) -> tuple[Values, Values]:
        """Pixels ``[T, P, 2]`` and depths ``[T, P]`` in metres of world points ``[T, P, 3]``."""
        seen = np.einsum("tij,tpj->tpi", self.axes(), points - self.eyes[:, None])
        depth = np.maximum(seen[..., 2], 0.1)
        middle = np.array([(self.size[0] - 1) / 2, (self.size[1] - 1) / 2])
        return middle + self.focal * seen[..., :2] / depth[..., None], depth

    def at(self, index: int) -> Camera:
        """The camera of one frame."""
        one = slice(index, index + 1)
        return replace(self, eyes=self.eyes[one], targets=self.targets[one], rolls=self.rolls[one])


def looking_at(
    middle: Values, azimuth: float, elevation: float, distance: Values, focal: float, size: tuple[int, int]
) -> Camera:
    """A camera ``distance`` ``[T]`` metres from ``middle`` ``[T, 3]``, at an azimuth and an elevation.

    The azimuth, in radians, is 0 in front of a person who faces x, and grows to that person's right.
    """
    flat = math.cos(elevation)
    direction = np.array([flat * math.cos(azimuth), math.sin(elevation), flat * math.sin(azimuth)])
    return Camera(middle + distance[:, None] * direction, middle, np.zeros(len(middle)), focal, size)
