"""The state machines of a stream, one by one."""

from __future__ import annotations

import numpy as np
import pytest

from dvfl.stream_state import Activity, Change, FrameWindow, RateLimit, ScoreSmoother

SECOND = 1_000_000
SMALL = np.zeros((4, 4, 3), np.uint8)


def test_a_window_of_ten_thousand_frames_does_not_grow():
    window = FrameWindow(2 * SECOND, SECOND // 2)
    inferences = 0
    for i in range(10_000):
        window.add(i * 33_333, i / 30, SMALL)
        inferences += window.take_due()
        assert len(window) <= 61
    assert inferences == 663


def test_rate_limit_after_a_pause_does_not_burst():
    limit = RateLimit(100)
    assert limit.admits(0)
    assert sum(limit.admits(10_000 + tick) for tick in range(1000)) <= 11


def test_the_weight_of_scores_halves_per_half_life():
    smoother = ScoreSmoother(0.5, SECOND)
    first, second = np.array([1.0, 0.0]), np.array([0.0, 1.0])
    assert smoother.update(0, first).tolist() == [1.0, 0.0]
    assert smoother.update(SECOND // 2, second).tolist() == [0.5, 0.5]
    assert smoother.update(3 * SECOND // 2, second) == pytest.approx(np.array([0.125, 0.875]))


def test_smoothing_depends_on_time_and_not_on_the_number_of_results():
    coarse, fine = ScoreSmoother(0.7, SECOND), ScoreSmoother(0.7, SECOND)
    for smoother in (coarse, fine):
        smoother.update(0, np.array([1.0, 0.0]))
    target = np.array([0.2, 0.8])
    for tick in range(1, 11):
        last = fine.update(tick * SECOND // 10, target)
    assert last == pytest.approx(coarse.update(SECOND, target))


def test_a_half_life_of_zero_turns_smoothing_off():
    smoother = ScoreSmoother(0.0, SECOND)
    smoother.update(0, np.array([1.0, 0.0]))
    assert smoother.update(1, np.array([0.0, 1.0])).tolist() == [0.0, 1.0]


def run_activity(scores, enter=0.6, leave=0.4, min_hold=0) -> list[tuple[int, bool]]:
    """(position, entered) of every change, for the first of two labels; the second never enters."""
    activity = Activity(enter, leave, min_hold)
    return [
        (i, change.entered)
        for i, score in enumerate(scores)
        for change in activity.update(i, np.array([score, 0.0]))
    ]


def test_a_label_is_entered_and_left_with_hysteresis():
    scores = [0.5, 0.59, 0.6, 0.5, 0.41, 0.59, 0.4, 0.39, 0.59, 0.7]
    assert run_activity(scores) == [(2, True), (7, False), (9, True)]


def test_a_label_is_held_at_least_min_hold():
    assert run_activity([0.7, 0.1, 0.1, 0.1, 0.1], min_hold=3) == [(0, True), (3, False)]


def test_a_better_label_replaces_the_active_one():
    activity = Activity(0.5, 0.1, 0)
    assert activity.update(0, np.array([0.6, 0.4])) == [Change(0, True, 0.6)]
    assert activity.update(1, np.array([0.5, 0.5])) == []
    assert activity.update(2, np.array([0.4, 0.6])) == [Change(0, False, 0.4), Change(1, True, 0.6)]
