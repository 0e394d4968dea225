"""The ratio to a baseline and its interval, on data whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest

from dvfl_converter.bench.ratios import CONFIDENCE, FEWEST_ROUNDS, paired_ratio


def noisy(dice, truth, rounds):
    """Paired times: both slowed by the same moments of the machine, each by noise of its own."""
    machine = np.exp(dice.exponential(0.3, rounds))
    ours, base = (machine * np.exp(dice.normal(0, 0.05, rounds)) for _ in range(2))
    return truth * 100 * ours, 100 * base


class TestKnownData:
    def test_all_three_ratios(self):
        ratio = paired_ratio([1.0, 4.0, 6.0], [2.0, 4.0, 3.0])
        assert ratio.median == 1.0
        assert ratio.of_medians == 4.0 / 3.0
        assert ratio.of_minima == 0.5

    def test_a_constant_ratio_has_an_interval_of_one_point(self):
        base = np.array([5.0, 9.0, 7.0, 30.0, 6.0, 5.5])
        ratio = paired_ratio(0.7 * base, base)
        assert (ratio.median, ratio.low, ratio.high) == pytest.approx((0.7, 0.7, 0.7))

    def test_slow_rounds_that_hit_both_do_not_move_the_median(self):
        base = np.linspace(10, 11, 9)
        slow = np.where(np.arange(9) < 4, 3.0, 1.0)
        assert paired_ratio(0.8 * base * slow, base * slow).median == pytest.approx(0.8)

    def test_a_baseline_against_itself_is_one(self):
        times = [3.0, 4.0, 5.0, 6.0, 7.0, 8.0]
        ratio = paired_ratio(times, times)
        assert (ratio.median, ratio.low, ratio.high, ratio.of_minima) == (1, 1, 1, 1)

    def test_rounds_that_do_not_pair_are_refused(self):
        with pytest.raises(ValueError, match="shorter"):
            paired_ratio([1.0, 2.0], [1.0])


class TestInterval:
    def test_there_is_none_for_too_few_rounds(self):
        few, enough = np.arange(1.0, FEWEST_ROUNDS), np.arange(1.0, FEWEST_ROUNDS + 1)
        assert (paired_ratio(few, few[::-1]).low, paired_ratio(few, few[::-1]).high) == (None, None)
        assert paired_ratio(enough, enough[::-1]).low is not None

    @pytest.mark.parametrize("rounds", [12, 30])
    def test_it_holds_the_truth_about_as_often_as_it_says_and_is_not_just_wide(self, rounds):
        dice, truth, trials = np.random.default_rng(7), 0.74, 100
        intervals = [paired_ratio(*noisy(dice, truth, rounds)) for _ in range(trials)]
        held = sum(each.low <= truth <= each.high for each in intervals) / trials
        # Three standard errors of 100 trials below: sqrt(0.95 * 0.05 / 100) = 0.022.
        assert CONFIDENCE - 0.065 <= held < 1.0
        if rounds == 30:
            assert np.median([each.high - each.low for each in intervals]) < 0.08

    def test_it_holds_the_median_and_repeats_itself(self):
        times = noisy(np.random.default_rng(2), 0.5, 15)
        ratio = paired_ratio(*times, seed=1)
        assert ratio.low < ratio.median < ratio.high
        assert paired_ratio(*times, seed=1) == ratio

    def test_it_is_scipys(self):
        stats = pytest.importorskip("scipy.stats")
        ours, base = noisy(np.random.default_rng(3), 0.9, 31)
        theirs = stats.bootstrap(
            ((ours / base),), np.median, method="percentile", n_resamples=10_000, rng=np.random.default_rng(5)
        ).confidence_interval
        ratio = paired_ratio(ours, base)
        assert (ratio.low, ratio.high) == pytest.approx(tuple(theirs), abs=0.004)
