"""How hard a clip is to read."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Flaws:
    """How hard a clip is to read: chances, and the largest strengths.

    Attributes:
        tall: height of a standing person as a share of the picture's short side.
        follow: how much of the person's way the camera goes along; astray: how far the person then leaves
            the middle at most, as a share of the picture's short side.
        joint_noise: radians; shake: pixels of a 64-pixel picture.
        occluder, motion_blur, low_light: chances.
        lens_blur: pixels; noise: grey levels; zoom: log of the change of distance over the clip.
        clutter: contrast that is left of the background, from and to.
        background_blur: pixels.
    """

    tall: tuple[float, float] = (0.6, 0.9)
    follow: tuple[float, float] = (0.6, 1.0)
    astray: float = 0.2
    joint_noise: float = 0.10
    shake: float = 0.5
    occluder: float = 0.25
    motion_blur: float = 0.25
    low_light: float = 0.15
    lens_blur: float = 0.8
    noise: float = 6.0
    zoom: float = 0.15
    clutter: tuple[float, float] = (0.25, 0.9)
    background_blur: tuple[float, float] = (0.5, 4.0)
