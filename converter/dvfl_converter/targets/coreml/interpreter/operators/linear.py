"""Products of matrices."""

from __future__ import annotations

import numpy as np
import torch

from dvfl_converter.targets.coreml.interpreter.operators.arguments import Arguments, Row
from dvfl_converter.targets.coreml.interpreter.program import Array

# The only two that MIL documents: input, input, result; an axis of size 1 is broadcast.
_EINSUMS = {((0, 1, 2, 3), (0, 3, 2, 4), (0, 1, 2, 4)), ((0, 1, 2), (2, 1, 3), (0, 1, 3))}


def linear(given: Arguments) -> Array:
    """``x weight^T + bias`` of ``x [*, in]`` and ``weight [out, in]``."""
    product: Array = np.matmul(given.tensor("x"), given.tensor("weight").T)
    bias = given.optional("bias")
    return product if bias is None else product + bias


def matmul(given: Arguments) -> Array:
    """NumPy's product; ``transpose_x`` and ``transpose_y`` swap the last two axes, if there are two."""
    x, y = given.tensor("x"), given.tensor("y")
    if given.flag("transpose_x", False) and x.ndim > 1:
        x = np.swapaxes(x, -1, -2)
    if given.flag("transpose_y", False) and y.ndim > 1:
        y = np.swapaxes(y, -1, -2)
    return np.asarray(np.matmul(x, y))


def einsum(given: Arguments) -> Array:
    """``nchw,nwhu->nchu`` or ``chw,whr->chr``, by whatever letters."""
    equation = str(given.held("equation")).replace(" ", "")
    letters: dict[str, int] = {}
    numbered = tuple(
        tuple(letters.setdefault(letter, len(letters)) for letter in part)
        for part in equation.replace("->", ",").split(",")
    )
    if numbered not in _EINSUMS:
        given.refuse(f"equation '{equation}' is not one that MIL documents")
    return torch.einsum(equation, *(torch.from_numpy(value) for value in given.tensors("values"))).numpy()


ROWS = (
    Row("linear", linear, ("x", "weight"), ("bias",)),
    Row("matmul", matmul, ("x", "y"), ("transpose_x", "transpose_y")),
    Row("einsum", einsum, ("values", "equation")),
)
