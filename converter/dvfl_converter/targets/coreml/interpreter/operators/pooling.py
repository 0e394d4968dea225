"""Pooling over 1, 2 and 3 spatial axes."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from dvfl_converter.targets.coreml.interpreter.operators.arguments import Arguments, Row
from dvfl_converter.targets.coreml.interpreter.operators.windows import Paddings, paddings, per_axis
from dvfl_converter.targets.coreml.interpreter.program import Array

# Pooling is done over three axes; fewer are preceded by axes of size 1.
_AXES = 3


class _Windows:
    """An input, padded for whole windows.

    Attributes:
        extra: what ``ceil_mode`` adds after the padding, which counts as no element.
    """

    def __init__(self, given: Arguments) -> None:
        self.x = torch.from_numpy(given.tensor("x"))
        spatial = self.x.ndim - 2
        self.kernel = given.integers("kernel_sizes")
        if not 1 <= spatial <= _AXES or len(self.kernel) != spatial:
            given.contradict(f"kernel_sizes {list(self.kernel)} for x of rank {self.x.ndim}")
        self.strides = per_axis(given, "strides", spatial)
        sizes = tuple(self.x.shape[2:])
        self.pads = paddings(given, sizes, self.kernel, self.strides, "valid")
        self.extra = [0] * spatial
        if given.flag("ceil_mode", False):
            self.extra = [
                _missing(*axis) for axis in zip(sizes, self.pads, self.kernel, self.strides, strict=True)
            ]

    def padded(self, x: Tensor, value: float) -> Tensor:
        """``x`` with ``value`` in its padding and in what is missing."""
        ends = [(before, after + more) for (before, after), more in zip(self.pads, self.extra, strict=True)]
        return _pad(x, ends, value)

    def sums(self, x: Tensor) -> Tensor:
        """The sum of each window of an input that is padded already."""
        missing = [1] * (_AXES - len(self.kernel))
        volume = _with_axes(x, len(missing))
        summed = functional.avg_pool3d(
            volume, [*missing, *self.kernel], [*missing, *self.strides], divisor_override=1
        )
        return summed.reshape(*x.shape[:2], *summed.shape[2 + len(missing) :])

    def maxima(self, x: Tensor) -> Tensor:
        """The largest element of each window of an input that is padded already."""
        missing = [1] * (_AXES - len(self.kernel))
        volume = _with_axes(x, len(missing))
        largest = functional.max_pool3d(volume, [*missing, *self.kernel], [*missing, *self.strides])
        return largest.reshape(*x.shape[:2], *largest.shape[2 + len(missing) :])


def _with_axes(x: Tensor, count: int) -> Tensor:
    return x.reshape(*x.shape[:2], *[1] * count, *x.shape[2:])


def _pad(x: Tensor, ends: Paddings | Sequence[tuple[int, int]], value: float) -> Tensor:
    return functional.pad(x, [n for pair in reversed(ends) for n in pair], value=value)


def _missing(size: int, pad: tuple[int, int], kernel: int, stride: int) -> int:
    """What the last window of ``ceil_mode`` lacks, or (negative) what no window may begin in.

    A window must begin inside the input or the padding before it.
    """
    length = size + sum(pad)
    count = math.ceil((length - kernel) / stride) + 1
    if (count - 1) * stride >= size + pad[0] and sum(pad) > 0:
        count -= 1
    return (count - 1) * stride + kernel - length


def max_pool(given: Arguments) -> Array:
    """The largest element of each window; padding is never it."""
    windows = _Windows(given)
    return windows.maxima(windows.padded(windows.x, -math.inf)).numpy()


def avg_pool(given: Arguments) -> Array:
    """The mean of each window.

    Padding counts as zeros, unless ``exclude_padding_from_average``; what ``ceil_mode`` adds never counts.
    """
    windows = _Windows(given)
    counted = torch.ones(1, 1, *windows.x.shape[2:])
    if not given.flag("exclude_padding_from_average", False):
        counted = _pad(counted, windows.pads, 1.0)
        counts = windows.sums(_pad(counted, [(0, more) for more in windows.extra], 0.0))
    else:
        counts = windows.sums(windows.padded(counted, 0.0))
    return np.asarray((windows.sums(windows.padded(windows.x, 0.0)) / counts).numpy())


_OPTIONS = ("strides", "pad", "ceil_mode")
_REQUIRED = ("x", "kernel_sizes", "pad_type")

ROWS = (
    Row("max_pool", max_pool, _REQUIRED, _OPTIONS),
    Row("avg_pool", avg_pool, _REQUIRED, (*_OPTIONS, "exclude_padding_from_average")),
)
