"""Minimal filtering equals the convolution it replaces, in both layouts."""

from __future__ import annotations

import pytest
import torch
from small_models import SPEC, randomised, reference_logits
from test_lowered_networks import error_of_range, random_clip
from torch.nn.functional import conv1d

from dvfl.model import Architecture
from dvfl_converter.lowering import winograd
from dvfl_converter.lowering.filtering_layers import FilteredRows, FilteredStack, tile_order
from dvfl_converter.lowering.layers import linear, over_time, pointwise
from dvfl_converter.lowering.winograd import Form, as_tensor, minimal_filtering, tile, transformed
from dvfl_converter.targets.executorch import lowering as executorch
from dvfl_converter.targets.litert import lowering as litert

MEAN, STD = SPEC.normalization.mean, SPEC.normalization.std
FILTERINGS = [(2, 3), (4, 3), (2, 5), (4, 5)]
FORMS = tuple(Form(taps, outputs, fewest_channels=1) for taps in (3, 5) for outputs in (4, 2))
FRAMES = range(1, 17)


def rand(*shape, dtype=torch.float64):
    return torch.randn(*shape, dtype=dtype)


def over_frames(x, kernel):
    """The convolution over T of frames ``[T, C, h, w]``."""
    frames, channels, height, width = x.shape
    series = x.permute(2, 3, 1, 0).reshape(height * width, channels, frames)
    out = conv1d(series, kernel, padding=kernel.shape[2] // 2)
    return out.reshape(height, width, channels, frames).permute(3, 2, 0, 1)


def filtered(layout, x, kernel, outputs):
    """The same by minimal filtering, through a target's layout and back."""
    frames, channels, height, width = x.shape
    if layout == "rows":
        layer = FilteredRows(kernel, outputs, linear)
        rows = x.permute(0, 2, 3, 1).reshape(1, frames, height * width, channels)
        return layer(rows).reshape(frames, height, width, channels).permute(0, 3, 1, 2)
    layer = FilteredStack(kernel, outputs, pointwise, frames, height)
    order = list(tile_order(frames, outputs))
    stack = layer(torch.cat([x[frame : frame + 1] for frame in order], dim=2))
    back = stack.reshape(channels, frames, height, width).permute(1, 0, 2, 3)
    return back[[order.index(frame) for frame in range(frames)]]


def relative(found, expected) -> float:
    return float((found.double() - expected.double()).norm() / expected.double().norm())


class TestMatrices:
    @pytest.mark.parametrize(("outputs", "taps"), FILTERINGS)
    def test_they_are_the_bilinear_form_of_the_filter(self, outputs, taps):
        """Sum over the products of A^T, G and B^T is 1 where d[r + t] meets g[t] in y[r], else 0; exactly."""
        form = minimal_filtering(outputs, taps)
        for row in range(outputs):
            for tap in range(taps):
                for frame in range(outputs + taps - 1):
                    found = sum(
                        a * g[tap] * b[frame]
                        for a, g, b in zip(form.outputs[row], form.kernels, form.inputs, strict=True)
                    )
                    assert found == int(frame == row + tap)

    def test_f23_is_the_published_one_up_to_signs(self):
        form = minimal_filtering(2, 3)
        assert as_tensor(form.inputs).abs().tolist() == [
            [1, 0, 1, 0],
            [0, 1, 1, 0],
            [0, 1, 1, 0],
            [0, 1, 0, 1],
        ]
        assert as_tensor(form.kernels).abs().tolist() == [[1, 0, 0], [0.5] * 3, [0.5] * 3, [0, 0, 1]]

    @pytest.mark.parametrize(("outputs", "taps"), [(3, 3), (6, 5), (4, 7)])
    def test_one_without_points_is_refused(self, outputs, taps):
        with pytest.raises(ValueError, match="no points"):
            minimal_filtering(outputs, taps)

    def test_weights_are_transformed_in_float64(self):
        kernel = rand(6, 6, 5, dtype=torch.float32)
        exact = transformed(kernel.double(), 4)
        for found, wide in zip(transformed(kernel, 4), exact, strict=True):
            assert torch.equal(found, wide.float())


@pytest.mark.parametrize("layout", ["rows", "stack"])
class TestLayers:
    @pytest.mark.parametrize(
        ("outputs", "taps", "frames"),
        [(*form, frames) for form in FILTERINGS for frames in FRAMES if frames % form[0] == 0],
    )
    def test_float64_is_equal_to_rounding(self, layout, outputs, taps, frames):
        torch.manual_seed(frames)
        x, kernel = rand(frames, 7, 3, 5), rand(7, 7, taps)
        assert relative(filtered(layout, x, kernel, outputs), over_frames(x, kernel)) <= 1e-13

    @pytest.mark.parametrize(("outputs", "taps"), FILTERINGS)
    @pytest.mark.parametrize(("channels", "height", "width"), [(33, 4, 4), (96, 2, 3), (384, 1, 2)])
    def test_float32_is_equal_to_a_hundred_thousandth(self, layout, outputs, taps, channels, height, width):
        torch.manual_seed(channels)
        x = rand(8, channels, height, width, dtype=torch.float32)
        kernel = rand(channels, channels, taps, dtype=torch.float32) * (channels * taps) ** -0.5
        expected = over_frames(x.double(), kernel.double())
        assert relative(filtered(layout, x, kernel, outputs), expected) <= 1e-5

    def test_every_weight_is_a_stored_parameter(self, layout):
        kernel = rand(4, 4, 5)
        layer = (
            FilteredRows(kernel, 4, linear)
            if layout == "rows"
            else FilteredStack(kernel, 4, pointwise, frames=8, rows=2)
        )
        matrices = [name for name, weight in layer.named_parameters() if weight.shape[:2] == (4, 4)]
        assert len(matrices) == 8
        assert not any(parameter.requires_grad for parameter in layer.parameters())


class TestChoice:
    def chosen(self, *, channels=384, taps=5, frames=8, pixels=196, forms=FORMS):
        return tile(forms, torch.empty(channels, channels, taps), frames, pixels)

    def test_the_first_form_whose_tile_divides_the_frames(self):
        assert [self.chosen(frames=frames) for frames in FRAMES] == [1, 2, 1, 4] * 4

    def test_other_kernels_stay_direct(self):
        assert [self.chosen(taps=taps) for taps in (1, 3, 5, 7)] == [1, 4, 4, 1]

    def test_narrow_layers_and_few_positions_stay_direct(self):
        forms = (Form(5, 4, fewest_channels=96, most_channels=384),)
        assert [self.chosen(channels=c, forms=forms) for c in (95, 96, 384, 385)] == [1, 4, 4, 1]
        fewest = winograd.FEWEST_POSITIONS // 2
        assert [self.chosen(pixels=pixels) for pixels in (fewest - 1, fewest)] == [2, 4]

    @pytest.mark.parametrize("target", [litert, executorch])
    def test_wide_networks_are_filtered_unless_told_otherwise(self, target):
        network = randomised(Architecture((1, 1, 1, 1), 96, 3))

        def direct(**options):
            modules = target.lower(network, 8, 224, MEAN, STD, **options).modules()
            return sum(type(module).__name__ == "Conv2d" and _is_over_time(module) for module in modules)

        assert direct(winograd=False) == 8
        assert direct() <= 2


@pytest.mark.parametrize("target", [litert, executorch])
@pytest.mark.parametrize("frames", [1, 2, 3, 4, 6, 8, 12])
class TestNetworks:
    @pytest.fixture(autouse=True)
    def everywhere(self, monkeypatch):
        monkeypatch.setattr(winograd, "FEWEST_POSITIONS", 1)
        for module in (litert, executorch):
            monkeypatch.setattr(module, "FORMS", FORMS)

    def run(self, target, network, clip):
        axes = (0, 1, 2, 3) if target is litert else (0, 3, 1, 2)
        dtype = network.head.weight.dtype
        module = target.lower(network, len(clip), clip.shape[1], MEAN, STD).to(dtype)
        with torch.no_grad():
            return module(torch.from_numpy(clip).to(dtype).permute(axes).contiguous())

    def test_float64_is_equal_to_rounding(self, target, frames):
        network = randomised(Architecture((1, 1, 2, 1), 7, 5)).double()
        clip = random_clip(frames, 64)
        found, expected = self.run(target, network, clip), reference_logits(network, clip)
        assert relative(found[0], expected) <= 1e-6

    def test_float32_is_equal_to_a_hundred_thousandth_of_the_range(self, target, frames):
        network = randomised(Architecture((1, 1, 2, 1), 12, 5))
        clip = random_clip(frames, 64, seed=1)
        expected = reference_logits(network.double(), clip)
        assert error_of_range(self.run(target, network.float(), clip).double(), expected) <= 1e-5


def _is_over_time(conv: torch.nn.Module) -> bool:
    """The direct form, which mixes channels over several taps."""
    template = over_time(torch.empty(1, 1, 3))
    return conv.groups == template.groups and conv.kernel_size[0] > 1 and conv.kernel_size[1] == 1
