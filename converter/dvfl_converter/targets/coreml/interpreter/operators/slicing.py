"""Slices of a tensor."""

from __future__ import annotations

import numpy as np

from dvfl_converter.targets.coreml.interpreter.operators.arguments import Arguments, Row
from dvfl_converter.targets.coreml.interpreter.program import Array


def slice_by_index(given: Arguments) -> Array:
    """``x[begin:end:stride, ...]`` as NumPy.

    Masks leave an end open, or take one element and its axis away.
    """
    x = given.held("x")
    begin, end = given.integers("begin"), given.integers("end")
    stride = given.integers("stride", (1,) * x.ndim)
    masks = [given.flags(name, x.ndim) for name in ("begin_mask", "end_mask", "squeeze_mask")]
    if any(len(values) != x.ndim for values in (begin, end, stride, *masks)) or 0 in stride:
        given.contradict(f"begin {list(begin)}, end {list(end)}, stride {list(stride)} for rank {x.ndim}")
    index: list[int | slice] = []
    for axis in range(x.ndim):
        open_begin, open_end, single = (mask[axis] for mask in masks)
        if single:
            index.append(0 if open_begin else begin[axis])
        else:
            index.append(
                slice(None if open_begin else begin[axis], None if open_end else end[axis], stride[axis])
            )
    return np.array(x[tuple(index)])


def slice_by_size(given: Arguments) -> Array:
    """``size`` elements from ``begin`` on, -1 for all that are left."""
    x = given.held("x")
    begin, size = given.integers("begin"), given.integers("size")
    if len(begin) != x.ndim or len(size) != x.ndim:
        given.contradict(f"begin {list(begin)}, size {list(size)} for rank {x.ndim}")
    starts = [first % length if first < 0 else first for first, length in zip(begin, x.shape, strict=True)]
    ends = [
        length if count == -1 else first + count
        for first, count, length in zip(starts, size, x.shape, strict=True)
    ]
    if any(not first <= last <= length for first, last, length in zip(starts, ends, x.shape, strict=True)):
        given.contradict(f"begin {list(begin)}, size {list(size)} leave a tensor of {list(x.shape)}")
    return np.array(x[tuple(slice(first, last) for first, last in zip(starts, ends, strict=True))])


ROWS = (
    Row(
        "slice_by_index",
        slice_by_index,
        ("x", "begin", "end"),
        ("stride", "begin_mask", "end_mask", "squeeze_mask"),
    ),
    Row("slice_by_size", slice_by_size, ("x", "begin", "size")),
)
