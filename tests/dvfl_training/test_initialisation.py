"""Image weights by key name: what matches is taken and accounted for, and nothing runs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch
from torch import Tensor

from dvfl.errors import CheckpointError
from dvfl.model import VARIANTS, Architecture, VideoFocalNet
from dvfl_training.errors import TrainingError
from dvfl_training.initialisation import load_initial_weights


def published_names(depths=(2, 2, 6, 2), width=96, classes=1000) -> dict[str, Tensor]:
    """FocalNet-Tiny-SRF as github microsoft/FocalNet builds it (classification/focalnet.py)."""
    shapes: dict[str, tuple[int, ...]] = {}

    def layer(name: str, *weight: int, bias: bool = True) -> None:
        shapes[f"{name}.weight"] = weight
        if bias:
            shapes[f"{name}.bias"] = weight[:1]

    layer("patch_embed.proj", width, 3, 4, 4)
    layer("patch_embed.norm", width)
    for stage, depth in enumerate(depths):
        dim = width * 2**stage
        for block in (f"layers.{stage}.blocks.{index}" for index in range(depth)):
            layer(f"{block}.norm1", dim)
            layer(f"{block}.modulation.f", 2 * dim + 3, dim)
            layer(f"{block}.modulation.h", dim, dim, 1, 1)
            layer(f"{block}.modulation.proj", dim, dim)
            layer(f"{block}.modulation.focal_layers.0.0", dim, 1, 3, 3, bias=False)
            layer(f"{block}.modulation.focal_layers.1.0", dim, 1, 5, 5, bias=False)
            layer(f"{block}.norm2", dim)
            layer(f"{block}.mlp.fc1", 4 * dim, dim)
            layer(f"{block}.mlp.fc2", dim, 4 * dim)
        if stage < 3:
            layer(f"layers.{stage}.downsample.proj", 2 * dim, dim, 2, 2)
            layer(f"layers.{stage}.downsample.norm", 2 * dim)
    layer("norm", 8 * width)
    layer("head", classes, 8 * width)
    return {name: torch.full(shape, 0.5) for name, shape in shapes.items()}


def saved(folder: Path, content: object) -> Path:
    torch.save(content, folder / "image.pth")
    return folder / "image.pth"


def test_100_of_the_students_130_keys_match(tmp_path) -> None:
    network = VideoFocalNet(VARIANTS["nano"].with_classes(101))
    assert len(network.state_dict()) == 130
    account = load_initial_weights(saved(tmp_path, {"model": published_names()}), network)
    assert len(account.loaded) == 98
    assert account.lines()[0] == "100 of 130 keys match by name; 30 start as they were, 30 of them temporal"
    assert account.head == ("head.weight", "head.bias")
    assert account.lines()[1] == "the head starts anew, for the classes of this data set"
    assert not account.other_shape
    # Seven blocks of the image network have no place in the student.
    assert len(account.unused) == 7 * 16


def test_what_matches_is_taken_and_the_rest_stays(tmp_path) -> None:
    network = VideoFocalNet(Architecture((1, 1, 1, 1), 8, 5))
    before = {key: value.clone() for key, value in network.state_dict().items()}
    account = load_initial_weights(saved(tmp_path, published_names((1, 1, 1, 1), 8)), network)
    for key, value in network.state_dict().items():
        expected = torch.full_like(value, 0.5) if key in account.loaded else before[key]
        assert torch.equal(value, expected), key
    assert all("temporal" in key for key in account.missing)


def test_a_tensor_of_another_shape_is_named_and_left_as_it_was(tmp_path) -> None:
    network = VideoFocalNet(Architecture((1, 1, 1, 1), 8, 5))
    weights = published_names((1, 1, 1, 1), 8)
    weights["patch_embed.proj.weight"] = torch.zeros(8, 3, 7, 7)
    before = network.patch_embed.proj.weight.clone()
    account = load_initial_weights(saved(tmp_path, weights), network)
    assert account.lines()[-1] == (
        "patch_embed.proj.weight: the file has [8, 3, 7, 7], the network [8, 3, 4, 4]; starts as it was"
    )
    assert torch.equal(network.patch_embed.proj.weight, before)


def test_a_network_of_another_width_is_refused(tmp_path) -> None:
    network = VideoFocalNet(Architecture((1, 1, 1, 1), 16, 5))
    path = saved(tmp_path, published_names((1, 1, 1, 1), 8))
    expected = r"image.pth: only \d+ of \d+ weights match: it has width 8, model.width is 16; give a FocalNet"
    with pytest.raises(TrainingError, match=expected):
        load_initial_weights(path, network)


def test_a_checkpoint_of_this_network_gives_everything_but_its_head(tmp_path) -> None:
    torch.manual_seed(0)
    architecture = Architecture((1, 1, 1, 1), 8, 5)
    earlier, network = VideoFocalNet(architecture), VideoFocalNet(architecture)
    for parameter in earlier.parameters():
        torch.nn.init.normal_(parameter)
    own_head = network.head.weight.clone()
    account = load_initial_weights(saved(tmp_path, {"model": earlier.state_dict()}), network)
    assert account.lines() == [
        f"{len(earlier.state_dict())} of {len(network.state_dict())} keys match by name",
        "the head starts anew, for the classes of this data set",
    ]
    for key, value in network.state_dict().items():
        assert torch.equal(value, earlier.state_dict()[key]) != key.startswith("head."), key
    assert torch.equal(network.head.weight, own_head)


def test_weights_that_are_not_finite_are_refused(tmp_path) -> None:
    weights = published_names((1, 1, 1, 1), 8)
    weights["norm.bias"][0] = float("nan")
    with pytest.raises(TrainingError, match=r"'norm.bias' holds values that are not finite"):
        load_initial_weights(saved(tmp_path, weights), VideoFocalNet(Architecture((1, 1, 1, 1), 8, 5)))


class Trap:
    def __reduce__(self):
        return os.mkdir, (self.path,)


def test_no_code_of_the_file_runs(tmp_path) -> None:
    trap = Trap()
    trap.path = str(tmp_path / "sprung")
    weights = published_names((1, 1, 1, 1), 8)
    path = saved(tmp_path, {"model": weights, "config": trap})
    load_initial_weights(path, VideoFocalNet(Architecture((1, 1, 1, 1), 8, 5)))
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("content", [[1, 2], {"model": [1]}, {"epoch": 3}], ids=["list", "no dict", "empty"])
def test_a_file_without_weights_is_refused(content, tmp_path) -> None:
    with pytest.raises(TrainingError, match=r"image.pth: "):
        load_initial_weights(saved(tmp_path, content), VideoFocalNet(Architecture((1, 1, 1, 1), 8, 5)))


def test_a_missing_file_is_named(tmp_path) -> None:
    with pytest.raises(CheckpointError, match=r"none.pth: no such file"):
        load_initial_weights(tmp_path / "none.pth", VideoFocalNet(Architecture((1, 1, 1, 1), 8, 5)))


def test_a_smaller_network_of_this_family_grows(tmp_path) -> None:
    small = VideoFocalNet(Architecture(depths=(1, 1, 1, 1), width=8, num_classes=4)).eval()
    large = VideoFocalNet(Architecture(depths=(1, 1, 2, 1), width=16, num_classes=3)).eval()
    account = load_initial_weights(saved(tmp_path, {"model": small.state_dict()}), large)
    assert account.lines() == [
        "grown from width 8, depths 1-1-1-1: the same features at the start",
        "the head starts anew, for the classes of this data set",
    ]
    clip = torch.randn(1, 2, 3, 32, 32)
    assert torch.allclose(large.features(clip), small.features(clip).repeat(1, 2), atol=1e-5)
