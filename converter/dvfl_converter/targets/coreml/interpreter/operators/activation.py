"""Activations of one tensor, element by element; softmax along an axis."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional

from dvfl_converter.targets.coreml.interpreter.operators.arguments import Arguments, Row
from dvfl_converter.targets.coreml.interpreter.program import Array

GELU_MODES = ("EXACT", "TANH_APPROXIMATION", "SIGMOID_APPROXIMATION")


def _sigmoid(x: Array) -> Array:
    return torch.sigmoid(torch.from_numpy(x)).numpy()


def relu(given: Arguments) -> Array:
    """``max(x, 0)``; NaN stays NaN."""
    return np.maximum(given.tensor("x"), np.float32(0))


def relu6(given: Arguments) -> Array:
    """``min(max(x, 0), 6)``."""
    return np.clip(given.tensor("x"), np.float32(0), np.float32(6))


def leaky_relu(given: Arguments) -> Array:
    """``x`` where it is at least 0, ``alpha x`` elsewhere."""
    x = given.tensor("x")
    return np.where(x >= 0, x, x * np.float32(given.number("alpha")))


def prelu(given: Arguments) -> Array:
    """:func:`leaky_relu` with an ``alpha`` per channel, the second axis."""
    x, alpha = given.tensor("x"), given.tensor("alpha")
    return np.where(x >= 0, x, x * alpha.reshape(-1, *[1] * (x.ndim - 2)))


def elu(given: Arguments) -> Array:
    """``x`` where it is positive, ``alpha (e^x - 1)`` elsewhere."""
    x = given.tensor("x")
    return np.where(x > 0, x, np.float32(given.number("alpha")) * np.expm1(np.minimum(x, 0)))


def sigmoid(given: Arguments) -> Array:
    """``1 / (1 + e^-x)``."""
    return _sigmoid(given.tensor("x"))


def sigmoid_hard(given: Arguments) -> Array:
    """``min(max(alpha x + beta, 0), 1)``."""
    alpha, beta = (
        np.float32(given.number(name, default)) for name, default in (("alpha", 0.2), ("beta", 0.5))
    )
    return np.asarray(np.clip(alpha * given.tensor("x") + beta, np.float32(0), np.float32(1)))


def silu(given: Arguments) -> Array:
    """``x sigmoid(x)``."""
    x = given.tensor("x")
    return np.asarray(x * _sigmoid(x))


def gelu(given: Arguments) -> Array:
    """``x`` times the normal distribution's cumulative density, or one of its two approximations."""
    x = torch.from_numpy(given.tensor("x"))
    mode = given.choice("mode", GELU_MODES, "EXACT")
    if mode == "SIGMOID_APPROXIMATION":
        return (x * torch.sigmoid(1.702 * x)).numpy()
    return functional.gelu(x, approximate="none" if mode == "EXACT" else "tanh").numpy()


def softplus(given: Arguments) -> Array:
    """``log(1 + e^x)``."""
    return np.asarray(np.logaddexp(given.tensor("x"), np.float32(0)))


def softsign(given: Arguments) -> Array:
    """``x / (1 + |x|)``."""
    x = given.tensor("x")
    return np.asarray(x / (1 + np.abs(x)))


def linear_activation(given: Arguments) -> Array:
    """``alpha x + beta``."""
    return np.float32(given.number("alpha")) * given.tensor("x") + np.float32(given.number("beta"))


def softmax(given: Arguments) -> Array:
    """``e^x / sum(e^x)`` along ``axis``, by default the last."""
    x = given.tensor("x")
    return torch.softmax(torch.from_numpy(x), given.axis("axis", x.ndim, -1)).numpy()


def erf(given: Arguments) -> Array:
    """Gauss's error function."""
    return torch.erf(torch.from_numpy(given.tensor("x"))).numpy()


ROWS = (
    Row("relu", relu),
    Row("relu6", relu6),
    Row("leaky_relu", leaky_relu, ("x", "alpha")),
    Row("prelu", prelu, ("x", "alpha")),
    Row("elu", elu, ("x", "alpha")),
    Row("sigmoid", sigmoid),
    Row("sigmoid_hard", sigmoid_hard, ("x",), ("alpha", "beta")),
    Row("silu", silu),
    Row("gelu", gelu, ("x",), ("mode",)),
    Row("softplus", softplus),
    Row("softsign", softsign),
    Row("linear_activation", linear_activation, ("x", "alpha", "beta")),
    Row("softmax", softmax, ("x",), ("axis",)),
    Row("erf", erf),
)
