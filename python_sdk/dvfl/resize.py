"""Bilinear resize of 8-bit pixels in integer arithmetic, equal to OpenCV's ``INTER_LINEAR`` byte for byte."""

from __future__ import annotations

import functools
from dataclasses import dataclass, fields
from typing import Literal

import numpy as np
import numpy.typing as npt

from dvfl.frame import Pixels, to_byte
from dvfl.spec import PreprocessingSpec, ResizeSpec

Indices = npt.NDArray[np.intp]
Weights = npt.NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Taps:
    """Two source positions and two integer weights per output position of one axis; all of length n."""

    first: Indices
    second: Indices
    first_weight: Weights
    second_weight: Weights

    @property
    def both(self) -> Indices:
        """All first positions, then all second positions: length 2n."""
        return np.concatenate((self.first, self.second))

    def part(self, chosen: slice) -> Taps:
        """The taps of some output positions."""
        return Taps(
            self.first[chosen], self.second[chosen], self.first_weight[chosen], self.second_weight[chosen]
        )


def resized_size(width: int, height: int, rule: ResizeSpec) -> tuple[int, int]:
    """(width, height) after the short side became ``short_side``: each side is ``int(side * scale + 0.5)``
    with ``scale = short_side / min(width, height)`` in double precision."""
    scale = rule.short_side / min(width, height)
    return int(width * scale + 0.5), int(height * scale + 0.5)


def centre_crop_offset(length: int, size: int) -> int:
    """Where a centred crop of ``size`` starts on an axis of ``length``: half of the rest, rounded down."""
    return (length - size) // 2


def axis_taps(
    source: int, target: int, start: int, count: int, axis: Literal["x", "y"], rule: ResizeSpec
) -> Taps:
    """Taps of output positions ``start .. start + count - 1`` when ``source`` pixels become ``target``.

    ``f = float32((d + 0.5) * s - 0.5)`` with ``s = 1 / (target / source)`` in double precision, position
    ``floor(f)``, weights ``rint(fraction * 2**bits)`` with the fraction in float32 (half to even). On x a
    position outside the image moves to its edge with the fraction 0; on y the two rows are clamped and keep
    their weights. This is OpenCV's ``resize`` for 8-bit images.
    """
    step = 1.0 / (target / source)
    positions = ((np.arange(start, start + count) + 0.5) * step - 0.5).astype(np.float32)
    first = np.floor(positions).astype(np.intp)
    fraction = positions - first.astype(np.float32)
    if axis == "x":
        outside = (first < 0) | (first >= source - 1)
        fraction = np.where(outside, np.float32(0), fraction)
    one = np.float32(1 << rule.coefficient_bits)
    return Taps(
        first=np.clip(first, 0, source - 1),
        second=np.clip(first + 1, 0, source - 1),
        first_weight=np.rint((np.float32(1) - fraction) * one).astype(np.int32),
        second_weight=np.rint(fraction * one).astype(np.int32),
    )


def crop_taps(width: int, height: int, spec: PreprocessingSpec) -> tuple[Taps, Taps]:
    """(x, y) taps of the centre crop of the resized frame, for an upright frame of width x height.

    The arrays are read-only: the frames of a video share them.
    """
    return _crop_taps(width, height, spec.crop.size, spec.resize)


@functools.lru_cache(maxsize=16)
def _crop_taps(width: int, height: int, size: int, rule: ResizeSpec) -> tuple[Taps, Taps]:
    new_width, new_height = resized_size(width, height, rule)
    x = axis_taps(width, new_width, centre_crop_offset(new_width, size), size, "x", rule)
    y = axis_taps(height, new_height, centre_crop_offset(new_height, size), size, "y", rule)
    for taps in (x, y):
        for field in fields(taps):
            getattr(taps, field.name).setflags(write=False)
    return x, y


def blend(pixels: Pixels, x: Taps, y: Taps, rule: ResizeSpec) -> Pixels:
    """Interpolate one channel.

    Args:
        pixels: uint8 [2 * rows, 2 * columns]: source samples at ``y.both`` and ``x.both``.

    Returns:
        uint8 [rows, columns]. ``H = p0*w0 + p1*w1`` per row, then ``((v0*(H0 >> 4) >> 16) +
        (v1*(H1 >> 4) >> 16) + 2) >> 2``, with the shifts of the spec.
    """
    columns = len(x.first)
    rows = len(y.first)
    across = pixels[:, :columns] * x.first_weight
    across += pixels[:, columns:] * x.second_weight
    across >>= rule.horizontal_shift
    above, below = across[:rows], across[rows:]
    above *= y.first_weight[:, np.newaxis]
    below *= y.second_weight[:, np.newaxis]
    above >>= rule.vertical_shift
    below >>= rule.vertical_shift
    above += below
    above += rule.final_rounding
    above >>= rule.final_shift
    return to_byte(above)
