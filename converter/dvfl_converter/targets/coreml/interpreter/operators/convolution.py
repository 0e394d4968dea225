"""Convolutions of 1, 2 and 3 spatial axes, by PyTorch's float32 kernels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from dvfl_converter.targets.coreml.interpreter.operators.arguments import Arguments, Row
from dvfl_converter.targets.coreml.interpreter.operators.windows import paddings, per_axis
from dvfl_converter.targets.coreml.interpreter.program import Array

_FORWARD: dict[int, Callable[..., Tensor]] = {
    1: functional.conv1d,
    2: functional.conv2d,
    3: functional.conv3d,
}
_TRANSPOSED: dict[int, Callable[..., Tensor]] = {
    1: functional.conv_transpose1d,
    2: functional.conv_transpose2d,
    3: functional.conv_transpose3d,
}


def _operands(given: Arguments) -> tuple[Tensor, Tensor, Tensor | None, int]:
    x, weight, bias = given.tensor("x"), given.tensor("weight"), given.optional("bias")
    spatial = x.ndim - 2
    if spatial not in _FORWARD or weight.ndim != x.ndim:
        given.contradict(f"x of rank {x.ndim} and weight of rank {weight.ndim}")
    return _torch(x), _torch(weight), None if bias is None else _torch(bias), spatial


def _torch(array: Array) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array, np.float32))


def conv(given: Arguments) -> Array:
    """``[N, C, *D]`` with weights ``[C_out, C / groups, *K]``."""
    x, weight, bias, spatial = _operands(given)
    strides, dilations = per_axis(given, "strides", spatial), per_axis(given, "dilations", spatial)
    windows = [(k - 1) * d + 1 for k, d in zip(weight.shape[2:], dilations, strict=True)]
    pads = paddings(given, tuple(x.shape[2:]), windows, strides, "valid")
    options: dict[str, Any] = {"stride": strides, "dilation": dilations, "groups": given.integer("groups", 1)}
    if all(before == after for before, after in pads):
        options["padding"] = tuple(before for before, _ in pads)
    else:
        # PyTorch counts from the last axis.
        x = functional.pad(x, [n for pair in reversed(pads) for n in pair])
    return _FORWARD[spatial](x, weight, bias, **options).numpy()


def conv_transpose(given: Arguments) -> Array:
    """``[N, C, *D]`` with weights ``[C, C_out / groups, *K]``: each element spreads over a window.

    The full result is ``(D - 1) stride + (K - 1) dilation + 1`` long; ``pad`` cuts it at both ends.
    """
    x, weight, bias, spatial = _operands(given)
    strides, dilations = per_axis(given, "strides", spatial), per_axis(given, "dilations", spatial)
    kind = given.choice("pad_type", ("valid", "custom", "same"), "valid")
    full = _TRANSPOSED[spatial](
        x, weight, bias, stride=strides, dilation=dilations, groups=given.integer("groups", 1)
    )
    wanted = given.integers("output_shape", ())
    if kind == "same" or (wanted and tuple(wanted[-spatial:]) != _cut_shape(given, full, spatial, kind)):
        given.refuse(
            "pad_type 'same' or an output_shape of its own: where the result is cut is not documented"
        )
    for axis, (before, after) in enumerate(_cuts(given, spatial, kind), start=2):
        full = full.narrow(axis, before, full.shape[axis] - before - after)
    return full.numpy()


def _cuts(given: Arguments, spatial: int, kind: str) -> list[tuple[int, int]]:
    pad = given.integers("pad", (0,) * 2 * spatial) if kind == "custom" else (0,) * 2 * spatial
    return list(zip(pad[::2], pad[1::2], strict=True))


def _cut_shape(given: Arguments, full: Tensor, spatial: int, kind: str) -> tuple[int, ...]:
    cuts = _cuts(given, spatial, kind)
    return tuple(size - sum(cut) for size, cut in zip(full.shape[2:], cuts, strict=True))


_OPTIONS = ("bias", "strides", "pad_type", "pad", "dilations", "groups")

ROWS = (
    Row("conv", conv, ("x", "weight"), _OPTIONS),
    Row("conv_transpose", conv_transpose, ("x", "weight"), (*_OPTIONS, "output_shape")),
)
