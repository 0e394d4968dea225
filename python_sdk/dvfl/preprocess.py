"""Frames -> the model's uint8 input, converting only the source pixels that the crop needs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dvfl.color import words_to_eight_bits, yuv_to_rgb
from dvfl.frame import Clip, DeepFrame, Frame, Pixels, Plane, RgbFrame
from dvfl.resize import Indices, Taps, blend, crop_taps
from dvfl.spec import ColorSpec, PreprocessingSpec

AnyFrame = Frame | RgbFrame | DeepFrame
# Output rows that are made at once. With whole frames, the 32-bit intermediates leave the processor's cache
# and return to the operating system after each use, and getting them again takes longer than the arithmetic.
_ROWS_AT_ONCE = 64


def preprocess_frame(frame: AnyFrame, spec: PreprocessingSpec) -> Pixels:
    """One frame through crop rectangle, rotation, mirroring, short-side resize and centre crop.

    Returns:
        uint8 [size, size, 3], RGB, ``size`` being the spec's crop size.

    Raises:
        SpecError: the spec has no conversion for the frame's matrix and range.
    """
    return sample_frame(frame, *crop_taps(*frame.upright_size, spec), spec)


def sample_frame(frame: AnyFrame, x: Taps, y: Taps, spec: PreprocessingSpec) -> Pixels:
    """The upright frame resized at the output positions of ``x`` and ``y``; no other pixel is converted.

    Training and multi-view evaluation take other parts of the resized frame than its centre.

    Returns:
        uint8 [len(y), len(x), 3], RGB.

    Raises:
        SpecError: the spec has no conversion for the frame's matrix and range.
    """
    columns = x.both
    pixels = np.empty((len(y.first), len(x.first), 3), np.uint8)
    for start in range(0, len(pixels), _ROWS_AT_ONCE):
        chosen = slice(start, start + _ROWS_AT_ONCE)
        part = y.part(chosen)
        for index, channel in enumerate(_upright_channels(frame, columns, part.both, spec)):
            pixels[chosen, :, index] = blend(channel, x, part, spec.resize)
    return pixels


def upright_pixels(frame: Frame | RgbFrame, spec: PreprocessingSpec) -> Pixels:
    """The whole upright frame at its own size: uint8 [height, width, 3], RGB.

    Raises:
        SpecError: the spec has no conversion for the frame's matrix and range.
    """
    width, height = frame.upright_size
    return np.stack(_upright_channels(frame, np.arange(width), np.arange(height), spec), axis=-1)


def preprocess_clip(frames: Sequence[Frame | RgbFrame], spec: PreprocessingSpec) -> Clip:
    """Already sampled frames, in order, as a clip of uint8 [T, size, size, 3].

    Raises:
        ValueError: the number of frames is not the spec's.
        SpecError: the spec has no conversion for a frame's matrix and range.
    """
    if len(frames) != spec.temporal.frames:
        raise ValueError(f"the model takes {spec.temporal.frames} frames, not {len(frames)}")
    size = spec.crop.size
    pixels = np.empty((len(frames), size, size, 3), np.uint8)
    for index, frame in enumerate(frames):
        # A short clip repeats frames; each is converted once.
        repeats = index > 0 and frame is frames[index - 1]
        pixels[index] = pixels[index - 1] if repeats else preprocess_frame(frame, spec)
    return Clip(pixels, tuple(frame.time_s for frame in frames))


def _upright_channels(
    frame: AnyFrame, columns: Indices, rows: Indices, spec: PreprocessingSpec
) -> tuple[Pixels, Pixels, Pixels]:
    """R, G and B, uint8 [rows, columns], at positions of the upright frame or bitmap."""
    if isinstance(frame, RgbFrame):
        return _upright_bitmap(frame, columns, rows)
    return _upright_rgb(frame, columns, rows, spec)


def _upright_bitmap(frame: RgbFrame, columns: Indices, rows: Indices) -> tuple[Pixels, Pixels, Pixels]:
    """R, G and B, uint8 [rows, columns], at positions of the upright bitmap."""
    stored_columns, stored_rows, transposed = _stored_positions(frame, columns, rows)
    needed = frame.pixels[stored_rows][:, stored_columns]
    upright = needed.transpose(1, 0, 2) if transposed else needed
    return upright[..., 0], upright[..., 1], upright[..., 2]


def _upright_rgb(
    frame: Frame | DeepFrame, columns: Indices, rows: Indices, spec: PreprocessingSpec
) -> tuple[Pixels, Pixels, Pixels]:
    """R, G and B, uint8 [rows, columns], at positions of the upright frame."""
    color = spec.color
    if isinstance(frame, DeepFrame):
        tags = frame.low
        low, high = (_upright_yuv(part, columns, rows, color) for part in (frame.low, frame.high))
        y, u, v = (words_to_eight_bits(*bytes_, frame.drop, color) for bytes_ in zip(low, high, strict=True))
    else:
        tags = frame
        y, u, v = _upright_yuv(frame, columns, rows, color)
    return yuv_to_rgb(
        y, u, v, tags.matrix or color.untagged_matrix, tags.color_range or color.untagged_range, color
    )


def _upright_yuv(
    frame: Frame, columns: Indices, rows: Indices, color: ColorSpec
) -> tuple[Pixels, Pixels, Pixels]:
    """Y, U and V, uint8 [rows, columns], at positions of the upright frame."""
    stored_columns, stored_rows, transposed = _stored_positions(frame, columns, rows)
    width, height = frame.chroma_size

    def gather(plane: Plane, size: tuple[int, int], at_rows: Indices, at_columns: Indices) -> Pixels:
        left, right = at_columns.min(), at_columns.max() + 1
        samples = plane.samples(*size)[:, left:right][at_rows].take(at_columns - left, axis=1)
        return np.ascontiguousarray(samples.T) if transposed else samples

    chroma_rows = stored_rows >> color.chroma_shift_y
    chroma_columns = stored_columns >> color.chroma_shift_x
    return (
        gather(frame.y, (frame.width, frame.height), stored_rows, stored_columns),
        gather(frame.u, (width, height), chroma_rows, chroma_columns),
        gather(frame.v, (width, height), chroma_rows, chroma_columns),
    )


def _stored_positions(
    frame: Frame | RgbFrame, columns: Indices, rows: Indices
) -> tuple[Indices, Indices, bool]:
    """(stored columns, stored rows, transposed) of upright positions.

    Undoes the mirroring, then the clockwise rotation, then the crop rectangle. ``transposed``: stored rows
    follow upright columns.
    """
    rect = frame.rect
    if frame.mirrored:
        columns = frame.upright_size[0] - 1 - columns
    if frame.rotation == 90:
        columns, rows = rows, rect.height - 1 - columns
    elif frame.rotation == 180:
        columns, rows = rect.width - 1 - columns, rect.height - 1 - rows
    elif frame.rotation == 270:
        columns, rows = rect.width - 1 - rows, columns
    return columns + rect.left, rows + rect.top, frame.rotation % 180 != 0
