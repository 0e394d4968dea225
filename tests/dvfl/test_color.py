"""The integer YUV -> RGB conversion against exact real arithmetic."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from dvfl.color import ten_to_eight_bits, yuv_to_rgb
from dvfl.errors import SpecError
from dvfl.spec import ColorConversion, PreprocessingSpec

RULE = PreprocessingSpec.default().color
# Luma coefficients of red and blue: ITU-R BT.601-7, 2.5.1, and ITU-R BT.709-6, 3.2.
KR_KB = {"BT601": (0.299, 0.114), "BT709": (0.2126, 0.0722)}
EACH = pytest.mark.parametrize("conversion", RULE.conversions, ids=lambda c: f"{c.matrix}-{c.range}")


def exact_coefficients(matrix: str, color_range: str) -> dict[str, float]:
    kr, kb = KR_KB[matrix]
    kg = 1 - kr - kb
    luma, chroma = (255 / 219, 255 / 224) if color_range == "limited" else (1.0, 1.0)
    return {
        "y": luma,
        "r_v": 2 * (1 - kr) * chroma,
        "g_u": -2 * kb * (1 - kb) / kg * chroma,
        "g_v": -2 * kr * (1 - kr) / kg * chroma,
        "b_u": 2 * (1 - kb) * chroma,
    }


def exact_rgb(
    y: npt.NDArray[np.uint8], u: npt.NDArray[np.uint8], v: npt.NDArray[np.uint8], c: ColorConversion
) -> npt.NDArray[np.float64]:
    k = exact_coefficients(c.matrix, c.range)
    luma = (y.astype(np.float64) - (16 if c.range == "limited" else 0)) * k["y"]
    cb, cr = u.astype(np.float64) - 128, v.astype(np.float64) - 128
    rgb = np.stack(
        (luma + k["r_v"] * cr, luma + k["g_u"] * cb + k["g_v"] * cr, luma + k["b_u"] * cb), axis=-1
    )
    return np.clip(rgb, 0, 255)


@EACH
def test_the_coefficients_are_those_of_the_standards_rounded(conversion: ColorConversion) -> None:
    for name, value in exact_coefficients(conversion.matrix, conversion.range).items():
        assert getattr(conversion, name) == round(value * 2**RULE.shift)


@EACH
def test_a_dense_grid_is_within_one_of_exact_arithmetic(conversion: ColorConversion) -> None:
    chroma = np.unique(np.r_[0:256:3, 14:18, 126:131, 238:242, 255]).astype(np.uint8)
    y, u, v = (a.ravel() for a in np.meshgrid(np.arange(256, dtype=np.uint8), chroma, chroma, indexing="ij"))
    rgb = np.stack(yuv_to_rgb(y, u, v, conversion.matrix, conversion.range, RULE), axis=-1)
    # Half a unit is the rounding itself; the rest is the error of the integer coefficients.
    assert np.abs(rgb - exact_rgb(y, u, v, conversion)).max() < 0.51


@pytest.mark.parametrize("matrix", KR_KB)
def test_grey_stays_grey_and_black_and_white_reach_the_ends(matrix: str) -> None:
    level = np.arange(256, dtype=np.uint8)
    neutral = np.full(256, 128, np.uint8)
    r, g, b = yuv_to_rgb(level, neutral, neutral, matrix, "full", RULE)
    assert (r == level).all()
    assert (g == level).all()
    assert (b == level).all()
    limited = yuv_to_rgb(level, neutral, neutral, matrix, "limited", RULE)[0]
    assert (limited[:17] == 0).all()
    assert (limited[235:] == 255).all()


def test_an_unknown_matrix_is_refused() -> None:
    one = np.zeros(1, np.uint8)
    with pytest.raises(SpecError, match="BT2020"):
        yuv_to_rgb(one, one, one, "BT2020", "limited", RULE)


def test_ten_bit_samples_round_to_the_nearest_eight_bit_ones() -> None:
    samples = np.arange(1024, dtype=np.uint16)
    eight = ten_to_eight_bits(samples, RULE)
    np.testing.assert_array_equal(eight, np.minimum(255, np.floor(samples / 4 + 0.5)).astype(np.uint8))
    assert [int(eight[n]) for n in (64, 512, 940, 1023)] == [16, 128, 235, 255]
