"""The recordings, as poses at any time: looped, warped, mirrored and with unsteady joints."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pybullet_data
from numpy.typing import NDArray

from dvfl_training.generated.mocap_actions.skeleton import MIRRORED, NAMES, multiply

Values = NDArray[np.float64]

# Columns of a recorded frame after its duration: root position 3, root rotation 4, then per joint a
# quaternion (w, x, y, z), or for knees and elbows an angle about z.
_HINGES = ("right_knee", "right_elbow", "left_knee", "left_elbow")
_ORDER = (
    "root",
    "chest",
    "neck",
    "right_hip",
    "right_knee",
    "right_ankle",
    "right_shoulder",
    "right_elbow",
    "left_hip",
    "left_knee",
    "left_ankle",
    "left_shoulder",
    "left_elbow",
)


@dataclass(frozen=True)
class Action:
    """A class: its name, the recordings that show it, and whether they go on for ever."""

    label: str
    recordings: tuple[str, ...]
    endless: bool = False


ACTIONS: tuple[Action, ...] = (
    Action("walk", ("walk",), endless=True),
    Action("run", ("run",), endless=True),
    Action("jump", ("jump",)),
    Action("kick", ("kick",)),
    Action("punch", ("punch",)),
    Action("spin", ("spin",)),
    Action("spin_kick", ("spinkick",)),
    Action("backflip", ("backflip",)),
    Action("cartwheel", ("cartwheel",)),
    Action("crawl", ("crawl",), endless=True),
    Action("roll", ("roll",)),
    Action("dance", ("dance_a", "dance_b")),
    Action("get_up", ("getup_facedown", "getup_faceup")),
)
LABELS = tuple(action.label for action in ACTIONS)


@dataclass(frozen=True)
class Recording:
    """Poses: ``seconds`` ``[N]``, ``root`` ``[N, 3]`` in metres, ``rotations`` ``[N, J, 4]``."""

    seconds: Values
    root: Values
    rotations: Values

    @property
    def length_s(self) -> float:
        """From the first pose to the last."""
        return float(self.seconds[-1])

    def at(self, seconds: Values, *, endless: bool) -> tuple[Values, Values]:
        """Root positions ``[T, 3]`` and rotations ``[T, J, 4]`` at any times.

        An endless recording starts again where it ended; another one rests at its first and last pose.
        """
        if endless:
            rounds, seconds = np.divmod(seconds, self.length_s)
            stride = (self.root[-1] - self.root[0]) * np.array([1.0, 0.0, 1.0])
            drift = rounds[:, None] * stride
        else:
            seconds, drift = np.clip(seconds, 0.0, self.length_s), np.zeros((len(seconds), 3))
        after = np.clip(np.searchsorted(self.seconds, seconds, side="right"), 1, len(self.seconds) - 1)
        before = after - 1
        share = (seconds - self.seconds[before]) / (self.seconds[after] - self.seconds[before])
        root = self.root[before] + share[:, None] * (self.root[after] - self.root[before]) + drift
        rotations = _between(self.rotations[before], self.rotations[after], share[:, None, None])
        return root, multiply(rotations, self._closing(seconds)) if endless else rotations

    def _closing(self, seconds: Values) -> Values:
        """What makes a cycle end in the pose it began in, spread over the cycle, ``[T, J, 4]``.

        The recorded cycles miss it by up to 35 degrees; a jump would tell endless actions from others.
        """
        conjugate = self.rotations[-1] * np.array([1.0, -1.0, -1.0, -1.0])
        missing = multiply(conjugate, self.rotations[0])[None]
        none = np.broadcast_to(np.array([1.0, 0.0, 0.0, 0.0]), missing.shape)
        return _between(none, missing, (seconds / self.length_s)[:, None, None])


@cache
def recording(name: str) -> Recording:
    """A recording by the name of its file, ``humanoid3d_<name>.txt``."""
    path = Path(pybullet_data.getDataPath()) / "data" / "motions" / f"humanoid3d_{name}.txt"
    frames = np.array(json.loads(path.read_text("utf-8"))["Frames"], np.float64)
    steps = frames[:-1, 0]
    columns = 4
    rotations = np.zeros((len(frames), len(NAMES), 4))
    for joint in _ORDER:
        index = NAMES.index(joint)
        width = 1 if joint in _HINGES else 4
        values = frames[:, columns : columns + width]
        if joint in _HINGES:
            half = values[:, 0] / 2
            rotations[:, index, 0], rotations[:, index, 3] = np.cos(half), np.sin(half)
        else:
            rotations[:, index] = values / np.linalg.norm(values, axis=1, keepdims=True)
        columns += width
    return Recording(np.concatenate([[0.0], np.cumsum(steps)]), frames[:, 1:4], rotations)


def mirrored(root: Values, rotations: Values) -> tuple[Values, Values]:
    """The same motion by a person whose left is right: reflected at the plane z = 0."""
    reflected = rotations[:, list(MIRRORED)] * np.array([1.0, -1.0, -1.0, 1.0])
    return root * np.array([1.0, 1.0, -1.0]), reflected


def unsteady(rotations: Values, strength: float, dice: np.random.Generator) -> Values:
    """Every joint a little off, ``strength`` radians, slowly changing."""
    steps, joints = rotations.shape[:2]
    times = np.linspace(0, 1, steps)
    waves = np.zeros((steps, joints, 3))
    for _ in range(3):
        frequency = dice.uniform(0.3, 3.0, (1, joints, 3))
        phase = dice.uniform(0, 2 * np.pi, (1, joints, 3))
        waves += np.sin(2 * np.pi * frequency * times[:, None, None] + phase)
    vectors = waves * strength * dice.normal(0, 1, (1, joints, 3)) / 3
    # Turning the root would make the person float or sink.
    vectors[:, 0] = 0.0
    small = np.concatenate([np.ones((steps, joints, 1)), vectors / 2], axis=-1)
    return multiply(rotations, small / np.linalg.norm(small, axis=-1, keepdims=True))


def _between(first: Values, second: Values, share: Values) -> Values:
    """Normalised linear interpolation on the shorter way; poses are close, so it equals slerp for the eye."""
    sign = np.where(np.sum(first * second, axis=-1, keepdims=True) < 0, -1.0, 1.0)
    mixed = first + share * (sign * second - first)
    unit: Values = mixed / np.linalg.norm(mixed, axis=-1, keepdims=True)
    return unit
