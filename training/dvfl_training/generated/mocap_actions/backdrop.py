"""What is behind the person."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from dvfl_training.generated.mocap_actions.camera import Camera
from dvfl_training.generated.mocap_actions.flaws import Flaws
from dvfl_training.generated.photographs import Picture

Frames = NDArray[np.uint8]
Values = NDArray[np.float64]


@dataclass(frozen=True)
class Backdrop:
    """A photograph far behind the person, in the camera's picture of it."""

    picture: Picture
    step: float
    centre: tuple[float, float]
    shifts: Values
    scales: Values

    @classmethod
    def drawn(
        cls, pictures: Sequence[Picture], camera: Camera, dice: np.random.Generator, flaws: Flaws
    ) -> Backdrop:
        """A piece of one of the pictures, more or less faded and blurred."""
        picture = pictures[int(dice.integers(len(pictures)))]
        if dice.random() < 0.5:
            picture = np.ascontiguousarray(picture[:, ::-1])
        left = dice.uniform(*flaws.clutter)
        faded = cv2.addWeighted(picture, left, np.full_like(picture, picture.mean()), 1 - left, 0)
        height, width = faded.shape[:2]
        step = dice.uniform(0.35, 0.9) * min(height, width) / min(camera.size)
        sigma = step * dice.uniform(*flaws.background_blur) / 2
        far = camera.targets[:1] + dice.uniform(1.0, 5.0) * camera.axes()[:1, 2]
        points, depths = camera.project(np.repeat(far[None], len(camera.eyes), axis=0))
        return cls(
            np.asarray(cv2.GaussianBlur(faded, (0, 0), sigma), np.uint8),
            step,
            (float(dice.uniform(0.3, 0.7) * width), float(dice.uniform(0.3, 0.7) * height)),
            points[:, 0] - points[0, 0],
            depths[0, 0] / depths[:, 0],
        )

    def frame(self, index: int, camera: Camera) -> Frames:
        """The background at one time."""
        angle = -float(camera.rolls[index])
        step = self.step / self.scales[index]
        turn = step * np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
        middle = np.array([camera.size[0] / 2, camera.size[1] / 2]) + self.shifts[index]
        inverse = np.hstack([turn, (np.array(self.centre) - turn @ middle)[:, None]])
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        warped = cv2.warpAffine(
            self.picture, inverse, camera.size, flags=flags, borderMode=cv2.BORDER_REFLECT_101
        )
        return np.asarray(warped, np.uint8)
