"""Finding the first layer that drifts, on made-up tensors."""

from __future__ import annotations

import numpy as np
import pytest
import small_models as small
import torch

from dvfl_converter.parity.localize import TOLERANCES, Layer, first_drift, reference_layers


def values(seed, size=24):
    return np.random.default_rng(seed).normal(size=size).astype(np.float32)


LAYERS = [Layer("first", values(0)), Layer("second", values(1, 48)), Layer("third", values(2))]


def test_all_found_whatever_their_order_and_shape():
    tensors = [
        LAYERS[2].values.reshape(2, 3, 4),
        LAYERS[1].values.reshape(1, 48),
        LAYERS[0].values,
        values(9),
    ]
    drift = first_drift(LAYERS, tensors, 1e-3)
    assert (drift.layer, drift.last_good, drift.error) == (None, "third", 0.0)


def test_the_first_of_several_drifting_layers_is_named():
    tensors = [LAYERS[0].values, LAYERS[1].values * 1.01, LAYERS[2].values * 1.5]
    drift = first_drift(LAYERS, tensors, 1e-3)
    assert (drift.layer, drift.last_good) == ("second", "first")
    assert drift.error == pytest.approx(0.01, rel=1e-3)


def test_a_layer_without_a_tensor_of_its_size_drifts():
    drift = first_drift(LAYERS, [LAYERS[0].values, LAYERS[2].values], 1e-3)
    assert (drift.layer, drift.error) == ("second", 1.0)


def test_the_first_layer_can_drift():
    drift = first_drift(LAYERS, [], 1e-3)
    assert (drift.layer, drift.last_good) == ("first", None)


def test_the_tolerance_is_relative_to_the_layers_norm():
    nearly = [layer.values * np.float32(1 + 1e-4) for layer in LAYERS]
    assert first_drift(LAYERS, nearly, 1e-3).layer is None
    assert first_drift(LAYERS, nearly, 1e-5).layer == "first"
    assert first_drift(LAYERS, nearly, 1e-3).error == pytest.approx(1e-4, rel=0.01)


def test_the_closest_tensor_counts():
    tensors = [values(7), LAYERS[0].values * np.float32(1.0001), LAYERS[0].values]
    assert first_drift(LAYERS[:1], tensors, 1e-3).error == 0.0


def test_a_layer_of_zeros_is_found_only_as_zeros():
    zeros = [Layer("zeros", np.zeros(4, np.float32))]
    assert first_drift(zeros, [np.zeros(4, np.float32)], 1e-3).layer is None
    assert first_drift(zeros, [np.full(4, 1e-6, np.float32)], 1e-3).layer == "zeros"


def test_lower_precisions_are_allowed_more():
    assert TOLERANCES["fp32"] < TOLERANCES["fp16"] < TOLERANCES["int8"]


@pytest.fixture(scope="module")
def layers():
    clip = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), np.uint8)
    network = small.randomised()
    normalization = small.SPEC.normalization
    return network, clip, reference_layers(network, clip, normalization.mean, normalization.std)


class TestReferenceLayers:
    def test_they_come_in_the_order_of_the_forward_pass(self, layers):
        names = [layer.name for layer in layers[2]]
        prefix = "layers.0.blocks.0"
        assert names[:6] == [
            "patch_embed",
            *(f"{prefix}.{part}" for part in ("modulation.h", "modulation.h_temporal", "modulation", "mlp")),
            prefix,
        ]
        assert names[-1] == "head"
        assert [name for name in names if "downsample" in name] == [
            f"layers.{s}.downsample" for s in range(3)
        ]

    def test_the_last_is_the_logits(self, layers):
        network, clip, found = layers
        spec = small.SPEC.with_clip(frames=4, size=32)
        assert found[-1].values == pytest.approx(
            small.reference_logits(network, clip, spec).numpy(), abs=1e-5
        )

    def test_values_are_frames_rows_columns_channels(self, layers):
        network, clip, found = layers
        mean, std = (torch.tensor(v) for v in (small.SPEC.normalization.mean, small.SPEC.normalization.std))
        frames = ((torch.from_numpy(clip).float() - mean) / std).permute(0, 3, 1, 2)
        with torch.no_grad():
            x = network.patch_embed(frames)
            block = network.layers[0].blocks[0]
            temporal = block.modulation._temporal_modulator(block.norm1(x), 4).permute(0, 2, 3, 1)
        by_name = {layer.name: layer.values for layer in found}
        assert by_name["patch_embed"] == pytest.approx(x.flatten().numpy(), abs=1e-6)
        assert by_name["layers.0.blocks.0.modulation.h_temporal"] == pytest.approx(
            temporal.flatten().numpy(), abs=1e-6
        )

    def test_no_hook_is_left_behind(self, layers):
        assert all(not module._forward_hooks for module in layers[0].modules())
