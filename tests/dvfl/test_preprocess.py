"""Frames of every layout and orientation give what a slow, whole-frame reference gives."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest
from faults import reference

from dvfl import preprocess
from dvfl.color import yuv_to_rgb
from dvfl.errors import DvflError, FrameError
from dvfl.frame import Clip, ColorMatrix, ColorRange, Frame, Pixels, Plane, Rect, RgbFrame
from dvfl.preprocess import preprocess_clip, preprocess_frame
from dvfl.spec import PreprocessingSpec

SPEC = PreprocessingSpec.default().with_clip(size=40)


def random_frame(width: int, height: int, seed: int = 0, pad: int = 0, **fields: Any) -> Frame:
    """Planar noise; each row is followed by ``pad`` bytes of other noise."""
    rng = np.random.default_rng(seed)
    chroma = ((width + 1) // 2, (height + 1) // 2)
    y, u, v = (
        Plane(rng.integers(0, 256, (w + pad) * h, dtype=np.uint8), w + pad)
        for w, h in ((width, height), chroma, chroma)
    )
    return Frame(0.0, y, u, v, width, height, **fields)


def semi_planar(frame: Frame, row_stride: int) -> Frame:
    """The same picture with U and V interleaved in one buffer."""
    width, height = frame.chroma_size
    pair = np.zeros((height, row_stride), np.uint8)
    pair[:, 0 : 2 * width : 2] = frame.u.samples(width, height)
    pair[:, 1 : 2 * width : 2] = frame.v.samples(width, height)
    flat = pair.reshape(-1)
    return replace(frame, u=Plane(flat, row_stride, 2), v=Plane(flat[1:], row_stride, 2))


@pytest.mark.parametrize(
    ("rotation", "mirrored", "crop"),
    list(product((0, 90, 180, 270), (False, True), (None, Rect(5, 3, 70, 51), Rect(8, 2, 33, 60)))),
)
def test_every_orientation_and_crop_equals_the_whole_frame_reference(
    rotation: int, mirrored: bool, crop: Rect | None
) -> None:
    frame = random_frame(91, 67, pad=5, rotation=rotation, mirrored=mirrored, crop=crop)
    np.testing.assert_array_equal(preprocess_frame(frame, SPEC), reference(frame, SPEC))


@pytest.mark.parametrize(
    ("rotation", "mirrored", "crop"),
    list(product((0, 90, 180, 270), (False, True), (None, Rect(5, 3, 70, 51), Rect(8, 2, 33, 60)))),
)
def test_every_orientation_and_crop_of_a_bitmap_equals_the_whole_frame_reference(
    rotation: int, mirrored: bool, crop: Rect | None
) -> None:
    pixels = np.random.default_rng(2).integers(0, 256, (67, 91, 3), dtype=np.uint8)
    frame = RgbFrame(pixels, 0.0, crop, rotation, mirrored)
    np.testing.assert_array_equal(preprocess_frame(frame, SPEC), reference(frame, SPEC))


@pytest.mark.parametrize("seed", range(60))
def test_a_random_frame_equals_the_whole_frame_reference(seed: int) -> None:
    rng = np.random.default_rng(seed)
    width, height = (int(n) for n in rng.integers(1, 200, 2))
    frame = random_frame(
        width,
        height,
        seed,
        pad=int(rng.integers(0, 20)),
        rotation=int(rng.choice((0, 90, 180, 270))),
        mirrored=bool(rng.integers(2)),
        matrix=rng.choice(list(ColorMatrix)),
        color_range=rng.choice(list(ColorRange)),
    )
    np.testing.assert_array_equal(preprocess_frame(frame, SPEC), reference(frame, SPEC))


def test_only_the_pixels_behind_the_crop_are_converted(monkeypatch: pytest.MonkeyPatch) -> None:
    converted: list[int] = []

    def counting(y: Pixels, *rest: Any) -> tuple[Pixels, Pixels, Pixels]:
        converted.append(y.size)
        return yuv_to_rgb(y, *rest)

    monkeypatch.setattr(preprocess, "yuv_to_rgb", counting)
    preprocess.preprocess_frame(random_frame(800, 600), SPEC)
    assert converted == [4 * SPEC.crop.size**2]


def test_interleaved_chroma_gives_the_same_as_planar() -> None:
    frame = random_frame(91, 67)
    for stride in (92, 128):
        np.testing.assert_array_equal(
            preprocess_frame(semi_planar(frame, stride), SPEC), preprocess_frame(frame, SPEC)
        )


def test_a_last_row_without_padding_is_enough() -> None:
    frame = random_frame(64, 48, pad=16)
    short = replace(frame, y=Plane(frame.y.data[: 47 * 80 + 64], 80))
    np.testing.assert_array_equal(preprocess_frame(short, SPEC), preprocess_frame(frame, SPEC))


def test_padding_never_reaches_the_result() -> None:
    first, second = random_frame(64, 48, pad=16), random_frame(64, 48, pad=16)
    for plane, width in ((second.y, 64), (second.u, 32), (second.v, 32)):
        plane.data.reshape(-1, width + 16)[:, width:] ^= 0xFF
    np.testing.assert_array_equal(preprocess_frame(first, SPEC), preprocess_frame(second, SPEC))


def test_a_bitmap_may_be_a_view_of_another_one() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (60, 90, 4), dtype=np.uint8)
    view = RgbFrame(pixels[::-1, 3:80, :3], 0.0)
    np.testing.assert_array_equal(
        preprocess_frame(view, SPEC), reference(RgbFrame(np.ascontiguousarray(view.pixels), 0.0), SPEC)
    )


def test_a_clip_keeps_order_and_times_and_is_contiguous() -> None:
    frames = [replace(random_frame(64, 48, seed), time_s=seed / 10) for seed in range(8)]
    clip = preprocess_clip(frames, SPEC)
    assert clip.pixels.shape == (8, 40, 40, 3)
    assert clip.pixels.flags.c_contiguous
    assert clip.time_s == tuple(seed / 10 for seed in range(8))
    for frame, pixels in zip(frames, clip.pixels, strict=True):
        np.testing.assert_array_equal(pixels, preprocess_frame(frame, SPEC))


def test_a_clip_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="takes 8 frames, not 3"):
        preprocess_clip([random_frame(8, 8)] * 3, SPEC)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"rotation": 45}, "rotation must be"),
        ({"width": 0}, "must be positive"),
        ({"width": 200}, "y plane of 200x48 .* needs"),
        ({"crop": Rect(60, 0, 10, 10)}, "does not lie inside"),
        ({"crop": Rect(0, 0, 0, 10)}, "does not lie inside"),
        ({"time_s": float("nan")}, "finite"),
        ({"time_s": -0.001}, "0 s or more, not -0.001 s"),
        ({"matrix": "BT2020"}, "'BT2020'.*choices: BT601, BT709"),
        ({"color_range": "studio"}, "'studio'.*choices: limited, full"),
    ],
)
def test_a_frame_that_cannot_be_is_refused(change: dict[str, Any], words: str) -> None:
    with pytest.raises(FrameError, match=words):
        replace(random_frame(64, 48), **change)


def test_a_short_chroma_plane_is_refused_by_name() -> None:
    frame = random_frame(63, 47)
    with pytest.raises(FrameError, match="v plane of 32x24"):
        replace(frame, v=Plane(frame.v.data[:-1], frame.v.row_stride))


@pytest.mark.parametrize(
    "pixels", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 4), np.uint8), np.zeros((4, 4, 3)), None]
)
def test_a_bitmap_of_another_shape_or_type_is_refused(pixels: Any) -> None:
    with pytest.raises(FrameError, match=r"uint8 array \[height, width, 3\]"):
        RgbFrame(pixels, 0.0)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"rotation": -90}, "rotation must be"),
        ({"crop": Rect(0, 30, 10, 19)}, "does not lie inside the 64x48"),
        ({"crop": Rect(-1, 0, 10, 10)}, "does not lie inside"),
        ({"time_s": float("inf")}, "finite"),
        ({"time_s": -1.0}, "0 s or more"),
    ],
)
def test_a_bitmap_that_cannot_be_is_refused(change: dict[str, Any], words: str) -> None:
    with pytest.raises(FrameError, match=words):
        replace(RgbFrame(np.zeros((48, 64, 3), np.uint8), 0.0), **change)


def test_a_plane_of_another_type_or_without_a_stride_is_refused() -> None:
    with pytest.raises(FrameError, match="1-D uint8"):
        Plane(np.zeros((2, 2), np.uint8), 2)
    with pytest.raises(FrameError, match="strides must be positive"):
        Plane(np.zeros(4, np.uint8), 0)


def test_a_clip_of_another_shape_order_or_number_of_times_is_refused() -> None:
    pixels = np.zeros((8, 4, 4, 3), np.uint8)
    with pytest.raises(FrameError, match=r"\[T, H, W, 3\]"):
        Clip(pixels[0], (0.0,))
    with pytest.raises(FrameError, match="contiguous"):
        Clip(pixels[:, ::2], (0.0,) * 8)
    with pytest.raises(FrameError, match="8 frames but 7 times"):
        Clip(pixels, (0.0,) * 7)
    with pytest.raises(FrameError, match="0 s or more"):
        Clip(pixels, (-0.1,) * 8)


def test_a_frame_error_is_an_error_of_this_project_and_a_value_error() -> None:
    assert issubclass(FrameError, DvflError)
    assert issubclass(FrameError, ValueError)
