"""Reductions along axes; sums are float32."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from dvfl_converter.targets.coreml.interpreter.operators.arguments import Arguments, Row, declared
from dvfl_converter.targets.coreml.interpreter.program import Array

_Reduce = Callable[..., Any]


def _along(function: _Reduce) -> Callable[[Arguments], Array]:
    def evaluate(given: Arguments) -> Array:
        x = given.tensor("x")
        axes = given.axes("axes", x.ndim)
        return np.asarray(function(x, axis=axes, keepdims=given.flag("keep_dims", False)))

    return evaluate


def _where(function: _Reduce) -> Callable[[Arguments], Array]:
    def evaluate(given: Arguments) -> Array:
        x = given.tensor("x")
        if given.has("output_dtype"):
            declared(given, str(given.held("output_dtype")))
        axis = given.axis("axis", x.ndim, -1)
        return np.asarray(function(x, axis=axis, keepdims=given.flag("keep_dims", False)))

    return evaluate


def reduce_mean(given: Arguments) -> Array:
    """The mean, of floating point numbers."""
    x = given.tensor("x")
    if x.dtype.kind != "f":
        given.refuse("of integers, whose rounding is not documented")
    return np.asarray(x.mean(axis=given.axes("axes", x.ndim), keepdims=given.flag("keep_dims", False)))


def _log_sum_exp(x: Array, axis: tuple[int, ...], keepdims: bool) -> Array:
    """Taken from the largest element, so that nothing overflows."""
    largest = x.max(axis=axis, keepdims=True)
    shift = np.where(np.isfinite(largest), largest, 0).astype(x.dtype)
    total: Array = np.log(np.exp(x - shift).sum(axis=axis, keepdims=True)) + shift
    return total if keepdims else np.squeeze(total, axis=axis)


_OPTIONS = ("axes", "keep_dims")

_PLAIN: dict[str, _Reduce] = {
    "reduce_sum": np.sum,
    "reduce_max": np.max,
    "reduce_min": np.min,
    "reduce_prod": np.prod,
    "reduce_l1_norm": lambda x, **how: np.sum(np.abs(x), **how),
    "reduce_l2_norm": lambda x, **how: np.sqrt(np.sum(np.square(x), **how)),
    "reduce_sum_square": lambda x, **how: np.sum(np.square(x), **how),
    "reduce_log_sum": lambda x, **how: np.log(np.sum(x, **how)),
    "reduce_log_sum_exp": _log_sum_exp,
}

ROWS = (
    *(Row(kind, _along(function), ("x",), _OPTIONS) for kind, function in _PLAIN.items()),
    Row("reduce_mean", reduce_mean, ("x",), _OPTIONS),
    # Which of equal elements is found is not documented; here it is the first.
    Row("reduce_argmax", _where(np.argmax), ("x",), ("axis", "keep_dims", "output_dtype")),
    Row("reduce_argmin", _where(np.argmin), ("x",), ("axis", "keep_dims", "output_dtype")),
)
