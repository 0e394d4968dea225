"""What varies between clips, and how training, validation and test are kept apart: as data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dvfl_training.data.manifest import Split
from dvfl_training.generated.mocap_actions.body import PARTS, Body
from dvfl_training.generated.mocap_actions.skeleton import Proportions

Range = tuple[float, float]


@dataclass(frozen=True)
class Conditions:
    """The ranges of one split. Those of two splits do not overlap; nor do their photographs (``DIVISION``).

    A mirrored clip shows the azimuth of the other sign, so ranges of azimuth are symmetric about 0: neither a
    mirrored performer nor a mirrored picture in training shows a view that is held out.

    Attributes:
        bodies: how many persons there are.
        azimuth: degrees from the middle of one of the six sixths of the circle.
        elevation: degrees above the horizon.
        length: of legs, arms and trunk, relative to the performer.
        girth: of every part, likewise.
        speed: of the motion, likewise, in several ranges.
        swing: how uneven the speed is: the largest relative change, in several ranges.
    """

    bodies: int
    azimuth: tuple[Range, ...]
    elevation: Range
    length: tuple[Range, ...]
    girth: Range
    speed: tuple[Range, ...]
    swing: tuple[Range, ...]


CONDITIONS: dict[Split, Conditions] = {
    Split.TRAIN: Conditions(
        bodies=120,
        azimuth=((-18.0, 18.0),),
        elevation=(2.0, 20.0),
        length=((0.86, 0.95), (1.03, 1.12)),
        girth=(0.80, 1.10),
        speed=((0.70, 0.90), (1.05, 1.30)),
        swing=((0.0, 0.2), (0.3, 0.4)),
    ),
    Split.VALIDATION: Conditions(
        bodies=20,
        azimuth=((-23.5, -19.0), (19.0, 23.5)),
        elevation=(20.5, 23.0),
        length=((0.955, 0.985),),
        girth=(1.11, 1.17),
        speed=((0.905, 0.965),),
        swing=((0.205, 0.245),),
    ),
    Split.TEST: Conditions(
        bodies=40,
        azimuth=((-30.0, -24.5), (24.5, 30.0)),
        elevation=(23.5, 27.0),
        length=((0.99, 1.025),),
        girth=(1.18, 1.26),
        speed=((0.97, 1.045),),
        swing=((0.25, 0.295),),
    ),
}


def draw(ranges: Sequence[Range], dice: np.random.Generator) -> float:
    """A number from one of several ranges, the wider the likelier."""
    widths = np.array([high - low for low, high in ranges])
    low, high = ranges[int(dice.choice(len(ranges), p=widths / widths.sum()))]
    return float(dice.uniform(low, high))


def draw_body(conditions: Conditions, dice: np.random.Generator) -> Body:
    """A person of a split: lengths, girth and the colours of skin, hair and clothes."""
    proportions = Proportions(
        legs=draw(conditions.length, dice),
        arms=draw(conditions.length, dice),
        trunk=draw(conditions.length, dice),
        breadth=float(dice.uniform(0.85, 1.15)),
    )
    colours = {part.name: _cloth(dice) for part in PARTS}
    skin = np.array([226, 178, 148]) * dice.uniform(0.35, 1.05)
    colours["skin"] = (float(skin[0]), float(skin[1]), float(skin[2]))
    # Bare shins and forearms, or long trousers and sleeves.
    for bare, clothed in (("shins", "trousers"), ("forearms", "sleeves")):
        colours[bare] = colours["skin"] if dice.random() < 0.4 else colours[clothed]
    if dice.random() < 0.6:
        colours["sleeves"] = colours["shirt"]
    hair = float(dice.uniform(10, 120))
    colours["hair"] = (hair, hair * 0.85, hair * 0.6)
    return Body(proportions, float(dice.uniform(*conditions.girth)), float(dice.uniform(0.85, 1.1)), colours)


def _cloth(dice: np.random.Generator) -> tuple[float, float, float]:
    value = dice.uniform(20, 235, 3)
    grey = value.mean()
    faded = grey + dice.uniform(0.3, 1.0) * (value - grey)
    return float(faded[0]), float(faded[1]), float(faded[2])
