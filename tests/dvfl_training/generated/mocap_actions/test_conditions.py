"""What is held out is held out: ranges, persons, views and photographs of the splits do not meet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from dvfl_training.data.manifest import Split
from dvfl_training.generated.mocap_actions.clips import staged
from dvfl_training.generated.mocap_actions.conditions import CONDITIONS, draw, draw_body
from dvfl_training.generated.mocap_actions.motions import LABELS
from dvfl_training.generated.photographs import DIVISION, HELD_OUT, TRAINING

Range = tuple[float, float]
PAIRS = list(combinations(Split, 2))


def meet(first: Sequence[Range], second: Sequence[Range]) -> bool:
    return any(a[0] < b[1] and b[0] < a[1] for a in first for b in second)


@pytest.mark.parametrize(("one", "other"), PAIRS)
@pytest.mark.parametrize("name", ["azimuth", "elevation", "length", "girth", "speed", "swing"])
def test_no_two_splits_share_a_range(one: Split, other: Split, name: str) -> None:
    first, second = (getattr(CONDITIONS[split], name) for split in (one, other))
    as_list = [values if isinstance(values[0], tuple) else (values,) for values in (first, second)]
    assert not meet(*as_list)


@pytest.mark.parametrize("split", Split)
def test_mirroring_a_clip_keeps_its_view_in_its_split(split: Split) -> None:
    azimuth = CONDITIONS[split].azimuth
    assert sorted((-high, -low) for low, high in azimuth) == sorted(azimuth)
    # One of six sixths of the circle, counted from its middle.
    assert all(-30 <= low < high <= 30 for low, high in azimuth)


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_no_two_splits_share_a_photograph(one: Split, other: Split) -> None:
    assert not {path.name for path in DIVISION[one]} & {path.name for path in DIVISION[other]}


def test_every_photograph_is_in_a_split() -> None:
    assert {*DIVISION[Split.TRAIN], *DIVISION[Split.VALIDATION]} == set(TRAINING)
    assert set(DIVISION[Split.TEST]) == set(HELD_OUT)
    assert all(path.is_file() for paths in DIVISION.values() for path in paths)


@pytest.mark.parametrize("split", Split)
def test_a_drawn_clip_is_within_the_ranges_of_its_split(split: Split) -> None:
    conditions = CONDITIONS[split]
    for number in range(12):
        scene, person, _ = staged(split, number % len(LABELS), number, 0, hard=False)
        assert person.startswith(f"{split}-person-")
        toward = -scene.camera.axes()[:, 2]
        # The camera looks at the person, up to its trembling.
        elevation = np.degrees(np.arcsin(toward[:, 1]))
        low, high = conditions.elevation
        assert low - 2 < elevation.mean() < high + 2
        azimuth = np.degrees(np.arctan2(toward[:, 2], toward[:, 0])).mean()
        off = (azimuth + 30) % 60 - 30
        assert any(low - 2 < off < high + 2 for low, high in conditions.azimuth) or abs(off) > 28


@pytest.mark.parametrize("split", Split)
def test_bodies_have_the_lengths_of_their_split(split: Split) -> None:
    conditions = CONDITIONS[split]
    for seed in range(30):
        body = draw_body(conditions, np.random.default_rng(seed))
        for length in (body.proportions.legs, body.proportions.arms, body.proportions.trunk):
            assert any(low <= length <= high for low, high in conditions.length)
        assert conditions.girth[0] <= body.girth <= conditions.girth[1]
        assert all(0 <= value <= 255 for colour in body.colours.values() for value in colour)


def test_a_wider_range_is_drawn_from_more_often() -> None:
    dice = np.random.default_rng(0)
    drawn = np.array([draw(((0.0, 3.0), (10.0, 11.0)), dice) for _ in range(2000)])
    assert (((drawn >= 0) & (drawn <= 3)) | ((drawn >= 10) & (drawn <= 11))).all()
    assert (drawn < 5).mean() == pytest.approx(0.75, abs=0.04)


def test_a_range_that_overlaps_would_be_noticed() -> None:
    train = CONDITIONS[Split.TRAIN]
    assert meet(replace(train, azimuth=((17.0, 25.0),)).azimuth, CONDITIONS[Split.TEST].azimuth)
