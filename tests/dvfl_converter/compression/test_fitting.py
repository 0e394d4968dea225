"""The least-squares fit of a kernel of each rank to what its input looks like."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import conv1d, pad

from dvfl_converter.compression.fitting import fit_low_rank

CHANNELS, TAPS = 12, 3


def smooth_series(seed: int, directions: int = 4, noise: float = 0.05) -> torch.Tensor:
    """``[64, C, 8]``: mostly a few directions, and slow in time, as features of videos are."""
    torch.manual_seed(seed)
    mixing = torch.randn(CHANNELS, directions, dtype=torch.float64)
    steps = torch.randn(64, directions, 8, dtype=torch.float64).cumsum(dim=2)
    return mixing @ steps + noise * torch.randn(64, CHANNELS, 8, dtype=torch.float64)


def moment_of(series: torch.Tensor) -> torch.Tensor:
    windows = pad(series, (1, 1)).unfold(2, TAPS, 1).permute(0, 2, 1, 3).flatten(2).flatten(0, 1)
    return windows.T @ windows / len(windows)


def error_of(kernel: torch.Tensor, other: torch.Tensor, series: torch.Tensor) -> float:
    expected, found = (conv1d(series, weights, padding=1) for weights in (kernel, other))
    return float((found - expected).norm() / expected.norm())


@pytest.fixture(scope="module")
def kernel():
    torch.manual_seed(7)
    return torch.randn(CHANNELS, CHANNELS, TAPS, dtype=torch.float64)


@pytest.fixture(scope="module")
def fits(kernel):
    return fit_low_rank(kernel, moment_of(smooth_series(0)))


def test_the_error_of_every_rank_is_that_of_its_kernel(fits, kernel):
    series = smooth_series(0)
    for rank in (1, 3, 4, 8, CHANNELS):
        assert error_of(kernel, fits.kernel(rank), series) == pytest.approx(
            float(fits.errors[rank - 1]), abs=1e-4
        )


def test_more_rank_is_less_error_and_the_full_one_none(fits):
    assert bool((fits.errors.diff() <= 1e-12).all())
    assert float(fits.errors[-1]) < 1e-4


def test_it_beats_truncating_the_weights(fits, kernel):
    """The kernel has full rank; only its input has not."""
    stacked = kernel.permute(0, 2, 1).reshape(-1, CHANNELS)
    directions = torch.linalg.svd(stacked).Vh[:4]
    truncated = torch.einsum("oit,ij->ojt", kernel, directions.T @ directions)
    series = smooth_series(0)
    assert error_of(kernel, fits.kernel(4), series) < 0.1 * error_of(kernel, truncated, series)


def test_no_kernel_on_the_same_directions_is_better(fits, kernel):
    """The taps are the least-squares solution: any step away from it is worse."""
    series, best = smooth_series(0), fits.kernel(3)
    least = error_of(kernel, best, series)
    directions = torch.linalg.svd(best.permute(0, 2, 1).reshape(-1, CHANNELS)).Vh[:3]
    for seed in range(5):
        torch.manual_seed(seed)
        step = torch.einsum("ort,ri->oit", torch.randn(CHANNELS, 3, TAPS).double(), directions)
        assert error_of(kernel, best + 1e-3 * step, series) > least


def test_the_least_rank_is_the_smallest_within_the_error(fits):
    rank = fits.least_rank(0.05)
    assert float(fits.errors[rank - 1]) <= 0.05 < float(fits.errors[rank - 2])
    assert fits.least_rank(1e-12) == CHANNELS


def test_clips_that_stand_still_can_be_fitted(kernel):
    """Equal frames make the moment singular."""
    still = smooth_series(0)[:, :, :1].expand(-1, -1, 8)
    fitted = fit_low_rank(kernel, moment_of(still)).kernel(6)
    assert bool(torch.isfinite(fitted).all())
    assert error_of(kernel, fitted, still) < 0.05


def test_channels_that_are_always_zero_can_be_fitted(kernel):
    series = smooth_series(0)
    series[:, 5] = 0
    assert bool(torch.isfinite(fit_low_rank(kernel, moment_of(series)).kernel(4)).all())
