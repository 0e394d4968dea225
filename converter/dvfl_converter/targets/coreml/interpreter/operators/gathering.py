"""Elements picked by index."""

from __future__ import annotations

import numpy as np

from dvfl_converter.targets.coreml.interpreter.operators.arguments import Arguments, Row
from dvfl_converter.targets.coreml.interpreter.program import Array

# From this iOS on a negative index is out of bounds, and what that gives is undefined.
_NO_NEGATIVES = 17


def _indices(given: Arguments, size: int) -> Array:
    indices = given.held("indices").astype(np.int64)
    lowest = 0 if given.opset >= _NO_NEGATIVES else -size
    if np.any((indices < lowest) | (indices >= size)):
        given.refuse(f"indices outside {lowest}..{size - 1}, for which iOS {given.opset} documents no result")
    return np.where(indices < 0, indices + size, indices)


def gather(given: Arguments) -> Array:
    """Slices of x along ``axis``: ``x.shape[:axis] + indices.shape[batch_dims:] + x.shape[axis + 1:]``."""
    x = given.held("x")
    axis, batch = given.axis("axis", x.ndim, 0), given.integer("batch_dims", 0)
    indices = _indices(given, x.shape[axis])
    if not 0 <= batch <= min(axis, indices.ndim):
        given.refuse(f"batch_dims {batch} with axis {axis} and indices of rank {indices.ndim}")
    if not batch:
        return np.take(x, indices, axis)
    lead = x.shape[:batch]
    picked = [np.take(x[at], indices[at], axis - batch) for at in np.ndindex(*lead)]
    return np.stack(picked).reshape(*lead, *picked[0].shape)


def gather_along_axis(given: Arguments) -> Array:
    """``x`` at ``indices`` along ``axis``, of the same shape as ``indices``."""
    x = given.held("x")
    axis = given.axis("axis", x.ndim, 0)
    return np.take_along_axis(x, _indices(given, x.shape[axis]), axis)


ROWS = (
    Row("gather", gather, ("x", "indices"), ("axis", "batch_dims", "validate_indices")),
    Row("gather_along_axis", gather_along_axis, ("x", "indices"), ("axis", "validate_indices")),
)
