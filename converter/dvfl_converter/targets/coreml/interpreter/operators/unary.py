"""Arithmetic on one tensor, element by element, and casts."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from dvfl_converter.targets.coreml.interpreter.operators.arguments import Arguments, Row, declared
from dvfl_converter.targets.coreml.interpreter.program import Array


def _plain(function: Callable[..., Array]) -> Callable[[Arguments], Array]:
    def evaluate(given: Arguments) -> Array:
        return function(given.tensor("x"))

    return evaluate


def _shifted(given: Arguments, default: float) -> Array:
    """``x + epsilon``; the default epsilon is of x's type, so that in fp16 a tiny one is 0."""
    x = given.held("x")
    epsilon = given.number("epsilon", float(x.dtype.type(default)))
    return given.tensor("x") + np.float32(epsilon)


def log(given: Arguments) -> Array:
    """``log(x + epsilon)``, epsilon by default 1e-45."""
    return np.asarray(np.log(_shifted(given, 1e-45)))


def rsqrt(given: Arguments) -> Array:
    """``1 / sqrt(x + epsilon)``, epsilon by default 1e-12."""
    return np.asarray(1 / np.sqrt(_shifted(given, 1e-12)))


def inverse(given: Arguments) -> Array:
    """``1 / (x + epsilon)``, epsilon by default 1e-4."""
    return 1 / _shifted(given, 1e-4)


def clip(given: Arguments) -> Array:
    """``min(max(x, alpha), beta)``."""
    low, high = (np.float32(given.number(name)) for name in ("alpha", "beta"))
    return np.asarray(np.minimum(np.maximum(given.tensor("x"), low), high))


def threshold(given: Arguments) -> Array:
    """``max(x, alpha)``."""
    x = given.tensor("x")
    return np.asarray(np.maximum(x, x.dtype.type(given.number("alpha"))))


def cast(given: Arguments) -> Array:
    """The values in another type; floating point to integer cuts the fraction off."""
    x, target = given.tensor("x"), declared(given, str(given.held("dtype")))
    if target.held.kind == "b":
        return np.asarray(x != 0)
    if x.dtype.kind == "f" and not target.is_float:
        limits = np.iinfo(target.held)
        if not np.all((x > limits.min - 1.0) & (x < limits.max + 1.0)):
            given.refuse(f"values outside {target.title}, for which no result is documented")
        return np.trunc(x).astype(np.int64)
    return x.astype(np.float32) if target.is_float else x.astype(target.held)


_PLAIN: dict[str, Callable[..., Array]] = {
    "abs": np.abs,
    "sign": np.sign,
    "floor": np.floor,
    "ceil": np.ceil,
    # Halves go to the even neighbour, as "0.5 is rounded to 0" in the documentation.
    "round": np.rint,
    "square": np.square,
    "sqrt": np.sqrt,
    "exp": np.exp,
    "exp2": np.exp2,
    "sin": np.sin,
    "cos": np.cos,
    "tanh": np.tanh,
    "logical_not": np.logical_not,
    "identity": np.array,
}

ROWS = (
    *(Row(kind, _plain(function)) for kind, function in _PLAIN.items()),
    Row("log", log, ("x",), ("epsilon",)),
    Row("rsqrt", rsqrt, ("x",), ("epsilon",)),
    Row("inverse", inverse, ("x",), ("epsilon",)),
    Row("clip", clip, ("x", "alpha", "beta")),
    Row("threshold", threshold, ("x", "alpha")),
    Row("cast", cast, ("x", "dtype")),
)
