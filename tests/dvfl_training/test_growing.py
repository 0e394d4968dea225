"""A larger network that starts with a smaller one's features."""

from __future__ import annotations

import pytest
import torch

from dvfl.model import Architecture, VideoFocalNet
from dvfl_training.growing import grow, grows_into
from dvfl_training.network import initialise

SMALL = Architecture(depths=(1, 1, 2, 1), width=8, num_classes=3)
LARGER = {
    "deeper": Architecture(depths=(2, 1, 4, 2), width=8, num_classes=5),
    "wider": Architecture(depths=(1, 1, 2, 1), width=16, num_classes=5),
    "both": Architecture(depths=(1, 2, 3, 1), width=16, num_classes=5),
}


def network(architecture: Architecture, seed: int) -> VideoFocalNet:
    torch.manual_seed(seed)
    made = VideoFocalNet(architecture).eval()
    initialise(made)
    for parameter in made.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)
    return made


@pytest.mark.parametrize("name", LARGER)
def test_a_grown_network_has_the_features_of_the_small_one(name: str) -> None:
    small, large = network(SMALL, 0), network(LARGER[name], 1)
    clip = torch.randn(2, 4, 3, 32, 32)
    grow(small, large)
    with torch.no_grad():
        given, grown = small.features(clip), large.features(clip)
    copies = grown.shape[1] // given.shape[1]
    assert torch.allclose(grown, given.repeat(1, copies), atol=1e-5)


def test_the_copies_of_a_channel_learn_different_things() -> None:
    small, large = network(SMALL, 0), network(LARGER["wider"], 1)
    grow(small, large)
    large.features(torch.randn(2, 4, 3, 32, 32)).square().sum().backward()
    gradient = large.layers[0].blocks[0].mlp.fc1.weight.grad
    first, second = gradient.chunk(2)
    assert (first - second).abs().max() > 0.1 * gradient.abs().max()


def test_added_blocks_learn_from_the_first_step() -> None:
    small, large = network(SMALL, 0), network(LARGER["deeper"], 1)
    grow(small, large)
    large.features(torch.randn(2, 4, 3, 32, 32)).square().sum().backward()
    added = large.layers[2].blocks[3]
    assert added.mlp.fc2.weight.grad.abs().max() > 0
    assert added.modulation.proj.weight.grad.abs().max() > 0


def test_the_head_stays_as_it_was() -> None:
    small, large = network(SMALL, 0), network(LARGER["both"], 1)
    before = large.head.weight.clone()
    grow(small, large)
    assert torch.equal(large.head.weight, before)


@pytest.mark.parametrize(
    ("depths", "width", "possible"),
    [
        ((1, 1, 2, 1), 8, True),
        ((1, 1, 2, 1), 16, True),
        ((2, 2, 6, 2), 16, True),
        ((1, 1, 1, 1), 8, False),
        ((1, 1, 2, 1), 12, False),
        ((1, 1, 2, 1), 32, False),
    ],
)
def test_what_a_network_grows_into(depths: tuple[int, int, int, int], width: int, possible: bool) -> None:
    assert grows_into(SMALL, Architecture(depths=depths, width=width, num_classes=3)) is possible
