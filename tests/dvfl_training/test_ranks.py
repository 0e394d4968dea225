"""Fine-tuning keeps the ranks of compressed kernels, and starts with the whole network."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from dvfl.model import Architecture, VideoFocalNet
from dvfl.model.checkpoint import load_checkpoint
from dvfl.model.low_rank import factorised, temporal_layers
from dvfl_training import runs
from dvfl_training.config import TrainConfig
from dvfl_training.errors import ConfigError, TrainingError
from dvfl_training.initialisation import begin, settings_of
from dvfl_training.network import TrainingNetwork
from fake_clips import CLASSES, run_on_fake_clips, tiny_config, tiny_manifest

ARCHITECTURE = Architecture((1, 1, 1, 1), 8, len(CLASSES))
SETTINGS = ("model.fine_tune=true", "model.start=released", "run.ema=0.9")


def compressed(path: Path, architecture: Architecture = ARCHITECTURE, **config: object) -> Path:
    torch.manual_seed(3)
    network = VideoFocalNet(architecture)
    for layer in temporal_layers(network).values():
        directions = torch.linalg.qr(torch.randn(layer.in_channels, layer.in_channels // 4)).Q
        with torch.no_grad():
            layer.weight.copy_(torch.einsum("oit,ij->ojt", layer.weight, directions @ directions.T))
    torch.save({"model": network.state_dict(), "config": config}, path)
    return path


def ranks(path: Path) -> list[int]:
    return [
        factorised(layer.weight).rank for layer in temporal_layers(load_checkpoint(path).network()).values()
    ]


def request(folder: Path, init: Path, *settings: str) -> runs.Request:
    config = tiny_config(*SETTINGS, *settings)
    return runs.Request(folder / "run", tiny_manifest(folder), config, init=init, device="cpu")


@pytest.mark.parametrize("average", ["0.9", "0"])
def test_every_kernel_learns_and_keeps_its_rank(average, monkeypatch, tmp_path):
    init = compressed(tmp_path / "small.pth")
    run_on_fake_clips(monkeypatch, request(tmp_path, init, f"run.ema={average}"))
    best = tmp_path / "run" / "best.pth"
    assert ranks(init) == ranks(best) == [2, 2, 4, 4, 8, 8, 16, 16]
    before, after = (temporal_layers(load_checkpoint(path).network()) for path in (init, best))
    assert all(not torch.equal(layer.weight, after[name].weight) for name, layer in before.items())


def test_without_fine_tuning_the_rank_is_lost(monkeypatch, tmp_path):
    init = compressed(tmp_path / "small.pth")
    run_on_fake_clips(monkeypatch, request(tmp_path, init, "model.fine_tune=false"))
    assert ranks(tmp_path / "run" / "best.pth") == [8, 8, 16, 16, 32, 32, 64, 64]


def test_the_first_step_starts_with_the_checkpoints_logits(tmp_path):
    """Head included, which --init leaves out."""
    path = compressed(tmp_path / "small.pth")
    network = TrainingNetwork(ARCHITECTURE, tiny_config(*SETTINGS, "model.drop_path=0").model)
    lines = begin(network, path, CLASSES)
    assert lines == ["goes on as it is; 8 temporal kernels keep a rank below the full one"]
    clip = torch.randn(2, 2, 3, 32, 32)
    with torch.no_grad():
        found, expected = network.eval()(clip), load_checkpoint(path).network()(clip)
    assert torch.allclose(found, expected, atol=1e-6)


def test_kernels_of_full_rank_are_left_alone(tmp_path):
    torch.save({"model": VideoFocalNet(ARCHITECTURE).state_dict()}, tmp_path / "dense.pth")
    network = TrainingNetwork(ARCHITECTURE, tiny_config(*SETTINGS).model)
    begin(network, tmp_path / "dense.pth", CLASSES)
    before = {key: value.clone() for key, value in network.network.state_dict().items()}
    network.ranks.restore(network.network)
    assert all(torch.equal(before[key], value) for key, value in network.network.state_dict().items())


def test_a_checkpoint_of_other_classes_is_refused(tmp_path):
    path = compressed(tmp_path / "small.pth", classes=["walk", "run", "jump"])
    network = TrainingNetwork(ARCHITECTURE, tiny_config(*SETTINGS).model)
    with pytest.raises(TrainingError, match=r"small.pth: tells 3 classes \(walk, ...\) apart"):
        begin(network, path, CLASSES)


def test_another_network_is_refused(tmp_path):
    path = compressed(tmp_path / "small.pth", Architecture((1, 1, 1, 1), 16, len(CLASSES)))
    network = TrainingNetwork(ARCHITECTURE, tiny_config(*SETTINGS).model)
    with pytest.raises(TrainingError, match="fine-tuning keeps the network as it is"):
        begin(network, path, CLASSES)


def test_the_settings_are_those_of_the_checkpoint(tmp_path):
    path = compressed(tmp_path / "small.pth", frames=4, size=64, short_side=73)
    assert settings_of(path) == (
        "model.fine_tune=true",
        "model.depths=[1, 1, 1, 1]",
        "model.width=8",
        "clip.frames=4",
        "clip.size=64",
        "clip.short_side=73",
    )


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("model.feature_norm=true", "feature_norm=false"),
        ("run.half_checkpoint=true", "half_checkpoint=false"),
    ],
)
def test_what_would_lose_head_or_ranks_is_refused(setting, message):
    with pytest.raises(ConfigError, match=message):
        tiny_config(*SETTINGS, setting)


def test_the_recipe_that_ships_fine_tunes():
    from dvfl_training.config import load_config

    config = load_config("fine-tune")
    assert isinstance(config, TrainConfig)
    assert config.model.fine_tune
