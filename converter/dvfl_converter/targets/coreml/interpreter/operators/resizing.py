"""Resizing the last two axes. The grids are those of coremltools' documentation of each operator."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from dvfl_converter.targets.coreml.interpreter.operators.arguments import Arguments, Row
from dvfl_converter.targets.coreml.interpreter.program import Array

# Where output i of n lies among the inputs 0..size - 1: (size, n, i) to positions.
_Grid = Callable[[int, int, Array], Array]


def _corners(size: int, count: int, i: Array) -> Array:
    return i * (size - 1) / max(count - 1, 1)


def _corners_or_middle(size: int, count: int, i: Array) -> Array:
    return _corners(size, count, i) if count > 1 else np.full(1, (size - 1) / 2)


def _default(size: int, count: int, i: Array) -> Array:
    return i * (size - size / count) / max(count - 1, 1)


def _offset(size: int, count: int, i: Array) -> Array:
    return (0.5 + i) * max(1, size - 1) / count


def _half_pixels(size: int, count: int, i: Array) -> Array:
    return (i + 0.5) * size / count - 0.5


_MODES: dict[str, _Grid] = {
    "DEFAULT": _default,
    "STRICT_ALIGN_CORNERS": _corners,
    "ALIGN_CORNERS": _corners_or_middle,
    "OFFSET_CORNERS": _offset,
    "UNALIGN_CORNERS": _half_pixels,
}


def _interpolation(size: int, count: int, grid: _Grid) -> Array:
    """``[count, size]``: each output's two weights."""
    position = np.clip(grid(size, count, np.arange(count)), 0, size - 1)
    lower = np.minimum(np.floor(position).astype(int), max(size - 2, 0))
    weights = np.zeros((count, size))
    weights[np.arange(count), lower] = 1 - (position - lower)
    weights[np.arange(count), np.minimum(lower + 1, size - 1)] += position - lower
    return weights.astype(np.float32)


def _bilinear(x: Array, height: int, width: int, grid: _Grid) -> Array:
    down, across = _interpolation(x.shape[-2], height, grid), _interpolation(x.shape[-1], width, grid)
    return np.asarray(np.matmul(np.matmul(down, x), across.T))


def _factors(given: Arguments) -> tuple[float, float]:
    if given.tensor("x").ndim < 3:
        given.contradict("x of rank below 3")
    return given.number("scale_factor_height", 1), given.number("scale_factor_width", 1)


def upsample_nearest_neighbor(given: Arguments) -> Array:
    """Each element a whole number of times along both axes."""
    factors = _factors(given)
    if any(factor != int(factor) or factor < 1 for factor in factors):
        given.refuse(
            f"factors {list(factors)}: which neighbour is nearest is documented for whole factors only"
        )
    return given.held("x").repeat(int(factors[0]), -2).repeat(int(factors[1]), -1)


def upsample_bilinear(given: Arguments) -> Array:
    """By factors, recomputed from the whole number of outputs."""
    x, factors = given.tensor("x"), _factors(given)
    corners = given.flag("align_corners", True)
    if given.flag("half_pixel_centers", not corners) == corners:
        given.refuse(f"align_corners and half_pixel_centers both {corners}: no grid is documented")
    sizes = [int(np.floor(size * factor)) for size, factor in zip(x.shape[-2:], factors, strict=True)]
    return _bilinear(x, sizes[0], sizes[1], _corners if corners else _half_pixels)


def resize_bilinear(given: Arguments) -> Array:
    """To a size."""
    grid = _MODES[given.choice("sampling_mode", _MODES, "DEFAULT")]
    height, width = given.integer("target_size_height", 1), given.integer("target_size_width", 1)
    return _bilinear(given.tensor("x"), height, width, grid)


_FACTORS = ("scale_factor_height", "scale_factor_width")

ROWS = (
    Row("upsample_nearest_neighbor", upsample_nearest_neighbor, ("x",), _FACTORS),
    Row("upsample_bilinear", upsample_bilinear, ("x",), (*_FACTORS, "align_corners", "half_pixel_centers")),
    Row(
        "resize_bilinear",
        resize_bilinear,
        ("x",),
        ("target_size_height", "target_size_width", "sampling_mode"),
    ),
)
