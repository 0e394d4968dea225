"""Everything of a clip that is drawn by chance before a pixel is painted: poses, camera, person, light."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from dvfl_training.generated.clip import RATES, SHAPES
from dvfl_training.generated.mocap_actions.body import PARTS, Body
from dvfl_training.generated.mocap_actions.camera import Camera, looking_at
from dvfl_training.generated.mocap_actions.conditions import Conditions, draw
from dvfl_training.generated.mocap_actions.drawing import person_mask
from dvfl_training.generated.mocap_actions.flaws import Flaws
from dvfl_training.generated.mocap_actions.motions import ACTIONS, Action, mirrored, recording, unsteady
from dvfl_training.generated.mocap_actions.skeleton import Proportions, place

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Scene:
    """A person who acts before a camera.

    Attributes:
        ends: ``[T, P, 2, 3]`` of the person's capsules in metres; radii: ``[P, 2]``; colours: RGB 0..255.
        camera: its ``T`` poses; light: where it comes from on the picture, ``[2]``.
        rate: frames per second; exposures: times per frame, so that T is frames times exposures.
    """

    ends: Values
    radii: Values
    camera: Camera
    colours: tuple[Values, ...]
    light: Values
    rate: int
    exposures: int

    def share(self, index: int) -> float:
        """The share of the picture that the person covers at one time, were nothing in front."""
        points, _, radii = self.seen()
        return float((person_mask(self.camera.size, points[index], radii[index]) > 0).mean())

    def seen(self) -> tuple[Values, Values, Values]:
        """Pixels ``[T, P, 2, 2]``, depths ``[T, P]`` and radii in pixels ``[T, P, 2]``."""
        steps, parts = self.ends.shape[:2]
        points, depths = self.camera.project(self.ends.reshape(steps, parts * 2, 3))
        depths = depths.reshape(steps, parts, 2)
        widths = self.camera.focal * self.radii[None] / depths
        return points.reshape(steps, parts, 2, 2), depths.mean(axis=2), widths


def draw_scene(
    label: int, body: Body, dice: np.random.Generator, conditions: Conditions, flaws: Flaws
) -> Scene:
    """A person of looks ``body`` doing action ``label``, under the conditions of a split."""
    size = SHAPES[int(dice.integers(len(SHAPES)))]
    rate = RATES[int(dice.integers(len(RATES)))]
    exposures = 3 if dice.random() < flaws.motion_blur else 1
    root, rotations = _poses(ACTIONS[label], dice, conditions, flaws, rate, exposures)
    ends, radii = _grounded(body, root, rotations)
    camera = _camera(ends, dice, conditions, flaws, size, body.stature)
    colours = tuple(np.array(body.colours[part.name]) for part in PARTS)
    angle = dice.uniform(0, 2 * np.pi)
    light = dice.uniform(0.3, 1.0) * np.array([math.cos(angle), -abs(math.sin(angle))])
    return Scene(ends, radii, camera, colours, light, rate, exposures)


def _poses(
    action: Action, dice: np.random.Generator, conditions: Conditions, flaws: Flaws, rate: int, exposures: int
) -> tuple[Values, Values]:
    """Root positions and rotations at ``exposures`` times per frame, of 24 to 90 frames."""
    recorded = recording(action.recordings[int(dice.integers(len(action.recordings)))])
    speed = draw(conditions.speed, dice)
    if action.endless:
        lasts, start = float(dice.uniform(1.0, 2.5)), float(dice.uniform(0, recorded.length_s))
    else:
        # Somebody stops filming a little early, or starts a little late.
        trimmed = dice.uniform(-0.12, 0.10, 2) * recorded.length_s
        lasts = (recorded.length_s - trimmed.sum()) / speed
        start = trimmed[0]
        if lasts > 3.0:
            speed, lasts = speed * lasts / 3.0, 3.0
    frames = int(np.clip(round(lasts * rate), 24, 90))
    # An exposure lasts half a frame.
    steps = (np.arange(frames)[:, None] + np.linspace(0, 0.5, exposures)[None]).ravel() / frames
    swing = draw(conditions.swing, dice) * dice.choice([-1.0, 1.0])
    warped = steps + swing * np.sin(2 * np.pi * steps) / (2 * np.pi)
    root, rotations = recorded.at(start + warped * lasts * speed, endless=action.endless)
    if dice.random() < 0.5:
        root, rotations = mirrored(root, rotations)
    return root, unsteady(rotations, float(dice.uniform(0, flaws.joint_noise)), dice)


def _grounded(body: Body, root: Values, rotations: Values) -> tuple[Values, Values]:
    """Capsules whose lowest point is as high as the performer's was.

    Otherwise longer legs would sink into the ground, and shorter ones float.
    """
    ends, radii = body.capsules(*place(root, rotations, body.proportions))
    recorded = replace(body, proportions=Proportions(), stature=1.0)
    original, _ = recorded.capsules(*place(root, rotations, recorded.proportions))
    lift = original[..., 1].min(axis=(1, 2)) - ends[..., 1].min(axis=(1, 2))
    ends[..., 1] += _smoothed(lift)[:, None, None]
    return ends, radii


def _camera(
    ends: Values,
    dice: np.random.Generator,
    conditions: Conditions,
    flaws: Flaws,
    size: tuple[int, int],
    stature: float,
) -> Camera:
    """Follows the person more or less, comes nearer or goes back, and trembles."""
    steps = len(ends)
    where = ends.mean(axis=(1, 2))
    centre = where.mean(axis=0)
    # Between the ground and the head of a standing person: jumps and falls move in the picture.
    centre[1] = 0.5 * centre[1] + 0.42 * stature
    focal = 1.3 * min(size)
    tall = dice.uniform(*flaws.tall) * min(size)
    zoom = dice.uniform(-1, 1) * flaws.zoom * np.linspace(-0.5, 0.5, steps)
    distance = focal * 1.7 * stature / tall * np.exp(zoom)
    travel = _smoothed(where, steps // 3) - where.mean(axis=0)
    along = _along(
        travel, float(dice.uniform(*flaws.follow)), flaws.astray * min(size) * distance.min() / focal
    )
    middle = centre + np.array([along, 0.3 * along, along]) * travel
    azimuth = math.radians(60 * int(dice.integers(6)) + draw(conditions.azimuth, dice))
    elevation = math.radians(dice.uniform(*conditions.elevation))
    camera = looking_at(middle, azimuth, elevation, distance, focal, size)
    times = np.linspace(0, 1, steps)
    tremor = flaws.shake * distance[:, None] / 64 * np.stack([_wobble(times, dice) for _ in range(3)], axis=1)
    rolls = 0.01 * flaws.shake * _wobble(times, dice) + dice.normal(0, 0.04)
    return replace(camera, targets=camera.targets + tremor, rolls=rolls)


def _along(travel: Values, wanted: float, reach_m: float) -> float:
    """How much of ``travel`` ``[T, 3]`` to go along: at least so much that ``reach_m`` metres are left."""
    farthest = float(np.hypot(travel[:, 0], travel[:, 2]).max())
    return max(wanted, 1 - reach_m / max(farthest, 1e-6))


def _smoothed(values: Values, width: int = 9) -> Values:
    """A moving mean along the first axis, the ends repeated."""
    width = max(1, width | 1)
    padded = np.concatenate([values[:1].repeat(width // 2, 0), values, values[-1:].repeat(width // 2, 0)])
    summed = np.cumsum(np.concatenate([np.zeros_like(padded[:1]), padded]), axis=0)
    mean: Values = (summed[width:] - summed[:-width]) / width
    return mean


def _wobble(times: Values, dice: np.random.Generator) -> Values:
    """Three slow sines of unit standard deviation."""
    frequencies, phases = dice.uniform(0.5, 4.0, 3), dice.uniform(0, 2 * np.pi, 3)
    waves: Values = np.sin(2 * np.pi * np.outer(times, frequencies) + phases).sum(axis=1) * math.sqrt(2 / 3)
    return waves
