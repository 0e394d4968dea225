"""Rendered clips: the pixels move as the label says, and nothing held out is trained on."""

from __future__ import annotations

import math
from dataclasses import replace

import cv2
import numpy as np
import pytest

from dvfl_training.generated.camera_motion.motions import LABELS, MotionRanges
from dvfl_training.generated.camera_motion.rendering import RenderOptions, render_clip, render_frames
from dvfl_training.generated.compression import h264_round_trip, jpeg_round_trip
from dvfl_training.generated.photographs import HELD_OUT, TRAINING, held_out_pictures, texture

CLEAN = RenderOptions(
    motion=replace(MotionRanges(), tremor=0.0, drift=0.0),
    objects=0,
    noise=0.0,
    exposure_drift=0.0,
    jpeg=0.0,
    h264=0.0,
)


@pytest.fixture(scope="module")
def pictures():
    dice = np.random.default_rng(1)
    return [texture(dice) for _ in range(3)]


def measured_motion(label: str, pictures, seed: int) -> tuple[float, float, float, float]:
    """Right, down, log scale and clockwise angle of the picture, measured by aligning the pixels."""
    times = np.linspace(0.4, 0.6, 2)
    frames = render_frames(
        LABELS.index(label), pictures, np.random.default_rng(seed), CLEAN, times, (128, 128)
    )
    first, last = (cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in frames)
    warp = np.eye(2, 3, dtype=np.float32)
    criteria = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 300, 1e-7)
    _, warp = cv2.findTransformECC(first, last, warp, cv2.MOTION_AFFINE, criteria)
    centre = np.array([63.5, 63.5, 1.0])
    right, down = warp @ centre - centre[:2]
    return right, down, math.log(math.hypot(warp[0, 0], warp[1, 0])), math.atan2(warp[1, 0], warp[0, 0])


@pytest.mark.parametrize(
    ("label", "axis", "sign"),
    [
        ("pan_left", 0, 1),
        ("pan_right", 0, -1),
        ("tilt_up", 1, 1),
        ("tilt_down", 1, -1),
        ("zoom_in", 2, 1),
        ("zoom_out", 2, -1),
        ("roll_clockwise", 3, -1),
        ("roll_counterclockwise", 3, 1),
    ],
)
def test_the_pixels_move_as_the_label_says(pictures, label: str, axis: int, sign: int) -> None:
    for seed in range(4):
        motion = measured_motion(label, pictures, seed)
        in_pixels = np.array([motion[0], motion[1], 64 * motion[2], 64 * motion[3]])
        assert sign * in_pixels[axis] > 0.5
        assert np.abs(np.delete(in_pixels, axis)).max() < 0.5 * abs(in_pixels[axis])


def test_the_same_seed_renders_the_same_clip(pictures) -> None:
    clips = [render_clip(1, pictures, np.random.default_rng(5), RenderOptions()) for _ in range(2)]
    assert clips[0].shape == (8, 64, 64, 3)
    assert clips[0].dtype == np.uint8
    np.testing.assert_array_equal(*clips)


def test_no_photograph_is_both_trained_on_and_held_out() -> None:
    assert not {path.name for path in TRAINING} & {path.name for path in HELD_OUT}
    assert all(path.is_file() for path in (*TRAINING, *HELD_OUT))
    assert len(held_out_pictures()) == len(HELD_OUT)


@pytest.mark.parametrize(
    "squeeze", [lambda clip: jpeg_round_trip(clip, 60), lambda clip: h264_round_trip(clip, 28)]
)
def test_compression_keeps_shape_order_and_channels(squeeze) -> None:
    clip = np.zeros((8, 65, 71, 3), np.uint8)
    for index in range(8):
        clip[index, ..., 0] = 30 * index
        clip[index, ..., 2] = 200
    squeezed = squeeze(clip)
    assert squeezed.shape == clip.shape
    assert np.abs(squeezed.astype(int) - clip).mean() < 6
