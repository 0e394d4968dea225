"""Interleaved timing."""

from __future__ import annotations

import time

import pytest

from dvfl_converter.bench.timing import Timing, interleaved, machine


class TestTiming:
    def test_the_median(self):
        assert Timing(0.0, (5.0, 1.0, 3.0)).p50_ms == 3.0
        assert Timing(0.0, (4.0, 1.0, 3.0, 2.0)).p50_ms == 2.5

    @pytest.mark.parametrize(
        ("runs", "p90"),
        [
            ((7.0,), 7.0),
            ((1.0, 2.0), 2.0),
            (tuple(range(1, 11)), 9),
            (tuple(range(1, 21)), 18),
            ((3, 1, 2), 3),
        ],
    )
    def test_the_90th_percentile_is_the_nearest_rank(self, runs, p90):
        assert Timing(0.0, runs).p90_ms == p90

    def test_the_fastest_run_leaves_the_first_one_out(self):
        assert Timing(0.5, (3.0, 1.0, 2.0)).min_ms == 1.0


class TestInterleaved:
    def test_everyone_runs_once_per_round_after_a_first_call(self):
        order = []
        timings = interleaved({name: lambda name=name: order.append(name) for name in "abc"}, 3)
        assert "".join(order) == "abc" * 4
        assert list(timings) == ["a", "b", "c"]
        assert {len(timing.runs_ms) for timing in timings.values()} == {3}

    def test_it_counts_milliseconds_and_the_first_call_apart(self):
        pauses = iter([0.05, 0.01, 0.01])
        timing = interleaved({"sleep": lambda: time.sleep(next(pauses))}, 2)["sleep"]
        assert timing.first_ms >= 50
        assert 10 <= timing.min_ms < 50

    def test_one_engines_time_is_not_anothers(self):
        timings = interleaved({"slow": lambda: time.sleep(0.02), "fast": lambda: None}, 3)
        assert timings["slow"].min_ms >= 20
        assert timings["fast"].p50_ms < 20

    def test_a_failure_is_not_swallowed(self):
        with pytest.raises(ZeroDivisionError):
            interleaved({"bad": lambda: 1 / 0}, 1)


def test_the_machine_is_named_with_its_cores():
    assert " cores, " in machine()
