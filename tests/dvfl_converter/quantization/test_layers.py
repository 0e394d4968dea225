"""Which layers a plan decides about."""

from __future__ import annotations

import pytest
import small_models as small

from dvfl.model import Architecture
from dvfl_converter.lowering import winograd
from dvfl_converter.lowering.winograd import Form
from dvfl_converter.program import total_macs
from dvfl_converter.quantization.layers import grouped, quantisable_layers
from dvfl_converter.targets.executorch import lowering as executorch
from dvfl_converter.targets.litert import lowering as litert
from dvfl_converter.targets.registry import TARGETS, load_backend


@pytest.fixture(scope="module", params=["litert", "executorch"])
def program(request):
    network = small.randomised(Architecture((1, 1, 2, 1), 16, 12))
    return load_backend(TARGETS[request.param]).lowered(network, small.SPEC, "int8")


def test_they_are_nearly_all_of_the_arithmetic(program):
    found = sum(layer.macs for layer in quantisable_layers(program))
    assert 0.85 < found / total_macs(program.exported()) < 1.0


def test_gates_depthwise_convolutions_pixels_and_the_head_are_left_out(program):
    paths = [layer.path for layer in quantisable_layers(program)]
    assert not [path for path in paths if "gates" in path or "spatial_layers" in path or path == "head"]
    assert "body.0.proj" not in paths
    assert not [path for path in paths if "standardise" in path]


def test_both_targets_name_the_same_layers():
    network = small.randomised()
    programs = [
        load_backend(TARGETS[name]).lowered(network, small.SPEC, "int8") for name in ("litert", "executorch")
    ]
    first, second = ([layer.path for layer in quantisable_layers(item)] for item in programs)
    assert first == second


def test_groups_cover_every_layer_once(program):
    layers = quantisable_layers(program)
    for by_stage in (True, False):
        members = [layer for group in grouped(layers, by_stage=by_stage) for layer in group.layers]
        assert sorted(layer.path for layer in members) == sorted(layer.path for layer in layers)
    assert [group.name for group in grouped(layers, by_stage=False)] == [
        "modulation",
        "temporal convolutions",
        "MLP",
        "downsampling",
    ]
    assert "MLP, 64 channels" in [group.name for group in grouped(layers, by_stage=True)]


def test_int8_keeps_plain_temporal_convolutions(monkeypatch):
    """The sums of frames have a wider range than their terms, and eight bits are all there is."""
    monkeypatch.setattr(winograd, "FEWEST_POSITIONS", 1)
    for name, lowering in (("litert", litert), ("executorch", executorch)):
        monkeypatch.setattr(lowering, "FORMS", (Form(3, 2, fewest_channels=1), Form(5, 2, fewest_channels=1)))
        direct = "body.1.modulation.temporal_layers.0.weight"
        program = load_backend(TARGETS[name]).lowered(small.randomised(), small.SPEC, "int8")
        assert direct in dict(program.module.named_parameters()), name
        other = load_backend(TARGETS[name]).lowered(small.randomised(), small.SPEC, "fp32")
        assert direct not in dict(other.module.named_parameters()), name
