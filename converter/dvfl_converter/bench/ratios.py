"""How much of a baseline's time an artifact takes, and how sure that is."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

CONFIDENCE = 0.95
# With fewer rounds even the interval from the least to the largest ratio holds the true median less often
# than CONFIDENCE: 1 - 2 * 0.5**5 = 0.94.
FEWEST_ROUNDS = 6
_RESAMPLES = 10_000


@dataclass(frozen=True)
class PairedRatio:
    """Time over the baseline's time; below 1 is faster.

    Attributes:
        median: of the rounds' own ratios, which a slow moment of the machine hardly moves since it hits
            both runs of a round. The headline.
        low: lower end of its 95 % interval; ``None`` below :data:`FEWEST_ROUNDS` rounds.
        high: upper end.
        of_medians: median time over median time.
        of_minima: fastest time over fastest time.
    """

    median: float
    low: float | None
    high: float | None
    of_medians: float
    of_minima: float


def paired_ratio(ours: Sequence[float], baseline: Sequence[float], seed: int = 0) -> PairedRatio:
    """The ratio over rounds that have a time of both, in the same order.

    The interval is the percentile bootstrap of the median (Efron and Tibshirani, An Introduction to the
    Bootstrap, chapter 13): rounds are drawn with replacement, each with both its times.

    Raises:
        ValueError: the two have not the same number of rounds.
    """
    ratios = np.array([a / b for a, b in zip(ours, baseline, strict=True)])
    low, high = _interval(ratios, seed) if len(ratios) >= FEWEST_ROUNDS else (None, None)
    return PairedRatio(
        median=float(np.median(ratios)),
        low=low,
        high=high,
        of_medians=statistics.median(ours) / statistics.median(baseline),
        of_minima=min(ours) / min(baseline),
    )


def _interval(ratios: np.ndarray, seed: int) -> tuple[float, float]:
    drawn = np.random.default_rng(seed).integers(0, len(ratios), (_RESAMPLES, len(ratios)))
    tails = [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2]
    low, high = np.quantile(np.median(ratios[drawn], axis=1), tails)
    return float(low), float(high)
