"""What a cheap camera makes of a picture."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Frames = NDArray[np.uint8]


@dataclass(frozen=True)
class Sensor:
    """How bad it is.

    Attributes:
        low_light: chance that a clip is dark.
        lens_blur: largest standard deviation in pixels.
        noise: largest standard deviation in grey levels; half as much again in the dark.
    """

    low_light: float
    lens_blur: float
    noise: float


def filmed(frames: Frames, dice: np.random.Generator, sensor: Sensor) -> Frames:
    """Exposure, white balance, an unsharp lens and noise on frames uint8 ``[N, H, W, 3]``."""
    dark = dice.random() < sensor.low_light
    gain = dice.uniform(0.3, 0.5) if dark else dice.uniform(0.75, 1.2)
    tint = 1 + dice.uniform(-0.06, 0.06, 3)
    sigma = dice.uniform(0, sensor.lens_blur)
    noise = dice.uniform(0, sensor.noise) * (1.5 if dark else 1.0)
    out = np.empty(frames.shape, np.uint8)
    for index, frame in enumerate(frames):
        sharp = cv2.GaussianBlur(frame, (0, 0), sigma) if sigma > 0.3 else frame
        grainy = sharp * (gain * tint) + dice.standard_normal(frame.shape, dtype=np.float32) * noise
        out[index] = np.clip(grainy, 0, 255)
    return out
