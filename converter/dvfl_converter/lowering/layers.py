"""Layers of a lowered network, built from explicit weights; shared by the targets."""

from __future__ import annotations

from typing import TypeVar

import torch
from torch import Tensor, nn

_Layer = TypeVar("_Layer", nn.Linear, nn.Conv2d)


def frozen(value: Tensor) -> nn.Parameter:
    """A copy of ``value`` as a stored parameter: back ends only take stored tensors as static weights."""
    return nn.Parameter(value.detach().clone().contiguous(), requires_grad=False)


def linear(weight: Tensor, bias: Tensor) -> nn.Linear:
    """A fully connected layer of weight ``[out, in]``."""
    return _filled(nn.Linear(weight.shape[1], weight.shape[0]), weight, bias)


def pointwise(weight: Tensor, bias: Tensor) -> nn.Conv2d:
    """A linear layer of weight ``[out, in]`` as a 1x1 convolution."""
    return _filled(nn.Conv2d(weight.shape[1], weight.shape[0], kernel_size=1), weight[:, :, None, None], bias)


def strided(weight: Tensor, bias: Tensor) -> nn.Conv2d:
    """A convolution of weight ``[out, in, k, k]`` over non-overlapping patches."""
    out_channels, in_channels, patch, _ = weight.shape
    return _filled(nn.Conv2d(in_channels, out_channels, patch, stride=patch), weight, bias)


def over_time(layer: nn.Conv1d, rows_per_frame: int = 1) -> nn.Conv2d:
    """A Conv1d over T as a Conv2d with a ``(k, 1)`` kernel.

    Each frame takes ``rows_per_frame`` rows of the image ``[1, C, T * rows_per_frame, columns]``; tap k
    reads as many rows further, so the kernel is dilated by it.
    """
    kernel = layer.kernel_size[0]
    conv = nn.Conv2d(
        layer.in_channels,
        layer.out_channels,
        (kernel, 1),
        padding=(kernel // 2 * rows_per_frame, 0),
        dilation=(rows_per_frame, 1),
        bias=False,
    )
    conv.weight = frozen(layer.weight.unsqueeze(-1))
    return conv


def channel_mean(channels: int, offset: float = 0.0) -> nn.Conv2d:
    """The mean over the channels of ``[N, C, h, w]`` plus ``offset``, as a 1x1 convolution onto one channel."""
    return pointwise(torch.full((1, channels), 1.0 / channels), torch.full((1,), offset))


def _filled(layer: _Layer, weight: Tensor, bias: Tensor) -> _Layer:
    layer.weight = frozen(weight)
    layer.bias = frozen(bias)
    return layer
