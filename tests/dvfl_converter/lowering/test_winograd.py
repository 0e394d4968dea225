"""Temporal convolutions with fewer products, against the direct ones."""

from __future__ import annotations

import pytest
import torch
from small_models import SPEC, randomised, reference_logits
from test_lowered_networks import error_of_range, lowered, random_clip
from torch import nn
from torch.nn.functional import conv1d, pad

from dvfl.model import Architecture
from dvfl_converter.lowering import winograd
from dvfl_converter.lowering.layers import linear
from dvfl_converter.lowering.winograd import WinogradOverTime, pays, transformed
from dvfl_converter.targets.executorch import lowering as executorch
from dvfl_converter.targets.litert import lowering as litert


def earlier(tiles):
    return pad(tiles[:-1], (0, 0, 1, 0))


def later(tiles):
    return pad(tiles[1:], (0, 0, 0, 1))


def both(taps, frames, dtype, channels=7, seed=0):
    """(Winograd's, the direct) output ``[T, C]`` of a random filter."""
    torch.manual_seed(seed)
    kernel = torch.randn(channels, channels, taps, dtype=torch.float64) * (channels * taps) ** -0.5
    x = torch.randn(frames, channels, dtype=torch.float64)
    direct = conv1d(x.T[None], kernel, padding=taps // 2)[0].T
    fast = WinogradOverTime(kernel.to(dtype), linear, earlier, later).to(dtype)
    with torch.no_grad():
        even, odd = fast.pairs(x[0::2].to(dtype), x[1::2].to(dtype))
    return torch.stack((even, odd), dim=1).flatten(0, 1).double(), direct


@pytest.mark.parametrize("frames", [2, 4, 6, 8, 12, 16])
@pytest.mark.parametrize("taps", [3, 5])
class TestEquality:
    def test_in_float64_it_is_exact_to_rounding(self, taps, frames):
        found, direct = both(taps, frames, torch.float64)
        assert float((found - direct).abs().max()) <= 1e-13 * float(direct.abs().max())

    @pytest.mark.parametrize("seed", range(5))
    def test_in_float32_it_is_as_good_as_the_gate_asks(self, taps, frames, seed):
        found, direct = both(taps, frames, torch.float32, channels=96, seed=seed)
        assert float((found - direct).abs().max()) <= 1e-5 * float(direct.abs().max())


@pytest.mark.parametrize("taps", [3, 5])
def test_it_takes_k_plus_1_products_where_the_direct_form_takes_2k(taps):
    matrices = transformed(torch.randn(4, 4, taps))
    assert [matrix.shape for matrix in matrices] == [(4, 4)] * (taps + 1)


class TestWhenItPays:
    def test_in_the_published_networks_wide_stages(self):
        assert [pays(96 << stage, 5, 8, (56 >> stage) ** 2) for stage in range(4)] == [
            False,
            True,
            True,
            True,
        ]

    @pytest.mark.parametrize(
        ("channels", "taps", "frames", "pixels"),
        [(384, 7, 8, 196), (384, 3, 7, 196), (384, 3, 2, 196), (384, 3, 8, 4)],
        ids=["another kernel", "an odd number of frames", "one tile", "few positions"],
    )
    def test_not_otherwise(self, channels, taps, frames, pixels):
        assert not pays(channels, taps, frames, pixels)


@pytest.mark.parametrize("target", ["litert", "executorch"])
class TestNetworks:
    """Whole lowered networks that use it in every stage."""

    @pytest.fixture(autouse=True)
    def everywhere(self, monkeypatch):
        monkeypatch.setattr(winograd, "FEWEST_CHANNELS", 1)
        monkeypatch.setattr(winograd, "FEWEST_POSITIONS", 1)

    @pytest.mark.parametrize(
        ("depths", "width", "frames", "size"),
        [((1, 1, 1, 1), 8, 8, 64), ((1, 1, 2, 1), 12, 4, 96), ((1, 1, 1, 1), 4, 16, 64)],
    )
    def test_they_equal_the_reference(self, target, depths, width, frames, size):
        network = randomised(Architecture(depths, width, 5)).double()
        clip = random_clip(frames, size)
        expected = reference_logits(network, clip, SPEC.with_clip(frames=frames, size=size))
        assert error_of_range(lowered(target, network, frames, size)(clip), expected) <= 1e-7

    def test_they_hold_no_direct_temporal_convolution(self, target):
        lower = {"litert": litert, "executorch": executorch}[target].lower
        module = lower(randomised(), 8, 64, SPEC.normalization.mean, SPEC.normalization.std)
        kernels = {layer.kernel_size for layer in module.modules() if isinstance(layer, nn.Conv2d)}
        assert not kernels & {(3, 1), (5, 1)}

    def test_without_it_they_hold_only_direct_ones(self, target):
        lower = {"litert": litert, "executorch": executorch}[target].lower
        module = lower(randomised(), 8, 64, SPEC.normalization.mean, SPEC.normalization.std, winograd=False)
        kernels = [layer.kernel_size for layer in module.modules() if isinstance(layer, nn.Conv2d)]
        assert kernels.count((3, 1)) == kernels.count((5, 1)) == 4
