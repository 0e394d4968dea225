"""The networks as each target runs them, against the reference."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from small_models import SPEC, randomised, reference_logits

from dvfl.model import Architecture
from dvfl_converter.targets.coreml import lowering as coreml
from dvfl_converter.targets.executorch import lowering as executorch
from dvfl_converter.targets.litert import lowering as litert

MEAN, STD = SPEC.normalization.mean, SPEC.normalization.std
TARGETS = ("litert", "executorch", "coreml")


def lowered(target, network, frames, size):
    """The lowered network as a function of a uint8 clip ``[T, H, W, 3]``."""
    dtype = next(network.parameters()).dtype
    if target == "coreml":
        module = coreml.lower(network, MEAN, STD)
    else:
        module = {"litert": litert, "executorch": executorch}[target].lower(network, frames, size, MEAN, STD)
    module = module.to(dtype)
    axes = (0, 1, 2, 3) if target == "litert" else (0, 3, 1, 2)

    def run(clip):
        with torch.no_grad():
            return module(torch.from_numpy(clip).to(dtype).permute(axes).contiguous())

    return run


def random_clip(frames, size, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (frames, size, size, 3), np.uint8)


def error_of_range(found, expected) -> float:
    assert found.shape == (1, expected.numel())
    return float((found[0] - expected).abs().max() / (expected.max() - expected.min()))


CASES = [
    ((1, 1, 1, 1), 8, 8, 64),
    ((1, 1, 2, 1), 12, 8, 96),
    ((2, 1, 1, 2), 16, 4, 64),
    ((1, 1, 1, 1), 4, 2, 224),
    ((1, 1, 1, 1), 8, 1, 64),
    ((1, 1, 1, 1), 8, 2, 64),
    ((1, 1, 1, 1), 8, 3, 32),
    ((1, 1, 1, 1), 8, 5, 64),
    ((1, 1, 1, 1), 8, 16, 64),
]


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(("depths", "width", "frames", "size"), CASES)
class TestEquality:
    def test_float64_is_equal_to_rounding(self, target, depths, width, frames, size):
        network = randomised(Architecture(depths, width, 7)).double()
        clip = random_clip(frames, size)
        expected = reference_logits(network, clip)
        found = lowered(target, network, frames, size)(clip)[0]
        assert float((found - expected).norm() / expected.norm()) <= 1e-6

    def test_float32_is_equal_to_a_hundred_thousandth_of_the_range(self, target, depths, width, frames, size):
        network = randomised(Architecture(depths, width, 7))
        clip = random_clip(frames, size, seed=1)
        expected = reference_logits(network.double(), clip)
        network.float()
        assert error_of_range(lowered(target, network, frames, size)(clip).double(), expected) <= 1e-5


@pytest.mark.parametrize("target", TARGETS)
class TestForm:
    def test_the_statistics_are_folded_in(self, target):
        """Raw 0..255 values go in: an all-mean clip is the reference's all-zero clip."""
        network = randomised().double()
        flat = np.broadcast_to(np.array([10, 100, 200], np.uint8), (8, 64, 64, 3)).copy()
        expected = reference_logits(network, flat)
        assert error_of_range(lowered(target, network, 8, 64)(flat), expected) <= 1e-6

    def test_every_weight_is_a_stored_parameter(self, target):
        """A weight computed in forward is no static weight to a delegate and falls to a slow kernel."""
        network = randomised()
        module = {
            "litert": lambda: litert.lower(network, 8, 64, MEAN, STD),
            "coreml": lambda: coreml.lower(network, MEAN, STD),
            "executorch": lambda: executorch.lower(network, 8, 64, MEAN, STD),
        }[target]()
        assert not module.training
        assert not any(parameter.requires_grad for parameter in module.parameters())
        example = torch.zeros(8, 64, 64, 3) if target == "litert" else torch.zeros(8, 3, 64, 64)
        graph = torch.export.export(module, (example,)).graph
        weights = [
            node.args[1]
            for node in graph.nodes
            if node.op == "call_function" and any(k in str(node.target) for k in ("conv2d", "linear"))
        ]
        assert weights
        assert {weight.op for weight in weights} == {"placeholder"}

    def test_no_tensor_exceeds_rank_4(self, target):
        network = randomised()
        module = {
            "litert": lambda: litert.lower(network, 8, 64, MEAN, STD),
            "coreml": lambda: coreml.lower(network, MEAN, STD),
            "executorch": lambda: executorch.lower(network, 8, 64, MEAN, STD),
        }[target]()
        example = torch.zeros(8, 64, 64, 3) if target == "litert" else torch.zeros(8, 3, 64, 64)
        graph = torch.export.export(module, (example,)).graph
        values = [node.meta.get("val") for node in graph.nodes]
        ranks = [value.ndim for value in values if isinstance(value, torch.Tensor)]
        assert max(ranks) <= 4
