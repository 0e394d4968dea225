"""The range check of fp16 finds what would become infinity."""

from __future__ import annotations

import numpy as np
import pytest
import small_models as small
import torch
from torch import nn

from dvfl_converter.clips import NamedClip, patterns
from dvfl_converter.lowering.weights import RESIDUAL_SCALE
from dvfl_converter.parity.half_range import LARGEST_HALF, peak
from dvfl_converter.program import Program
from dvfl_converter.targets.coreml import backend as coreml


class Squares(nn.Module):
    def __init__(self, weight: float = 1.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([weight]))

    def forward(self, x):
        return torch.sqrt(x * x) * self.weight


def clip(name: str, value: int) -> NamedClip:
    return NamedClip(name, np.full((1, 2, 2, 3), value, np.uint8))


def peak_of(module: nn.Module, *clips: NamedClip):
    return peak(Program(module.eval(), (torch.zeros(1, 2, 2, 3),), "THWC"), clips)


def test_it_names_the_operator_its_line_and_the_clip():
    found = peak_of(Squares(), clip("dark", 3), clip("bright", 255))
    assert found.value == 255.0**2
    assert (found.operator, found.clip) == ("aten.mul", "bright")
    assert "test_half_range.py:" in found.source
    assert found.fits


def test_a_weight_counts_too():
    found = peak_of(Squares(70_000.0), clip("black", 0))
    assert (found.value, found.operator, found.source) == (70_000.0, "weight", "weight")
    assert not found.fits


def test_the_largest_half_fits_and_the_next_number_does_not():
    assert float(torch.tensor(LARGEST_HALF).half()) == LARGEST_HALF
    assert peak_of(Squares(LARGEST_HALF), clip("black", 0)).fits
    assert torch.tensor(65520.0).half().isinf()


def test_what_is_infinite_in_float32_is_an_error():
    with pytest.raises(ValueError, match=r"aten\.mul at .*test_half_range\.py:\d+ is not finite on bright"):
        peak_of(Squares(3e38), clip("bright", 255))


def test_layer_norms_squares_fit_where_the_residual_stream_is_large():
    """Block outputs of several hundred: their squares overflow, those of an eighth of them do not."""
    network = small.randomised()
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name.endswith(("mlp.fc2.weight", "mlp.fc2.bias")):
                parameter.mul_(400)
    largest = 0.0

    def remember(_module, _inputs, output):
        nonlocal largest
        largest = max(largest, float(output.abs().max()))

    network.layers[3].blocks[0].register_forward_hook(remember)
    clips = patterns(small.SPEC)
    for item in clips:
        small.reference_logits(network, item.pixels)
    found = peak(coreml.lowered(network, small.SPEC), clips)
    assert largest**2 > LARGEST_HALF
    assert found.fits
    assert found.value >= 0.5 * (RESIDUAL_SCALE * largest) ** 2
