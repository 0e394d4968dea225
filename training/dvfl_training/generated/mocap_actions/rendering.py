"""A clip of one action: person, shadow, backdrop and occluder, filmed by a cheap camera."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from dvfl_training.generated.mocap_actions.backdrop import Backdrop
from dvfl_training.generated.mocap_actions.drawing import draw_person
from dvfl_training.generated.mocap_actions.flaws import Flaws
from dvfl_training.generated.mocap_actions.scene import Scene
from dvfl_training.generated.occluder import Occluder
from dvfl_training.generated.photographs import Picture
from dvfl_training.generated.sensor import Sensor, filmed

Frames = NDArray[np.uint8]
Values = NDArray[np.float64]


def film(scene: Scene, pictures: Sequence[Picture], dice: np.random.Generator, flaws: Flaws) -> Frames:
    """Frames uint8 ``[N, H, W, 3]`` of a scene, over one of the pictures."""
    backdrop = Backdrop.drawn(pictures, scene.camera, dice, flaws)
    hidden = dice.random() < flaws.occluder
    occluder = Occluder.drawn(pictures, scene.camera.size, dice) if hidden else None
    painted = _paint(scene, backdrop, occluder, float(dice.uniform(0.35, 0.75)))
    exposed = painted.reshape(-1, scene.exposures, *painted.shape[1:]).mean(axis=1).astype(np.uint8)
    return filmed(exposed, dice, Sensor(flaws.low_light, flaws.lens_blur, flaws.noise))


def _paint(scene: Scene, backdrop: Backdrop, occluder: Occluder | None, shade: float) -> Frames:
    points, depths, radii = scene.seen()
    steps = len(points)
    out = np.empty((steps, scene.camera.size[1], scene.camera.size[0], 3), np.uint8)
    for index in range(steps):
        frame = _shaded(backdrop.frame(index, scene.camera), _shadow(scene, index), shade)
        draw_person(frame, points[index], depths[index], radii[index], scene.colours, scene.light)
        if occluder is not None:
            occluder.hide(frame, index / steps)
        out[index] = frame
    return out


def _shadow(scene: Scene, index: int) -> NDArray[np.float32]:
    """A soft spot on the ground under the person, 0..1, ``[H, W]``."""
    ends = scene.ends[index].reshape(-1, 3)
    spread = 0.12 + ends[:, [0, 2]].std(axis=0)
    angles = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    middle = ends.mean(axis=0)
    ring = np.stack(
        [
            middle[0] + 1.4 * spread[0] * np.cos(angles),
            np.zeros(16),
            middle[2] + 1.4 * spread[1] * np.sin(angles),
        ],
        axis=1,
    )
    camera = scene.camera
    corners = camera.at(index).project(ring[None])[0][0]
    mask = np.zeros((camera.size[1], camera.size[0]), np.float32)
    cv2.fillConvexPoly(mask, np.round(corners).astype(np.int32), 1.0)
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), 2.5), np.float32)


def _shaded(frame: Frames, shadow: NDArray[np.float32], shade: float) -> Frames:
    return np.asarray(frame * (1 - shade * shadow[..., None]), np.uint8)
