"""The skeleton of the motion capture: joints, bones, and where a pose puts them.

Joints and offsets are those of pybullet's ``humanoid.urdf``, in metres (its file is four times as large);
y is up, x ahead, z to the right.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Joint:
    """A joint: its name, its parent's, and where it sits in the parent's frame, in metres."""

    name: str
    parent: str
    offset: tuple[float, float, float]


JOINTS: tuple[Joint, ...] = (
    Joint("root", "", (0.0, 0.0, 0.0)),
    Joint("chest", "root", (0.0, 0.236, 0.0)),
    Joint("neck", "chest", (0.0, 0.224, 0.0)),
    Joint("right_hip", "root", (0.0, 0.0, 0.085)),
    Joint("right_knee", "right_hip", (0.0, -0.422, 0.0)),
    Joint("right_ankle", "right_knee", (0.0, -0.410, 0.0)),
    Joint("right_shoulder", "chest", (-0.024, 0.2435, 0.183)),
    Joint("right_elbow", "right_shoulder", (0.0, -0.275, 0.0)),
    Joint("left_hip", "root", (0.0, 0.0, -0.085)),
    Joint("left_knee", "left_hip", (0.0, -0.422, 0.0)),
    Joint("left_ankle", "left_knee", (0.0, -0.410, 0.0)),
    Joint("left_shoulder", "chest", (-0.024, 0.2435, -0.183)),
    Joint("left_elbow", "left_shoulder", (0.0, -0.275, 0.0)),
)
NAMES = tuple(joint.name for joint in JOINTS)
# What a left-right mirrored person does with the other side's joint.
MIRRORED = tuple(
    NAMES.index(name.replace("left", "right") if name.startswith("left") else name.replace("right", "left"))
    for name in NAMES
)


@dataclass(frozen=True)
class Proportions:
    """How long a body's parts are, relative to the recorded performer's."""

    legs: float = 1.0
    arms: float = 1.0
    trunk: float = 1.0
    breadth: float = 1.0

    def offset(self, joint: Joint) -> Values:
        """A joint's place in its parent's frame, for this body."""
        x, y, z = joint.offset
        if joint.name.endswith(("knee", "ankle")):
            return np.array([x, y * self.legs, z])
        if joint.name.endswith("elbow"):
            return np.array([x, y * self.arms, z])
        return np.array([x, y * self.trunk, z * self.breadth])


def multiply(first: Values, second: Values) -> Values:
    """Hamilton product of quaternions (w, x, y, z), ``[..., 4]``: ``second`` is applied first."""
    w1, x1, y1, z1 = np.moveaxis(first, -1, 0)
    w2, x2, y2, z2 = np.moveaxis(second, -1, 0)
    return np.stack(
        [
            w1 * w2 - x1 * x2 - y1 * y2 - z1 * z2,
            w1 * x2 + x1 * w2 + y1 * z2 - z1 * y2,
            w1 * y2 - x1 * z2 + y1 * w2 + z1 * x2,
            w1 * z2 + x1 * y2 - y1 * x2 + z1 * w2,
        ],
        axis=-1,
    )


def rotate(quaternions: Values, vectors: Values) -> Values:
    """``vectors`` ``[..., 3]`` turned by unit ``quaternions`` ``[..., 4]``."""
    axis, scalar = quaternions[..., 1:], quaternions[..., :1]
    twice = 2 * np.cross(axis, vectors)
    turned: Values = vectors + scalar * twice + np.cross(axis, twice)
    return turned


def place(root: Values, rotations: Values, body: Proportions) -> tuple[Values, Values]:
    """Where the joints are.

    Args:
        root: ``[T, 3]`` positions in metres.
        rotations: ``[T, J, 4]`` unit quaternions, each in its parent's frame.
        body: the lengths.

    Returns:
        Positions ``[T, J, 3]`` and world rotations ``[T, J, 4]``.
    """
    positions = np.empty((*rotations.shape[:2], 3))
    world = np.empty_like(rotations)
    for index, joint in enumerate(JOINTS):
        if not joint.parent:
            positions[:, index], world[:, index] = root, rotations[:, index]
            continue
        parent = NAMES.index(joint.parent)
        positions[:, index] = positions[:, parent] + rotate(world[:, parent], body.offset(joint)[None])
        world[:, index] = multiply(world[:, parent], rotations[:, index])
    return positions, world
