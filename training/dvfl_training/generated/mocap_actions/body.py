"""A person: proportions, girth and colours; and the capsules that a pose makes of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dvfl_training.generated.mocap_actions.skeleton import NAMES, Proportions, rotate

Values = NDArray[np.float64]
Colour = tuple[float, float, float]


@dataclass(frozen=True)
class Part:
    """A capsule between two points of the skeleton.

    Attributes:
        name: what is drawn, and which colour it has.
        start, end: a joint and an offset in its frame, in metres of the recorded performer.
        radii: at the start and at the end, in metres.
    """

    name: str
    start: tuple[str, tuple[float, float, float]]
    end: tuple[str, tuple[float, float, float]]
    radii: tuple[float, float]


_HERE = (0.0, 0.0, 0.0)


def _limbs(side: str) -> tuple[Part, ...]:
    ankle, elbow = f"{side}_ankle", f"{side}_elbow"
    return (
        Part("trousers", (f"{side}_hip", _HERE), (f"{side}_knee", _HERE), (0.085, 0.06)),
        Part("shins", (f"{side}_knee", _HERE), (ankle, _HERE), (0.06, 0.042)),
        Part(
            "shoes",
            (ankle, (-0.04, -0.03, 0.0)),
            (ankle, (0.13, -0.04, 0.0)),
            (0.045, 0.038),
        ),
        Part("sleeves", (f"{side}_shoulder", _HERE), (elbow, _HERE), (0.058, 0.045)),
        Part("forearms", (elbow, _HERE), (elbow, (0.0, -0.24, 0.0)), (0.043, 0.033)),
        Part("skin", (elbow, (0.0, -0.25, 0.0)), (elbow, (0.0, -0.31, 0.0)), (0.042, 0.036)),
    )


PARTS: tuple[Part, ...] = (
    Part("trousers", ("root", (0.0, 0.0, -0.06)), ("root", (0.0, 0.0, 0.06)), (0.115, 0.115)),
    Part("shirt", ("root", (0.0, 0.05, 0.0)), ("chest", (0.0, 0.12, 0.0)), (0.12, 0.135)),
    Part("shirt", ("chest", (-0.01, 0.17, -0.11)), ("chest", (-0.01, 0.17, 0.11)), (0.085, 0.085)),
    Part("skin", ("neck", (0.0, -0.03, 0.0)), ("neck", (0.0, 0.07, 0.0)), (0.05, 0.05)),
    Part("skin", ("neck", (0.015, 0.14, 0.0)), ("neck", (0.02, 0.19, 0.0)), (0.085, 0.09)),
    Part("hair", ("neck", (-0.03, 0.20, 0.0)), ("neck", (-0.025, 0.22, 0.0)), (0.085, 0.08)),
    *_limbs("right"),
    *_limbs("left"),
)


@dataclass(frozen=True)
class Body:
    """A person's looks.

    Attributes:
        proportions: lengths; girth: of every part; stature: of the whole, all relative to the performer.
        colours: RGB 0..255 for each name of a part.
    """

    proportions: Proportions
    girth: float
    stature: float
    colours: dict[str, Colour]

    def capsules(self, positions: Values, rotations: Values) -> tuple[Values, Values]:
        """Ends ``[T, P, 2, 3]`` in metres and radii ``[P, 2]`` of the parts in poses ``[T, J, ...]``."""
        ends = np.stack(
            [
                np.stack(
                    [_point(positions, rotations, *part.start), _point(positions, rotations, *part.end)],
                    axis=1,
                )
                for part in PARTS
            ],
            axis=1,
        )
        radii = self.girth * np.array([part.radii for part in PARTS])
        return self.stature * ends, self.stature * radii


def _point(positions: Values, rotations: Values, joint: str, offset: tuple[float, float, float]) -> Values:
    index = NAMES.index(joint)
    return positions[:, index] + rotate(rotations[:, index], np.array([offset]))
