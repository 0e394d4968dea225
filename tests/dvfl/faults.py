"""A slow, whole-frame reference of the preprocessing, and the faults that the golden vectors must catch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np

from dvfl.color import yuv_to_rgb
from dvfl.frame import ColorMatrix, ColorRange, Frame, Pixels, Plane, RgbFrame
from dvfl.preprocess import preprocess_frame
from dvfl.spec import PreprocessingSpec

AnyFrame = Frame | RgbFrame


def upright_rgb(frame: AnyFrame, spec: PreprocessingSpec) -> Pixels:
    """The whole upright frame, uint8 [H, W, 3]: every pixel converted, then cut, turned and flipped."""
    rgb = frame.pixels if isinstance(frame, RgbFrame) else _converted(frame, spec)
    left, top, width, height = frame.rect
    turned = np.rot90(rgb[top : top + height, left : left + width], -frame.rotation // 90)
    return np.ascontiguousarray(turned[:, ::-1] if frame.mirrored else turned)


def _converted(frame: Frame, spec: PreprocessingSpec) -> Pixels:
    chroma_width, chroma_height = frame.chroma_size
    y = frame.y.samples(frame.width, frame.height)
    u, v = (
        plane.samples(chroma_width, chroma_height).repeat(2, 0).repeat(2, 1)[: frame.height, : frame.width]
        for plane in (frame.u, frame.v)
    )
    matrix = frame.matrix or spec.color.untagged_matrix
    color_range = frame.color_range or spec.color.untagged_range
    return np.stack(yuv_to_rgb(y, u, v, matrix, color_range, spec.color), axis=-1)


def reference(
    frame: AnyFrame,
    spec: PreprocessingSpec,
    interpolation: int = cv2.INTER_LINEAR,
    round_up: float = 0.5,
) -> Pixels:
    """OpenCV's resize of the whole frame to the short side, then the centre crop."""
    rgb = upright_rgb(frame, spec)
    height, width = rgb.shape[:2]
    scale = spec.resize.short_side / min(width, height)
    new_width, new_height = int(width * scale + round_up), int(height * scale + round_up)
    resized = cv2.resize(rgb, (new_width, new_height), interpolation=interpolation).astype(np.uint8)
    size = spec.crop.size
    left, top = (new_width - size) // 2, (new_height - size) // 2
    return resized[top : top + size, left : left + size]


def _antialias(frame: AnyFrame, spec: PreprocessingSpec) -> Pixels:
    return reference(frame, spec, interpolation=cv2.INTER_AREA)


def _bgr(frame: AnyFrame, spec: PreprocessingSpec) -> Pixels:
    return preprocess_frame(frame, spec)[..., ::-1]


def _squash(frame: AnyFrame, spec: PreprocessingSpec) -> Pixels:
    return cv2.resize(upright_rgb(frame, spec), (spec.crop.size, spec.crop.size)).astype(np.uint8)


def _wrong_range(frame: AnyFrame, spec: PreprocessingSpec) -> Pixels:
    assert isinstance(frame, Frame)
    other = ColorRange.FULL if frame.color_range == ColorRange.LIMITED else ColorRange.LIMITED
    return preprocess_frame(replace(frame, color_range=other), spec)


def _wrong_matrix(frame: AnyFrame, spec: PreprocessingSpec) -> Pixels:
    assert isinstance(frame, Frame)
    other = ColorMatrix.BT709 if frame.matrix == ColorMatrix.BT601 else ColorMatrix.BT601
    return preprocess_frame(replace(frame, matrix=other), spec)


def _ignored_stride(frame: AnyFrame, spec: PreprocessingSpec) -> Pixels:
    assert isinstance(frame, Frame)
    tight = replace(
        frame,
        y=Plane(frame.y.data, frame.width),
        u=Plane(frame.u.data, frame.chroma_size[0]),
        v=Plane(frame.v.data, frame.chroma_size[0]),
    )
    return preprocess_frame(tight, spec)


def _truncated_short_side(frame: AnyFrame, spec: PreprocessingSpec) -> Pixels:
    # 1e-9 forgives 255.99999 for the short side itself: the fault is in the long side.
    return reference(frame, spec, round_up=1e-9)


FRAME_FAULTS: dict[str, Callable[[AnyFrame, PreprocessingSpec], Pixels]] = {
    "antialias": _antialias,
    "bgr": _bgr,
    "squash": _squash,
    "wrong_range": _wrong_range,
    "wrong_matrix": _wrong_matrix,
    "ignored_stride": _ignored_stride,
    "truncated_short_side": _truncated_short_side,
}


def _reversed_frames(clip: Pixels) -> Pixels:
    return np.ascontiguousarray(clip[::-1])


def _time_channel_scramble(clip: Pixels) -> Pixels:
    return np.ascontiguousarray(clip.transpose(3, 0, 1, 2)).reshape(clip.shape)


CLIP_FAULTS: dict[str, Callable[[Pixels], Pixels]] = {
    "reversed_frames": _reversed_frames,
    "time_channel_scramble": _time_channel_scramble,
}


def nearest_key_frames(indices: list[int], key_frames: list[int]) -> list[int]:
    """The fault ``key_frames``: what a seek to each index gives."""
    return [max(key for key in key_frames if key <= index) for index in indices]
