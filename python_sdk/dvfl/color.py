"""YUV -> RGB in integer arithmetic, within 1 of exact real arithmetic for every input."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from dvfl.frame import Pixels, to_byte
from dvfl.spec import ColorSpec


def yuv_to_rgb(
    y: Pixels, u: Pixels, v: Pixels, matrix: str, color_range: str, rule: ColorSpec
) -> tuple[Pixels, Pixels, Pixels]:
    """Convert samples of equal shape; U and V are already at full resolution.

    Per pixel, in 32-bit integers with an arithmetic (flooring) right shift and clamped to 0..255::

        L = (Y - luma_offset) * y + rounding;  u = U - chroma_offset;  v = V - chroma_offset
        R = (L + r_v*v) >> shift;  G = (L + g_u*u + g_v*v) >> shift;  B = (L + b_u*u) >> shift

    The coefficients are those of ITU-R BT.601 and BT.709, scaled to full-range RGB and by 2**shift.

    Returns:
        R, G and B, uint8, each of the shape of ``y``.

    Raises:
        SpecError: the spec has no conversion for this matrix and range.
    """
    c = rule.conversion(matrix, color_range)
    luma = y * np.int32(c.y)
    luma += np.int32(rule.rounding - c.luma_offset * c.y)
    cb = u - np.int32(c.chroma_offset)
    cr = v - np.int32(c.chroma_offset)

    def channel(chroma: npt.NDArray[np.int32]) -> Pixels:
        chroma += luma
        chroma >>= rule.shift
        return to_byte(chroma)

    green = c.g_u * cb
    green += c.g_v * cr
    cr *= c.r_v
    cb *= c.b_u
    return channel(cr), channel(green), channel(cb)


def ten_to_eight_bits(samples: npt.NDArray[np.uint16], rule: ColorSpec) -> Pixels:
    """10-bit samples as 8-bit ones: ``min(255, (sample + rounding) >> shift)``. Same shape, uint8."""
    return to_byte((samples.astype(np.int32) + rule.ten_bit.rounding) >> rule.ten_bit.shift)


def words_to_eight_bits(low: Pixels, high: Pixels, drop: int, rule: ColorSpec) -> Pixels:
    """Samples ``(256 * high + low) >> drop`` of 10 bits, given as bytes, as 8-bit ones. Same shape, uint8."""
    words = high.astype(np.uint16)
    words <<= 8
    words |= low
    words >>= drop
    return ten_to_eight_bits(words, rule)
