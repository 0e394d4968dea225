"""The integer resize equals OpenCV's byte for byte."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from dvfl.frame import Pixels, RgbFrame
from dvfl.preprocess import preprocess_frame
from dvfl.resize import axis_taps, blend, centre_crop_offset, resized_size
from dvfl.spec import PreprocessingSpec

SPEC = PreprocessingSpec.default()
RULE = SPEC.resize


def resize_whole(image: Pixels, width: int, height: int) -> Pixels:
    x = axis_taps(image.shape[1], width, 0, width, "x", RULE)
    y = axis_taps(image.shape[0], height, 0, height, "y", RULE)
    needed = image[y.both][:, x.both]
    return np.stack([blend(needed[..., c], x, y, RULE) for c in range(image.shape[2])], axis=-1)


@pytest.mark.parametrize("seed", range(8))
def test_sixty_random_sizes_per_seed_equal_opencv(seed: int) -> None:
    rng = np.random.default_rng(seed)
    for _ in range(60):
        height, width, new_height, new_width = (int(n) for n in rng.integers(1, 400, 4))
        image = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
        expected = cv2.resize(image, (new_width, new_height), interpolation=cv2.INTER_LINEAR)
        np.testing.assert_array_equal(resize_whole(image, new_width, new_height), expected)


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (2, 2), (256, 256), (128, 128), (512, 512), (255, 257)])
def test_special_ratios_equal_opencv(size: tuple[int, int]) -> None:
    image = np.random.default_rng(1).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    expected = cv2.resize(image, (256, 256), interpolation=cv2.INTER_LINEAR)
    np.testing.assert_array_equal(resize_whole(image, 256, 256), expected)


@pytest.mark.parametrize("seed", range(4))
def test_short_side_and_crop_equal_opencv_on_random_frames(seed: int) -> None:
    rng = np.random.default_rng(100 + seed)
    for _ in range(25):
        height, width = (int(n) for n in rng.integers(20, 700, 2))
        spec = SPEC.with_clip(size=int(rng.integers(8, 225)))
        size = spec.crop.size
        image = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
        new_width, new_height = resized_size(width, height, spec.resize)
        left, top = (new_width - size) // 2, (new_height - size) // 2
        expected = cv2.resize(image, (new_width, new_height), interpolation=cv2.INTER_LINEAR)
        np.testing.assert_array_equal(
            preprocess_frame(RgbFrame(image, 0.0), spec), expected[top : top + size, left : left + size]
        )


def test_the_short_side_is_exact_and_the_long_side_rounds_half_up() -> None:
    assert resized_size(1920, 1080, RULE) == (455, 256)
    assert resized_size(1080, 1920, RULE) == (256, 455)
    assert resized_size(340, 256, RULE) == (340, 256)
    assert resized_size(320, 241, RULE) == (340, 256)
    for side in range(1, 5000):
        assert resized_size(side, side, RULE) == (256, 256)


def test_the_crop_offset_of_an_odd_rest_is_rounded_down() -> None:
    assert centre_crop_offset(455, 224) == 115
    assert centre_crop_offset(256, 224) == 16


def test_weights_of_each_position_add_up_to_one_within_a_unit() -> None:
    taps = axis_taps(1080, 256, 0, 256, "y", RULE)
    total = taps.first_weight + taps.second_weight
    assert np.abs(total - (1 << RULE.coefficient_bits)).max() <= 1


def test_edges_differ_between_the_axes_as_in_opencv() -> None:
    x = axis_taps(10, 40, 0, 40, "x", RULE)
    y = axis_taps(10, 40, 0, 40, "y", RULE)
    assert (x.first[0], x.first_weight[0], x.second_weight[0]) == (0, 2048, 0)
    assert (y.first[0], y.second[0]) == (0, 0)
    assert y.second_weight[0] > 0
