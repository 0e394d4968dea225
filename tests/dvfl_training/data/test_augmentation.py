"""Random changes to clips: what they do, and that one draw serves all frames."""

from __future__ import annotations

import colorsys

import cv2
import numpy as np
import pytest
from small_sets import noisy_video

from dvfl.frame import Frame
from dvfl.preprocess import preprocess_frame, sample_frame, upright_pixels
from dvfl.resize import axis_taps
from dvfl.spec import PreprocessingSpec
from dvfl.video import read_frames
from dvfl_training.config import AugmentationConfig, ClipConfig
from dvfl_training.data.augmentation import (
    LUMA,
    Box,
    Change,
    Jitter,
    apply_change,
    cut_box,
    draw_box,
    draw_change,
    jitter_colors,
    to_greyscale,
)
from dvfl_training.data.clips import input_spec

SPEC = PreprocessingSpec.default().with_clip(frames=4, size=32)
CONFIG = AugmentationConfig()


@pytest.fixture(scope="module")
def frames(tmp_path_factory: pytest.TempPathFactory) -> list[Frame]:
    return read_frames(noisy_video(tmp_path_factory.mktemp("clip") / "v.mp4", seed=1), SPEC)


def random_clip(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (3, 16, 16, 3), np.uint8)


def test_boxes_have_the_asked_areas_and_ratios() -> None:
    rng = np.random.default_rng(0)
    boxes = [draw_box(rng, CONFIG, 340, 256) for _ in range(4000)]
    areas = np.array([box.width * box.height / (340 * 256) for box in boxes])
    ratios = np.array([box.width / box.height for box in boxes])
    assert areas.min() < 0.1
    assert areas.max() > 0.95
    assert ((ratios > 0.73) & (ratios < 1.36)).all()
    assert abs(np.log(ratios[areas < 0.4]).mean()) < 0.02
    assert all(box.left >= 0 and box.left + box.width <= 340 for box in boxes)
    assert all(box.top >= 0 and box.top + box.height <= 256 for box in boxes)


def test_a_picture_that_no_box_fits_gets_its_middle_square() -> None:
    config = AugmentationConfig(area=(1.0, 1.0), ratio=(1.0, 1.0))
    assert draw_box(np.random.default_rng(0), config, 340, 256) == Box(42, 0, 256, 256)


def test_the_centre_box_is_the_phones_preprocessing(frames: list[Frame]) -> None:
    # 48 x 36 pixels after the short-side resize of 64 x 48.
    spec = SPEC.model_copy(update={"resize": SPEC.resize.model_copy(update={"short_side": 36})})
    middle = Box((48 - 32) // 2, (36 - 32) // 2, 32, 32)
    for frame in frames:
        assert np.array_equal(cut_box(frame, middle, spec), preprocess_frame(frame, spec))


@pytest.mark.parametrize("box", [Box(5, 3, 17, 22), Box(4, 30, 45, 7), Box(0, 0, 49, 37)])
def test_small_and_large_boxes_are_cut_from_the_contracts_resize(frames: list[Frame], box: Box) -> None:
    whole = cv2.resize(upright_pixels(frames[0], SPEC), (49, 37), interpolation=cv2.INTER_LINEAR)
    cut = whole[box.top : box.top + box.height, box.left : box.left + box.width]
    assert np.array_equal(cut_box(frames[0], box, SPEC), cut)
    x = axis_taps(64, 49, box.left, box.width, "x", SPEC.resize)
    y = axis_taps(48, 37, box.top, box.height, "y", SPEC.resize)
    assert np.array_equal(sample_frame(frames[0], x, y, SPEC), cut)


def test_all_frames_get_the_same_change(frames: list[Frame]) -> None:
    change = Change(Box(4, 2, 20, 25), mirrored=True, jitter=Jitter(1.2, 0.9, 1.1, 0.05), greyscale=False)
    clip = apply_change(frames[:1] + frames[:1], change, SPEC)
    assert np.array_equal(clip[0], clip[1])
    plain = apply_change(frames, Change(change.box, False, None, False), SPEC)
    mirrored = apply_change(frames, Change(change.box, True, None, False), SPEC)
    assert np.array_equal(plain[:, :, ::-1], mirrored)


def test_brightness_contrast_and_saturation_follow_their_formulas() -> None:
    clip = random_clip() // 2 + 50
    x = clip.astype(float) * 1.1
    x = 0.8 * x + 0.2 * (x @ LUMA).mean()
    x = 1.15 * x - 0.15 * (x @ LUMA)[..., None]
    changed = jitter_colors(clip, Jitter(1.1, 0.8, 1.15, 0.0))
    # OpenCV's fixed-point arithmetic is within 1 of the exact result.
    assert np.abs(changed - np.clip(x, 0, 255)).max() < 0.8


def test_hue_turns_colours_and_leaves_greys() -> None:
    red = np.full((1, 4, 4, 3), (200, 40, 40), np.uint8)
    turned = jitter_colors(red, Jitter(1, 1, 1, 1 / 3))[0, 0, 0] / 255
    assert colorsys.rgb_to_hsv(*turned)[0] == pytest.approx(1 / 3, abs=0.01)
    grey = np.full((1, 4, 4, 3), 77, np.uint8)
    assert np.array_equal(jitter_colors(grey, Jitter(1, 1, 1, -0.1)), grey)


def test_no_jitter_changes_nothing() -> None:
    clip = random_clip()
    assert np.array_equal(jitter_colors(clip, Jitter(1, 1, 1, 0)), clip)


def test_greyscale_is_luma_in_all_channels() -> None:
    clip = random_clip()
    grey = to_greyscale(clip)
    assert np.abs(grey - (clip @ LUMA)[..., None]).max() < 0.8


def test_changes_happen_as_often_as_asked() -> None:
    rng = np.random.default_rng(0)
    changes = [draw_change(rng, CONFIG, 340, 256, may_mirror=True) for _ in range(4000)]
    assert np.mean([change.mirrored for change in changes]) == pytest.approx(0.5, abs=0.03)
    assert np.mean([change.jitter is not None for change in changes]) == pytest.approx(0.8, abs=0.03)
    assert np.mean([change.greyscale for change in changes]) == pytest.approx(0.2, abs=0.03)
    factors = np.array([change.jitter.contrast for change in changes if change.jitter])
    assert (factors.min(), factors.max()) == pytest.approx((0.6, 1.4), abs=0.01)


def test_a_data_set_that_must_not_be_mirrored_is_drawn_from_alike() -> None:
    one, other = (np.random.default_rng(3) for _ in range(2))
    for _ in range(50):
        free = draw_change(one, CONFIG, 340, 256, may_mirror=True)
        fixed = draw_change(other, CONFIG, 340, 256, may_mirror=False)
        assert not fixed.mirrored
        assert (free.box, free.jitter, free.greyscale) == (fixed.box, fixed.jitter, fixed.greyscale)


def test_the_spec_of_a_recipe_has_its_own_short_side() -> None:
    spec = input_spec(ClipConfig(frames=4, size=32, short_side=48))
    assert (spec.temporal.frames, spec.crop.size, spec.resize.short_side) == (4, 32, 48)
