"""Mixup, CutMix and soft targets."""

from __future__ import annotations

import numpy as np
import pytest

from dvfl_training.config import AugmentationConfig
from dvfl_training.data.augmentation import Box
from dvfl_training.data.mixing import Mix, draw_mix, mix_clips, mix_targets, soft_target


def pair(size: int = 16) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    first, second = rng.integers(0, 256, (2, 3, size, size, 3), np.uint8)
    return first, second


def test_mixup_weighs_the_two_clips() -> None:
    first, second = pair()
    mixed, other = mix_clips(first, second, Mix(0.3))
    assert np.abs(mixed - (0.3 * first + 0.7 * second)).max() <= 0.5 + 1e-3
    assert np.abs(other - (0.3 * second + 0.7 * first)).max() <= 0.5 + 1e-3


def test_cutmix_swaps_one_box_in_all_frames() -> None:
    first, second = pair()
    mixed, other = mix_clips(first, second, Mix(0.9, Box(2, 5, 7, 3)))
    inside = np.zeros((16, 16), bool)
    inside[5:8, 2:9] = True
    assert np.array_equal(mixed[:, inside], second[:, inside])
    assert np.array_equal(mixed[:, ~inside], first[:, ~inside])
    assert np.array_equal(other[:, inside], first[:, inside])
    assert np.array_equal(other[:, ~inside], second[:, ~inside])


def test_the_share_of_cutmix_is_that_of_the_pixels_left() -> None:
    rng = np.random.default_rng(0)
    config = AugmentationConfig(cutmix_share=1.0)
    white, black = np.full((1, 64, 64, 3), 255, np.uint8), np.zeros((1, 64, 64, 3), np.uint8)
    for _ in range(200):
        mix = draw_mix(rng, config, 64)
        assert (mix_clips(white, black, mix)[0] == 255).mean() == pytest.approx(mix.share)


def test_mixes_are_drawn_as_often_as_asked() -> None:
    rng = np.random.default_rng(0)
    config = AugmentationConfig(mix=0.8, cutmix_share=0.25)
    mixes = [draw_mix(rng, config, 224) for _ in range(4000)]
    assert np.mean([mix == Mix(1.0) for mix in mixes]) == pytest.approx(0.2, abs=0.03)
    assert np.mean([mix.box is not None for mix in mixes]) == pytest.approx(0.2, abs=0.03)
    shares = np.array([mix.share for mix in mixes if mix.box is None and mix.share < 1])
    # Beta(0.8, 0.8) has the variance 1 / (4 * 2.6).
    assert shares.var() == pytest.approx(1 / 10.4, abs=0.01)


def test_a_soft_target_is_smoothed_and_sums_to_one() -> None:
    target = soft_target(2, 5, 0.1)
    assert target.dtype == np.float32
    assert target == pytest.approx([0.02, 0.02, 0.92, 0.02, 0.02])


def test_targets_are_mixed_as_the_clips_are() -> None:
    mixed, other = mix_targets(soft_target(0, 4, 0.0), soft_target(3, 4, 0.0), Mix(0.3))
    assert mixed == pytest.approx([0.3, 0, 0, 0.7])
    assert other == pytest.approx([0.7, 0, 0, 0.3])
    assert mixed.dtype == np.float32
