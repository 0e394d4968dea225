"""Each weight rewrite equals the step it replaces, in float64 to rounding."""

from __future__ import annotations

import pytest
import torch
from small_models import TINY, randomised
from torch.nn import functional

from dvfl.model import Architecture
from dvfl_converter.lowering.folding import centre_outputs, fold_affine, fold_normalisation
from dvfl_converter.lowering.layers import channel_mean, depthwise, linear, over_time, pointwise, strided
from dvfl_converter.lowering.weights import fold_network

MEAN, STD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def rand(*shape):
    return torch.randn(*shape, dtype=torch.float64)


def close(found, expected):
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)


class TestFolds:
    def test_normalisation_into_the_convolution(self):
        weight, bias = rand(16, 3, 4, 4), rand(16)
        mean, std = torch.tensor(MEAN, dtype=torch.float64), torch.tensor(STD, dtype=torch.float64)
        x = torch.randint(0, 256, (2, 3, 32, 24)).double()
        normalised = (x - mean.view(3, 1, 1)) / std.view(3, 1, 1)
        folded = fold_normalisation(weight, bias, mean, std)
        expected = functional.conv2d(normalised, weight, bias, stride=4)
        torch.testing.assert_close(functional.conv2d(x, *folded, stride=4), expected, rtol=1e-12, atol=1e-11)

    def test_the_norms_affine_into_the_linear_layer(self):
        weight, bias, scale, shift, x = rand(10, 6), rand(10), rand(6), rand(6), rand(5, 6)
        folded = fold_affine(weight, bias, scale, shift)
        close(functional.linear(x, *folded), functional.linear(x * scale + shift, weight, bias))

    def test_the_norms_centring_into_the_convolution(self):
        weight, bias, x = rand(12, 3, 2, 2), rand(12), rand(2, 3, 8, 8)
        y = functional.conv2d(x, weight, bias, stride=2)
        folded = centre_outputs(weight, bias)
        close(functional.conv2d(x, *folded, stride=2), y - y.mean(dim=1, keepdim=True))

    @pytest.mark.parametrize("fold", ["normalisation", "affine", "centring"])
    def test_folded_float32_weights_are_the_correctly_rounded_ones(self, fold):
        weight, bias = torch.randn(8, 3, 4, 4), torch.randn(8)
        mean, std = torch.randn(3).abs() * 100, torch.rand(3) * 50 + 1
        run = {
            "normalisation": lambda w, b: fold_normalisation(w, b, mean.double(), std.double()),
            "affine": lambda w, b: fold_affine(w.flatten(1), b, torch.ones(48) / 3, torch.ones(48) / 7),
            "centring": centre_outputs,
        }[fold]
        narrow, wide = run(weight, bias), run(weight.double(), bias.double())
        for found, exact in zip(narrow, wide, strict=True):
            assert found.dtype == torch.float32
            assert torch.equal(found, exact.float())

    def test_the_arguments_stay_as_they_are(self):
        network = randomised()
        before = {key: value.clone() for key, value in network.state_dict().items()}
        fold_network(network, MEAN, STD)
        assert all(torch.equal(network.state_dict()[key], value) for key, value in before.items())


class TestLayers:
    def test_a_linear_layer_and_its_pointwise_convolution(self):
        weight, bias, x = rand(5, 7), rand(5), rand(2, 7, 3, 4)
        expected = functional.linear(x.permute(0, 2, 3, 1), weight, bias)
        close(linear((weight, bias))(x.permute(0, 2, 3, 1)), expected)
        close(pointwise((weight, bias))(x).permute(0, 2, 3, 1), expected)

    def test_a_strided_convolution(self):
        weight, bias, x = rand(5, 3, 4, 4), rand(5), rand(1, 3, 16, 8)
        close(strided((weight, bias))(x), functional.conv2d(x, weight, bias, stride=4))

    @pytest.mark.parametrize("size", [3, 5])
    def test_a_depthwise_convolution(self, size):
        kernel, x = rand(6, 1, size, size), rand(2, 6, 8, 5)
        close(depthwise(kernel)(x), functional.conv2d(x, kernel, padding=size // 2, groups=6))

    @pytest.mark.parametrize("rows", [1, 3, 4])
    @pytest.mark.parametrize(("taps", "frames"), [(3, 8), (5, 8), (5, 2), (3, 1)])
    def test_a_convolution_over_time_on_stacked_frames(self, rows, taps, frames):
        """``[1, C, T * rows, columns]``: every pixel's frames are ``rows`` apart."""
        kernel, x = rand(6, 6, taps), rand(frames, 6, rows, 5)
        series = x.permute(2, 3, 1, 0).reshape(rows * 5, 6, frames)
        expected = functional.conv1d(series, kernel, padding=taps // 2)
        stacked = x.permute(1, 0, 2, 3).reshape(1, 6, frames * rows, 5)
        found = over_time(kernel, rows)(stacked).reshape(6, frames, rows, 5)
        close(found.permute(2, 3, 0, 1).reshape(rows * 5, 6, frames), expected)

    def test_the_mean_over_channels(self):
        x = rand(2, 8, 3, 3)
        close(channel_mean(8, 0.5).double()(x), x.mean(dim=1, keepdim=True) + 0.5)

    def test_a_layer_holds_its_own_contiguous_copy(self):
        weight = torch.randn(4, 6).t()
        layer = linear((weight, torch.zeros(6)))
        assert layer.weight.is_contiguous()
        assert layer.weight.data_ptr() != weight.data_ptr()
        assert not layer.weight.requires_grad


class TestNetwork:
    def test_the_wide_projections_are_split_without_loss(self):
        network = randomised(TINY)
        block = network.layers[1].blocks[0]
        weights = fold_network(network, MEAN, STD).stages[1].blocks[0].modulation
        x = torch.randn(3, 16)
        unit = functional.layer_norm(x, (16,))
        spatial_gates, temporal_gates = functional.linear(unit, *weights.gates).chunk(2, dim=-1)
        parts = [functional.linear(unit, *part) for part in (weights.query, weights.spatial_context)]
        found = torch.cat([*parts, spatial_gates], dim=-1)
        torch.testing.assert_close(found, block.modulation.f(block.norm1(x)), rtol=1e-5, atol=1e-5)
        found = torch.cat([functional.linear(unit, *weights.temporal_context), temporal_gates], dim=-1)
        torch.testing.assert_close(found, block.modulation.f_temporal(block.norm1(x)), rtol=1e-5, atol=1e-5)

    @pytest.mark.parametrize("depths", [(1, 1, 1, 1), (2, 1, 3, 1)])
    def test_it_has_the_reference_networks_blocks(self, depths):
        weights = fold_network(randomised(Architecture(depths, 8, 5)), MEAN, STD)
        assert tuple(len(stage.blocks) for stage in weights.stages) == depths
        assert [stage.downsample is None for stage in weights.stages] == [False, False, False, True]
