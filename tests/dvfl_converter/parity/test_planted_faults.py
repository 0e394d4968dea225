"""The comparison itself, tried on real artifacts with one fault each: it must catch every one of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import small_models as small
import torch
from torch import nn

from dvfl.model.checkpoint import load_checkpoint
from dvfl_converter.lowering.weights import RESIDUAL_SCALE, fold_network
from dvfl_converter.parity.localize import localize
from dvfl_converter.program import Program
from dvfl_converter.targets.litert import backend as litert
from dvfl_converter.targets.litert.config import LiteRTConfig
from dvfl_converter.targets.registry import TARGETS
from dvfl_converter.verification import reference_vectors

MEAN, STD = np.array(small.SPEC.normalization.mean), np.array(small.SPEC.normalization.std)
RUNTIMES = ("litert", "executorch")


@pytest.fixture(scope="module")
def network(sources):
    return load_checkpoint(sources / "student.pth").network()


@pytest.fixture
def plant(converted, tmp_path):
    """Writes a changed copy of a runtime's fp32 artifact; returns it as a bundle."""

    def write(target, change):
        artifact = converted.artifact(target, "fp32")
        path = tmp_path / artifact.file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(change(converted.resolve(artifact).read_bytes()))
        return small.with_artifact(converted, artifact, tmp_path)

    return write


def first_convolution(network, mean=MEAN, std=STD) -> tuple[np.ndarray, np.ndarray]:
    """Kernel and bias as both runtimes store them: rows, columns, then channels."""
    kernel, bias = fold_network(network, tuple(mean), tuple(std)).patch_embed.conv
    return kernel.permute(0, 2, 3, 1).contiguous().numpy(), bias.numpy()


def caught(bundle) -> float:
    """The error in units of the logit range, of an artifact that the gate must refuse."""
    (artifact,) = bundle.manifest.artifacts
    report = small.judged(bundle, artifact)
    assert report.status == "failed"
    assert "of the logit range > 1e-04" in report.reason
    return report.worst.error_of_range


@pytest.mark.parametrize("target", RUNTIMES)
class TestFaultsInTheFile:
    def test_the_clean_artifact_passes(self, plant, target):
        bundle = plant(target, bytes)
        report = small.judged(bundle, bundle.manifest.artifacts[0])
        assert report.status == "passed"
        assert report.worst.error_of_range < 1e-5

    def test_swapped_colour_channels(self, plant, network, target):
        kernel, _ = first_convolution(network)
        assert caught(plant(target, lambda data: small.patched(data, kernel, kernel[..., ::-1]))) > 1e-3

    @pytest.mark.parametrize("scale", [1.01, 255.0], ids=["one per cent", "another unit"])
    def test_a_wrong_scale(self, plant, network, target, scale):
        kernel, bias = first_convolution(network)
        other_kernel, other_bias = first_convolution(network, std=STD * scale)

        def change(data):
            return small.patched(small.patched(data, kernel, other_kernel), bias, other_bias)

        caught(plant(target, change))

    def test_a_wrong_mean(self, plant, network, target):
        _, bias = first_convolution(network)
        _, other = first_convolution(network, mean=MEAN + 1.0)
        caught(plant(target, lambda data: small.patched(data, bias, other)))

    @pytest.mark.parametrize(
        "key",
        [
            "layers.0.blocks.0.modulation.focal_layers_temporal.0.0.weight",
            "layers.2.blocks.0.modulation.h_temporal.weight",
            "layers.3.blocks.0.mlp.fc2.weight",
        ],
    )
    def test_one_flipped_weight(self, plant, network, target, key):
        weight = stored_weight(network, key)
        caught(plant(target, lambda data: small.with_sign_flipped(data, weight)))


def stored_weight(network, key):
    """As the artifacts hold it: what writes the residual stream is scaled."""
    return network.state_dict()[key] * (RESIDUAL_SCALE if "fc2" in key else 1.0)


class Rearranged(nn.Module):
    """The lowered network on a clip that was taken apart first."""

    def __init__(self, network: nn.Module, fault: str) -> None:
        super().__init__()
        self.network = network
        self.fault = fault

    def forward(self, clip):
        if self.fault == "shuffled frames":
            clip = torch.cat([clip[t : t + 1] for t in (1, 0, 2, 3, 4, 5, 6, 7)])
        else:
            clip = clip.permute(3, 1, 2, 0).reshape(clip.shape)
        return self.network(clip)


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["shuffled frames", "time and channels scrambled"])
def test_frames_in_another_order(fault, network, converted, tmp_path):
    clean = litert.lowered(network, small.SPEC)
    program = Program(Rearranged(clean.module, fault).eval(), clean.example, clean.layout)
    artifact = converted.artifact("litert", "fp32")
    path = tmp_path / artifact.file
    path.parent.mkdir(parents=True)
    made = litert.exporter(program).write(LiteRTConfig(precision="fp32"), path)
    contract = artifact.input.model_copy(update={"name": made.input_name})
    caught(small.with_artifact(converted, artifact.model_copy(update={"input": contract}), tmp_path))


class TestLocalisation:
    def test_a_clean_artifact_has_every_layer(self, plant, converted):
        bundle = plant("litert", bytes)
        drift = localize(bundle, bundle.manifest.artifacts[0], reference_vectors(converted)[0])
        assert drift.layer is None
        assert drift.last_good == "head"
        assert drift.error < 1e-4

    @pytest.mark.parametrize(
        ("key", "layer", "last_good"),
        [
            ("layers.0.blocks.0.modulation.h.weight", "layers.0.blocks.0.modulation.h", "patch_embed"),
            (
                "layers.2.blocks.0.modulation.h_temporal.weight",
                "layers.2.blocks.0.modulation.h_temporal",
                "layers.2.blocks.0.modulation.h",
            ),
            (
                "layers.1.blocks.0.modulation.focal_layers_temporal.1.0.weight",
                "layers.1.blocks.0.modulation.h_temporal",
                "layers.1.blocks.0.modulation.h",
            ),
            (
                "layers.3.blocks.0.mlp.fc2.weight",
                "layers.3.blocks.0.mlp",
                "layers.3.blocks.0.modulation",
            ),
        ],
    )
    def test_a_flipped_weight_is_found_in_its_layer(self, plant, network, converted, key, layer, last_good):
        weight = stored_weight(network, key)
        bundle = plant("litert", lambda data: small.with_sign_flipped(data, weight))
        drift = localize(bundle, bundle.manifest.artifacts[0], reference_vectors(converted)[0])
        assert (drift.layer, drift.last_good) == (layer, last_good)
        assert drift.error > drift.tolerance

    def test_swapped_colour_channels_are_found_in_the_first_layer(self, plant, network, converted):
        kernel, _ = first_convolution(network)
        bundle = plant("litert", lambda data: small.patched(data, kernel, kernel[..., ::-1]))
        drift = localize(bundle, bundle.manifest.artifacts[0], reference_vectors(converted)[0])
        assert (drift.layer, drift.last_good) == ("patch_embed", None)

    def test_a_runtime_that_shows_nothing_gives_no_answer(self, converted, monkeypatch):
        monkeypatch.setitem(TARGETS, "litert", replace(TARGETS["litert"], taps=None))
        clip = reference_vectors(converted)[0]
        assert localize(converted, converted.artifact("litert", "fp32"), clip) is None
