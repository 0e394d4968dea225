"""docs/generated-data.md says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dvfl_training.data.manifest import Split
from dvfl_training.generated.camera_motion.hard_motions import HARD_LABELS
from dvfl_training.generated.camera_motion.motions import LABELS as MOTIONS
from dvfl_training.generated.clip import TEXTURES
from dvfl_training.generated.mocap_actions.conditions import CONDITIONS
from dvfl_training.generated.mocap_actions.motions import LABELS as ACTIONS
from dvfl_training.generated.photographs import DIVISION

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "generated-data.md").read_text("utf-8")


def numbers(start: str, split: Split) -> list[float]:
    """Those in the column of a split, in the row that starts so."""
    row = next(line for line in PAGE.splitlines() if line.startswith(f"| {start}"))
    cell = row.strip("|").split("|")[1 + list(Split).index(split)]
    return [float(text) for text in re.findall(r"\d*\.?\d+", cell)]


@pytest.mark.parametrize("split", Split)
def test_the_ranges_are_those_of_the_code(split: Split) -> None:
    conditions = CONDITIONS[split]
    assert numbers("persons", split) == [conditions.bodies]
    assert numbers("elevation", split) == list(conditions.elevation)
    assert numbers("girth", split) == list(conditions.girth)
    for name, row in {"length": "length", "speed": "speed", "swing": "how uneven"}.items():
        ranges = getattr(conditions, name)
        assert numbers(row, split) == [value for pair in ranges for value in pair], name
    # The page gives the positive side of symmetric ranges.
    positive = [value for value in conditions.azimuth[-1] if value > 0]
    assert numbers("azimuth", split) == positive


@pytest.mark.parametrize("split", Split)
def test_the_number_of_photographs_is_that_of_the_code(split: Split) -> None:
    textures = [TEXTURES] if split is Split.TRAIN else []
    assert numbers("photographs behind", split) == [len(DIVISION[split]), *textures]


def test_every_class_is_named() -> None:
    missing = [name for name in (*ACTIONS, *HARD_LABELS[len(MOTIONS) :]) if name not in PAGE.lower()]
    assert not missing
    assert f"{len(ACTIONS)} human actions" in PAGE
    assert f"{len(HARD_LABELS)} motions of the camera; {len(MOTIONS)} without --hard" in PAGE
