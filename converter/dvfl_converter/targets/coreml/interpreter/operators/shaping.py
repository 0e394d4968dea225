"""Constants, and tensors whose shape or order changes but whose values do not."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from dvfl_converter.targets.coreml.interpreter.operators.arguments import Arguments, Row
from dvfl_converter.targets.coreml.interpreter.program import Array

# From this iOS on a 0 in reshape's shape is matched from the right.
_ZEROS_FROM_THE_RIGHT = 17


def const(given: Arguments) -> Array:
    """A value of the program."""
    return given.held("val")


def reshape(given: Arguments) -> Array:
    """The values in another shape: 0 is the size of x's axis there, -1 what is left."""
    x, shape = given.held("x"), given.integers("shape")
    sizes = _with_zeros_replaced(given, x.shape, shape)
    if sizes.count(-1) > 1 or min(sizes, default=1) < -1:
        given.contradict(f"shape {list(shape)}")
    return x.reshape(sizes)


def _with_zeros_replaced(given: Arguments, old: tuple[int, ...], new: Sequence[int]) -> list[int]:
    if 0 not in new:
        return list(new)
    if given.opset < _ZEROS_FROM_THE_RIGHT:
        if len(old) != len(new):
            given.contradict(f"a 0 in shape {list(new)} needs rank {len(new)}, x has {len(old)}")
        return [n or size for size, n in zip(old, new, strict=True)]
    padded = [1] * max(0, len(new) - len(old)) + list(old)
    return [n or size for size, n in zip(padded[len(padded) - len(new) :], new, strict=True)]


def transpose(given: Arguments) -> Array:
    """Axis ``i`` of the result is axis ``perm[i]`` of x."""
    x = given.held("x")
    return np.ascontiguousarray(x.transpose(given.axes("perm", x.ndim)))


def expand_dims(given: Arguments) -> Array:
    """Axes of size 1 at ``axes`` of the result."""
    x = given.held("x")
    return np.expand_dims(x, given.integers("axes"))


def squeeze(given: Arguments) -> Array:
    """Without the axes of size 1 among ``axes``, by default all; others stay, as in PyTorch."""
    x = given.held("x")
    axes = given.axes("axes", x.ndim)
    return np.squeeze(x, tuple(axis for axis in axes if x.shape[axis] == 1))


def concat(given: Arguments) -> Array:
    """One after the other along ``axis``, or in turn, element by element."""
    values = tuple(np.atleast_1d(value) for value in given.values["values"])
    axis = given.axis("axis", values[0].ndim)
    if not given.flag("interleave", False):
        return np.concatenate(values, axis)
    stacked = np.stack(values, axis + 1)
    return stacked.reshape(*stacked.shape[:axis], -1, *stacked.shape[axis + 2 :])


def stack(given: Arguments) -> Array:
    """One after the other along a new axis."""
    values = given.values["values"]
    return np.stack(values, given.axis("axis", values[0].ndim + 1))


def split(given: Arguments) -> tuple[Array, ...]:
    """Into ``split_sizes``, or ``num_splits`` equal parts, along ``axis``."""
    x = given.held("x")
    axis = given.axis("axis", x.ndim)
    if given.has("split_sizes"):
        sizes = given.integers("split_sizes")
    else:
        count = given.integer("num_splits")
        sizes = (x.shape[axis] // max(count, 1),) * count
    if sum(sizes) != x.shape[axis] or (given.has("num_splits") and len(sizes) != given.integer("num_splits")):
        given.contradict(f"{x.shape[axis]} elements in parts of {list(sizes)}")
    return tuple(np.split(x, np.cumsum(sizes)[:-1].tolist(), axis))


def tile(given: Arguments) -> Array:
    """Repeated ``reps[i]`` times along axis i."""
    x, repetitions = given.held("x"), given.integers("reps")
    if len(repetitions) != x.ndim:
        given.contradict(f"reps {list(repetitions)} for rank {x.ndim}")
    return np.tile(x, repetitions)


def pad(given: Arguments) -> Array:
    """Elements before and after each of the last axes: a constant, mirrored, or the last one repeated."""
    x, ends = given.held("x"), given.integers("pad")
    mode = given.choice("mode", ("constant", "reflect", "replicate"), "constant")
    pairs = list(zip(ends[::2], ends[1::2], strict=True))
    if len(pairs) > x.ndim or min(ends, default=0) < 0:
        given.contradict(f"pad {list(ends)} for rank {x.ndim}")
    widths = [(0, 0)] * (x.ndim - len(pairs)) + pairs
    if mode == "constant":
        return np.pad(x, widths, constant_values=x.dtype.type(given.number("constant_val", 0.0)))
    if mode == "reflect" and any(max(w) >= size for w, size in zip(widths, x.shape, strict=True) if any(w)):
        given.contradict(f"reflects {list(ends)} elements of a tensor of {list(x.shape)}")
    return np.pad(x, widths, mode="reflect" if mode == "reflect" else "edge")


def fill(given: Arguments) -> Array:
    """``value`` everywhere, 0 by default."""
    value = given.tensor("value").reshape(()) if given.has("value") else np.zeros((), np.float32)
    return np.full(given.integers("shape"), value)


def shape_of(given: Arguments) -> Array:
    """The shape of x, as a vector."""
    return np.array(given.held("x").shape, np.int32)


def pixel_shuffle(given: Arguments) -> Array:
    """``[N, C f f, H, W]`` to ``[N, C, H f, W f]``, as PyTorch."""
    x, factor = given.held("x"), given.integer("upscale_factor")
    count, channels, height, width = x.shape
    blocks = x.reshape(count, channels // factor**2, factor, factor, height, width)
    return blocks.transpose(0, 1, 4, 2, 5, 3).reshape(count, -1, height * factor, width * factor)


def flatten2d(given: Arguments) -> Array:
    """A matrix: the axes before ``axis``, by default 1, and those from it on."""
    x = given.held("x")
    axis = given.integer("axis", 1)
    return x.reshape(math.prod(x.shape[: axis if axis >= 0 else axis + x.ndim]), -1)


def reverse(given: Arguments) -> Array:
    """Backwards along ``axes``, by default all."""
    x = given.held("x")
    return np.flip(x, given.axes("axes", x.ndim))


ROWS = (
    Row("const", const, ("val",)),
    Row("reshape", reshape, ("x", "shape")),
    Row("transpose", transpose, ("x", "perm")),
    Row("expand_dims", expand_dims, ("x", "axes")),
    Row("squeeze", squeeze, ("x",), ("axes",)),
    Row("concat", concat, ("values", "axis"), ("interleave",)),
    Row("stack", stack, ("values", "axis")),
    Row("split", split, ("x", "axis"), ("num_splits", "split_sizes")),
    Row("tile", tile, ("x", "reps")),
    Row("pad", pad, ("x", "pad"), ("mode", "constant_val")),
    Row("fill", fill, ("shape",), ("value",)),
    Row("shape", shape_of),
    Row("pixel_shuffle", pixel_shuffle, ("x", "upscale_factor")),
    Row("flatten2d", flatten2d, ("x",), ("axis",)),
    Row("reverse", reverse, ("x",), ("axes",)),
)
