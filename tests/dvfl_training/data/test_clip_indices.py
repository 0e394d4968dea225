"""Which frames form a clip."""

from __future__ import annotations

import numpy as np
import pytest

from dvfl.sampling import clip_frame_indices
from dvfl.spec import PreprocessingSpec
from dvfl_training.data.sampling import random_indices, view_indices

SPEC = PreprocessingSpec.default()
RULE = SPEC.temporal


def test_one_view_is_the_phones_rule() -> None:
    for count in range(1, 400):
        assert view_indices(count, RULE, 1) == (clip_frame_indices(count, SPEC),)


def test_four_views_interleave_and_stay_in_their_segments() -> None:
    views = np.array(view_indices(163, RULE, 4))
    assert views.tolist()[0] == [2, 22, 42, 62, 82, 102, 122, 142]
    assert np.diff(views.T.reshape(-1)).min() == 5
    assert np.diff(views.T.reshape(-1)).max() == 5
    assert views.max() < 160


@pytest.mark.parametrize("count", [2, 3])
def test_a_very_short_video_shows_its_first_frame(count: int) -> None:
    assert view_indices(count, RULE, 2) == ((0,) * 8,) * 2
    assert random_indices(count, RULE, np.random.default_rng(0)) == (0,) * 8


def test_training_draws_one_frame_from_each_segment() -> None:
    rng = np.random.default_rng(0)
    drawn = np.array([random_indices(83, RULE, rng) for _ in range(2000)])
    for segment in range(8):
        assert set(drawn[:, segment]) == set(range(segment * 10, segment * 10 + 10))
    assert abs(drawn.mean(axis=0) - (np.arange(8) * 10 + 4.5)).max() < 0.3


@pytest.mark.parametrize("count", range(4, 11))
def test_a_short_video_is_drawn_from_in_order(count: int) -> None:
    rng = np.random.default_rng(0)
    drawn = np.array([random_indices(count, RULE, rng) for _ in range(200)])
    assert (np.diff(drawn) >= 0).all()
    assert set(drawn.reshape(-1)) == set(range(count - 3))
