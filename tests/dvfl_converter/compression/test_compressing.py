"""Compressing a network: ranks from clips, the account of it, and the gate."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import small_models as small
import torch

from dvfl.errors import ConversionError, GateError
from dvfl.manifest import ClipParity
from dvfl.model.checkpoint import load_checkpoint
from dvfl.model.low_rank import factorised, temporal_layers
from dvfl_converter.clips import NamedClip
from dvfl_converter.compression.checkpoints import recorded, write_compressed
from dvfl_converter.compression.compress import check_gate, compress
from dvfl_converter.compression.costs import layer_cost
from dvfl_converter.parity.gates import compression_misses
from dvfl_converter.pipeline import count_macs

MACS = count_macs(small.randomised(), small.FRAMES, small.SIZE)


def clips(count: int, seed: int) -> list[np.ndarray]:
    dice = np.random.default_rng(seed)
    return [dice.integers(0, 256, (small.FRAMES, small.SIZE, small.SIZE, 3), np.uint8) for _ in range(count)]


def checkpoint_of(network, path):
    torch.save({"model": network.state_dict(), "config": {"classes": list(small.LABELS)}}, path)
    return load_checkpoint(path)


def nearly_low_rank(noise: float):
    """A network whose temporal kernels have a quarter of the full rank, but for some noise."""
    network = small.randomised(branch_gain=0.3)
    for layer in temporal_layers(network).values():
        directions = torch.linalg.qr(torch.randn(layer.in_channels, layer.in_channels // 4)).Q
        kept = torch.einsum("oit,ij->ojt", layer.weight, directions @ directions.T)
        layer.weight.copy_(kept + noise * layer.weight)
    return network


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return checkpoint_of(nearly_low_rank(0.003), tmp_path_factory.mktemp("nearly") / "student.pth")


@pytest.fixture(scope="module")
def compressed(checkpoint):
    tested = [NamedClip(f"clip {index}", pixels) for index, pixels in enumerate(clips(3, seed=9))]
    return compress(checkpoint, 0.05, clips(6, seed=1), tested, small.SPEC, MACS)


class TestRanks:
    def test_every_layer_gets_the_rank_that_was_planted_or_less(self, compressed):
        for layer in compressed[1].layers:
            assert 1 <= layer.rank <= layer.channels // 4
            assert layer.calibration_error <= 0.05
            assert layer.compressed_macs < layer.macs

    def test_the_weights_have_the_ranks_of_the_account(self, compressed):
        smaller, found = compressed
        layers = temporal_layers(smaller.network())
        assert {name: factorised(layer.weight).rank for name, layer in layers.items()} == found.ranks

    def test_all_other_weights_stay(self, checkpoint, compressed):
        changed = {
            key
            for key, value in checkpoint.weights.items()
            if not torch.equal(value, compressed[0].weights[key])
        }
        assert changed == {f"{name}.weight" for name in compressed[1].ranks}

    def test_the_account_of_the_logits_is_that_of_the_networks(self, checkpoint, compressed):
        smaller, found = compressed
        pixels = clips(3, seed=9)[1]
        expected, measured = (
            small.reference_logits(it.network(), pixels).double() for it in (checkpoint, smaller)
        )
        snr = 20 * torch.log10(expected.norm() / (expected - measured).norm())
        assert found.clips[1].snr_db == pytest.approx(float(snr), abs=0.1)

    def test_the_error_on_other_clips_is_measured_on_those(self, compressed):
        errors = [layer.error for layer in compressed[1].layers]
        assert all(error > 0 for error in errors)
        assert errors != [layer.calibration_error for layer in compressed[1].layers]

    def test_random_kernels_on_noise_save_nothing_and_say_so(self, tmp_path):
        random = checkpoint_of(small.randomised(), tmp_path / "random.pth")
        with pytest.raises(ConversionError, match=r"random.pth: nothing to save at an error of 1e-06"):
            compress(random, 1e-6, clips(6, seed=1), (), small.SPEC, MACS)


class TestCosts:
    def test_they_are_the_products_of_the_lowered_steps(self):
        """8 frames of 16 x 16 positions; the first of a block counts the linear layer that feeds it."""
        first = layer_cost("layers.0.blocks.0.modulation.focal_layers_temporal.0.0", 8, 3, 8, 64)
        second = layer_cost("layers.0.blocks.0.modulation.focal_layers_temporal.1.0", 8, 5, 8, 64)
        assert first.dense == 8 * 256 * (8 * 8 + 3 * 8 * 8)
        assert second.dense == 8 * 256 * 5 * 8 * 8
        assert first.at(2) == second.at(2) - 8 * 256 * 2 * 2 * 8

    def test_the_second_level_saves_below_five_sixths_of_the_channels(self):
        cost = layer_cost("layers.3.blocks.0.modulation.focal_layers_temporal.1.0", 60, 5, 8, 64)
        assert cost.saves(49)
        assert not cost.saves(50)

    def test_each_stage_has_a_quarter_of_the_positions(self):
        names = [f"layers.{stage}.blocks.0.modulation.focal_layers_temporal.1.0" for stage in range(4)]
        dense = [layer_cost(name, 8, 5, 8, 64).dense for name in names]
        assert [dense[0] // value for value in dense] == [1, 4, 16, 64]


class TestGate:
    def parity(self, snr_db: float, agrees: bool = True) -> ClipParity:
        return ClipParity(
            clip="a",
            max_abs_error=0.0,
            error_of_range=0.0,
            snr_db=snr_db,
            cosine=1.0,
            top1_agrees=agrees,
            top5_agrees=agrees,
        )

    def test_a_compressed_network_that_agrees_passes(self):
        assert compression_misses([self.parity(20.0)] * 100) == []

    def test_one_clip_too_far_off_is_named(self):
        found = compression_misses([self.parity(40.0), self.parity(19.9)])
        assert found == ["worst SNR 19.9 dB < 20 dB (a)"]

    def test_one_label_in_a_hundred_may_differ_but_not_two(self):
        right, wrong = self.parity(30.0), self.parity(30.0, agrees=False)
        assert compression_misses([right] * 99 + [wrong]) == []
        assert compression_misses([right] * 98 + [wrong] * 2) == ["top-1 agreement 98.0% < 99%"]

    def test_without_clips_nothing_passes(self):
        assert compression_misses([]) == ["no clip was compared"]

    def test_a_miss_is_one_line_that_says_what_to_do(self, checkpoint, compressed):
        worse = replace(compressed[1], clips=(self.parity(3.0, agrees=False),))
        with pytest.raises(
            GateError, match=r"student.pth: compressed to an error of 0.05 .*worst SNR 3.0 dB"
        ):
            check_gate(worse, checkpoint)


class TestCheckpoint:
    @pytest.fixture
    def stored(self, compressed, tmp_path):
        write_compressed(tmp_path / "small.pth", *compressed)
        return tmp_path / "small.pth"

    def test_it_keeps_the_ranks_the_weights_and_what_the_original_said(self, compressed, stored):
        smaller, found = compressed
        again = load_checkpoint(stored)
        assert all(torch.equal(again.weights[key], value) for key, value in smaller.weights.items())
        config = torch.load(stored, weights_only=True)["config"]
        assert config["classes"] == list(small.LABELS)
        assert config["temporal_ranks"] == found.ranks
        assert config["compression"]["error"] == 0.05
        assert config["compression"]["of_sha256"] == smaller.sha256

    def test_a_bundle_of_it_tells_its_ranks(self, compressed, stored):
        told = recorded(load_checkpoint(stored).network(), None)
        assert told["temporal_ranks"].split()[0] == f"{compressed[1].layers[0].rank}/8"

    def test_a_bundle_of_another_tells_nothing(self):
        assert recorded(small.randomised(), None) == {}
