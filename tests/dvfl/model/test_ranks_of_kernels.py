"""Ranks are read off the weights, whatever float32 made of their zeros."""

from __future__ import annotations

import pytest
import torch

from dvfl.model import Architecture, VideoFocalNet
from dvfl.model.low_rank import factorised, temporal_layers


def kernel_of_rank(rank: int, channels: int = 24, taps: int = 3) -> torch.Tensor:
    torch.manual_seed(rank)
    reduce, narrow = torch.randn(rank, channels).double(), torch.randn(channels, rank, taps).double()
    return torch.einsum("ort,ri->oit", narrow, reduce).float()


@pytest.mark.parametrize("rank", [1, 5, 23])
def test_a_product_of_factors_has_their_rank(rank):
    kernel = kernel_of_rank(rank)
    found = factorised(kernel)
    assert found.rank == rank
    product = torch.einsum("ort,ri->oit", found.taps, found.reduce)
    assert float((product - kernel).norm() / kernel.norm()) < 1e-6


def test_a_random_kernel_has_full_rank_and_stays_as_it_is():
    torch.manual_seed(0)
    kernel = torch.randn(24, 24, 5)
    found = factorised(kernel)
    assert found.rank == 24
    assert found.taps is kernel


def test_a_direction_that_hardly_counts_still_counts():
    """A thousandth of the largest is small, but no rounding error."""
    kernel = kernel_of_rank(5)
    kernel[0, 0, 0] += 1e-3
    assert factorised(kernel).rank == 6


def test_a_kernel_of_zeros_has_one_direction():
    assert factorised(torch.zeros(8, 8, 3)).rank == 1


def test_temporal_layers_are_those_that_mix_channels_over_time():
    network = VideoFocalNet(Architecture((1, 1, 2, 1), 8, 5))
    layers = temporal_layers(network)
    assert len(layers) == 2 * 5
    assert [layer.kernel_size[0] for layer in layers.values()] == [3, 5] * 5
