"""Normalisations; means and variances are float32."""

from __future__ import annotations

import numpy as np

from dvfl_converter.targets.coreml.interpreter.operators.arguments import Arguments, Row
from dvfl_converter.targets.coreml.interpreter.program import Array

_EPSILON = 1e-5


def _scaled(given: Arguments, x: Array, shape: tuple[int, ...]) -> Array:
    """``gamma x + beta``, both of ``shape`` once the axes of size 1 are there; either may be left out."""
    gamma, beta = given.optional("gamma"), given.optional("beta")
    scaled = x if gamma is None else x * gamma.reshape(shape)
    return scaled if beta is None else scaled + beta.reshape(shape)


def _standardised(x: Array, axes: tuple[int, ...], epsilon: float) -> Array:
    centred = x - x.mean(axis=axes, keepdims=True)
    variance = np.square(centred).mean(axis=axes, keepdims=True)
    return np.asarray(centred / np.sqrt(variance + np.float32(epsilon)))


def layer_norm(given: Arguments) -> Array:
    """Mean 0 and variance 1 over ``axes``, by default all; gamma and beta are of those axes' shape."""
    x = given.tensor("x")
    axes = given.axes("axes", x.ndim)
    shape = tuple(size if axis in axes else 1 for axis, size in enumerate(x.shape))
    return _scaled(given, _standardised(x, axes, given.number("epsilon", _EPSILON)), shape)


def batch_norm(given: Arguments) -> Array:
    """``gamma (x - mean) / sqrt(variance + epsilon) + beta``, all per channel, the second axis."""
    x = given.tensor("x")
    shape = (1, -1, *[1] * (x.ndim - 2))
    mean, variance = given.tensor("mean").reshape(shape), given.tensor("variance").reshape(shape)
    epsilon = np.float32(given.number("epsilon", _EPSILON))
    return _scaled(given, (x - mean) / np.sqrt(variance + epsilon), shape)


def instance_norm(given: Arguments) -> Array:
    """Mean 0 and variance 1 over the spatial axes of every image and channel."""
    x = given.tensor("x")
    axes = tuple(range(2, x.ndim))
    standardised = _standardised(x, axes, given.number("epsilon", _EPSILON))
    return _scaled(given, standardised, (1, -1, *[1] * len(axes)))


def l2_norm(given: Arguments) -> Array:
    """``x / sqrt(sum(x^2) + epsilon)`` over the last three axes."""
    x = given.tensor("x")
    if x.ndim < 3:
        given.contradict(f"x of rank {x.ndim}, at least 3 are needed")
    squares = np.square(x).sum(axis=(-3, -2, -1), keepdims=True)
    return np.asarray(x / np.sqrt(squares + np.float32(given.number("epsilon", 1e-6))))


ROWS = (
    Row("layer_norm", layer_norm, ("x",), ("axes", "gamma", "beta", "epsilon")),
    Row("batch_norm", batch_norm, ("x", "mean", "variance"), ("gamma", "beta", "epsilon")),
    Row("instance_norm", instance_norm, ("x",), ("gamma", "beta", "epsilon")),
    Row("l2_norm", l2_norm, ("x",), ("epsilon",)),
)
