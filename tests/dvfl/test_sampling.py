"""Which frames are taken: the released rule by count, and the same rule by time."""

from __future__ import annotations

import math

import numpy as np
import pytest

from dvfl.sampling import clip_frame_indices, window_frame_indices
from dvfl.spec import PreprocessingSpec

SPEC = PreprocessingSpec.default()


def released_indices(n: int) -> list[int]:
    """The rule as the released code states it, for 8 frames."""
    if n < 4:
        return [0] * 8
    a = (n - 3) / 8.0
    return [int(i * a + a / 2) % n for i in range(8)]


def test_eight_frames_follow_the_released_rule_for_every_length() -> None:
    for n in range(1, 3000):
        assert list(clip_frame_indices(n, SPEC)) == released_indices(n)


@pytest.mark.parametrize("frames", [1, 2, 4, 8, 16, 32])
def test_indices_never_decrease_and_stay_inside_the_clip(frames: int) -> None:
    spec = SPEC.with_clip(frames=frames)
    for n in (*range(1, 200), 100_000):
        indices = clip_frame_indices(n, spec)
        assert len(indices) == frames
        assert list(indices) == sorted(indices)
        assert 0 <= indices[0] <= indices[-1] < n


@pytest.mark.parametrize("n", [1, 2, 3])
def test_a_clip_of_fewer_than_four_frames_repeats_its_first(n: int) -> None:
    assert clip_frame_indices(n, SPEC) == (0,) * 8


def test_a_clip_without_frames_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one frame"):
        clip_frame_indices(0, SPEC)


@pytest.mark.parametrize("rate", [24.0, 25.0, 30.0, 30000 / 1001, 60.0, 240.0])
@pytest.mark.parametrize("window_s", [0.5, 1.0, 2.0])
def test_a_constant_frame_rate_gives_the_clip_rule(rate: float, window_s: float) -> None:
    times = [k / rate for k in range(600)]
    end = times[595]
    inside = [k for k, time in enumerate(times) if end - window_s + 1e-7 < time <= end]
    # 29.97 frames a second put 14.985 frames in half a second: the even grid then has 15 of them.
    expected = [inside[0] + k for k in clip_frame_indices(len(inside), SPEC)]
    assert list(window_frame_indices(times, end, window_s, SPEC)) == expected


def test_a_time_stamp_off_by_a_rounding_error_changes_nothing() -> None:
    times = [k / 30 for k in range(90)]
    shaken = [math.nextafter(time, math.inf if k % 2 else -math.inf) for k, time in enumerate(times)]
    assert window_frame_indices(times, times[-1], 2.0, SPEC) == window_frame_indices(
        shaken, times[-1], 2.0, SPEC
    )


def test_a_variable_frame_rate_still_gives_frames_evenly_spread_in_time() -> None:
    slow, fast = [k / 10 for k in range(10)], [1.0 + k / 60 for k in range(61)]
    times = slow + fast
    chosen = [times[k] for k in window_frame_indices(times, 2.0, 2.0, SPEC)]
    steps = np.diff(chosen)
    assert steps.min() > 0.15
    assert steps.max() < 0.35
    by_count = [times[k] for k in clip_frame_indices(len(times), SPEC)]
    assert sum(time < 1.0 for time in chosen) > sum(time < 1.0 for time in by_count)


def test_the_frame_at_the_start_is_outside_and_the_one_at_the_end_inside() -> None:
    times = [0.0, 1.0, 2.0]
    assert set(window_frame_indices(times, 2.0, 2.0, SPEC)) <= {1, 2}
    assert window_frame_indices(times, 2.0, 1.0, SPEC) == (2,) * 8


def test_frames_after_the_end_are_not_taken() -> None:
    times = [k / 30 for k in range(90)]
    assert window_frame_indices(times, times[59], 1.0, SPEC) == window_frame_indices(
        times[:60], times[59], 1.0, SPEC
    )


def test_a_tie_goes_to_the_earlier_frame() -> None:
    spec = SPEC.with_clip(frames=1)
    # Four frames in four seconds: nominal position 0 is at 1.0 s, half-way between 0.5 s and 1.5 s.
    assert window_frame_indices([0.5, 1.5, 3.5, 4.0], 4.0, 4.0, spec) == (0,)
    assert window_frame_indices([0.4, 1.5, 3.5, 4.0], 4.0, 4.0, spec) == (1,)


@pytest.mark.parametrize(
    ("times", "end", "window", "words"),
    [
        ([0.0, 1.0, 0.5], 1.0, 2.0, "never decrease"),
        ([0.0, math.nan], 1.0, 2.0, "finite"),
        ([0.0, 1.0], 1.0, 0.0, "positive length"),
        ([0.0, 1.0], 9.0, 2.0, "no frame lies"),
        ([], 9.0, 2.0, "no frame lies"),
    ],
)
def test_an_impossible_window_is_refused(times: list[float], end: float, window: float, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        window_frame_indices(times, end, window, SPEC)
