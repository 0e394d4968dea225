"""Networks with temporal kernels of low rank, lowered: two cheaper steps, the same result."""

from __future__ import annotations

import pytest
import torch
from small_models import SPEC, randomised, reference_logits
from test_lowered_networks import error_of_range, lowered, random_clip

from dvfl.model import Architecture
from dvfl.model.low_rank import factorised, temporal_layers
from dvfl_converter.lowering import winograd
from dvfl_converter.lowering.layers import linear, over_time
from dvfl_converter.lowering.low_rank import in_two_steps
from dvfl_converter.lowering.winograd import Form
from dvfl_converter.program import total_macs
from dvfl_converter.targets.executorch import lowering as executorch
from dvfl_converter.targets.litert import lowering as litert
from dvfl_converter.targets.registry import TARGETS, load_backend

FORMS = (Form(taps=3, outputs=4, fewest_channels=1), Form(taps=5, outputs=4, fewest_channels=1))
WIDE = Architecture((1, 1, 2, 1), 16, 7)


def compressed(share: float, architecture: Architecture = WIDE):
    """A random network whose temporal kernels have a share of the full rank."""
    network = randomised(architecture)
    for layer in temporal_layers(network).values():
        rank = max(1, round(share * layer.in_channels))
        directions = torch.linalg.qr(torch.randn(layer.in_channels, rank, dtype=torch.float64)).Q
        layer.weight.copy_(torch.einsum("oit,ij->ojt", layer.weight.double(), directions @ directions.T))
    return network


@pytest.fixture(params=[False, True], ids=["direct", "minimal filtering"])
def filtering(request, monkeypatch):
    monkeypatch.setattr(winograd, "FEWEST_POSITIONS", 1)
    for lowering in (litert, executorch):
        monkeypatch.setattr(lowering, "FORMS", FORMS if request.param else ())


@pytest.mark.usefixtures("filtering")
@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("share", [0.1, 0.4, 0.9])
def test_the_lowered_network_is_the_same_function(target, share):
    network = compressed(share)
    clip = random_clip(8, 64)
    expected = reference_logits(network.double(), clip)
    network.float()
    assert error_of_range(lowered(target, network, 8, 64)(clip).double(), expected) <= 1e-5


@pytest.mark.usefixtures("filtering")
@pytest.mark.parametrize("target", TARGETS)
def test_a_lower_rank_takes_fewer_products(target):
    backend = load_backend(TARGETS[target])
    programs = [backend.lowered(compressed(share), SPEC, "fp32") for share in (0.1, 0.4, 1.0)]
    macs = [total_macs(program.exported()) for program in programs]
    assert macs[0] < macs[1] < macs[2]


def test_the_first_reduction_is_inside_the_linear_layer_before():
    """No layer is added where the context's own layer can give fewer channels."""
    modulation = litert.lower(compressed(0.25), 8, 64, (0, 0, 0), (1, 1, 1)).body[1].modulation
    assert tuple(modulation.temporal_context.weight.shape) == (4, 16)
    assert tuple(modulation.temporal_layers[0].weight.shape) == (16, 4, 3, 1)


def test_a_rank_that_saves_nothing_stays_one_step():
    """Two steps take r C + k r C products for k C^2: fewer below k / (k + 1) of the channels."""
    for rank, steps in ((11, 2), (12, 1)):
        wide = torch.einsum("ort,ri->oit", torch.randn(16, rank, 3), torch.randn(rank, 16))
        assert factorised(wide).rank == rank
        layer = in_two_steps(wide, linear, over_time, lambda _: 1)
        assert isinstance(layer, torch.nn.Sequential) == (steps == 2)


def test_minimal_filtering_counts_its_own_products():
    """F(4, 3) takes 1.5 C^2 for 3 C^2, so the rank must be lower still: r (1 + 1.5) < 1.5 C."""
    for rank, steps in ((9, 2), (10, 1)):
        wide = torch.einsum("ort,ri->oit", torch.randn(16, rank, 3), torch.randn(rank, 16))
        layer = in_two_steps(wide, linear, over_time, lambda _: 4)
        assert isinstance(layer, torch.nn.Sequential) == (steps == 2)
