"""Arithmetic, comparison and logic of two tensors, with NumPy's broadcasting; ``select``."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from dvfl_converter.targets.coreml.interpreter.operators.arguments import Arguments, Row
from dvfl_converter.targets.coreml.interpreter.program import Array


def _plain(function: Callable[[Array, Array], Array]) -> Callable[[Arguments], Array]:
    def evaluate(given: Arguments) -> Array:
        return np.asarray(function(given.tensor("x"), given.tensor("y")))

    return evaluate


def _divided(function: Callable[[Array, Array], Array]) -> Callable[[Arguments], Array]:
    def evaluate(given: Arguments) -> Array:
        x, y = given.tensor("x"), given.tensor("y")
        if y.dtype.kind in "iu" and not np.all(y):
            given.refuse("an integer divided by zero, for which no result is documented")
        return np.asarray(function(x, y))

    return evaluate


def real_div(given: Arguments) -> Array:
    """``x / y``, of floating point numbers."""
    x, y = given.tensor("x"), given.tensor("y")
    if x.dtype.kind != "f" or y.dtype.kind != "f":
        given.refuse("of integers, whose rounding is not documented; floor_div is")
    return np.asarray(x / y)


def power(given: Arguments) -> Array:
    """``x ^ y``."""
    x, y = given.tensor("x"), given.tensor("y")
    if y.dtype.kind in "iu" and x.dtype.kind in "iu" and np.any(y < 0):
        given.refuse("an integer to a negative power, for which no result is documented")
    return np.asarray(np.power(x, y))


def select(given: Arguments) -> Array:
    """``a`` where ``cond`` is true, ``b`` elsewhere."""
    return np.where(given.tensor("cond"), given.tensor("a"), given.tensor("b"))


_TWO = ("x", "y")

ROWS = (
    *(
        Row(kind, _plain(function), _TWO)
        for kind, function in {
            "add": np.add,
            "sub": np.subtract,
            "mul": np.multiply,
            "maximum": np.maximum,
            "minimum": np.minimum,
            "equal": np.equal,
            "not_equal": np.not_equal,
            "less": np.less,
            "less_equal": np.less_equal,
            "greater": np.greater,
            "greater_equal": np.greater_equal,
            "logical_and": np.logical_and,
            "logical_or": np.logical_or,
            "logical_xor": np.logical_xor,
        }.items()
    ),
    Row("floor_div", _divided(np.floor_divide), _TWO),
    # The sign of the divisor, as Python's.
    Row("mod", _divided(np.mod), _TWO),
    Row("real_div", real_div, _TWO),
    Row("pow", power, _TWO),
    Row("select", select, ("cond", "a", "b")),
)
