"""Layers of a lowered network, built from explicit weights; shared by the targets."""

from __future__ import annotations

from typing import TypeVar

import torch
from torch import Tensor, nn

from dvfl_converter.lowering.folding import Affine

_Layer = TypeVar("_Layer", nn.Linear, nn.Conv2d)


def frozen(value: Tensor) -> nn.Parameter:
    """A copy of ``value`` as a stored parameter: back ends only take stored tensors as static weights."""
    return nn.Parameter(value.detach().clone().contiguous(), requires_grad=False)


def linear(affine: Affine) -> nn.Linear:
    """A fully connected layer of weight ``[out, in]``."""
    weight, bias = affine
    return _filled(nn.Linear(weight.shape[1], weight.shape[0]), weight, bias)


def pointwise(affine: Affine) -> nn.Conv2d:
    """A linear layer of weight ``[out, in]`` as a 1x1 convolution."""
    weight, bias = affine
    return _filled(nn.Conv2d(weight.shape[1], weight.shape[0], kernel_size=1), weight[:, :, None, None], bias)


def strided(affine: Affine) -> nn.Conv2d:
    """A convolution of weight ``[out, in, k, k]`` over non-overlapping patches."""
    weight, bias = affine
    out_channels, in_channels, patch, _ = weight.shape
    return _filled(nn.Conv2d(in_channels, out_channels, patch, stride=patch), weight, bias)


def depthwise(kernel: Tensor) -> nn.Conv2d:
    """A depthwise convolution of kernel ``[C, 1, k, k]`` that keeps the size."""
    channels, _, size, _ = kernel.shape
    return _filled(
        nn.Conv2d(channels, channels, size, padding=size // 2, groups=channels, bias=False), kernel
    )


def over_time(kernel: Tensor, rows_per_frame: int = 1) -> nn.Conv2d:
    """A Conv1d over T of kernel ``[out, in, k]`` as a Conv2d with a ``(k, 1)`` kernel.

    Each frame takes ``rows_per_frame`` rows of the image ``[1, in, T * rows_per_frame, columns]``; tap k
    reads as many rows further, so the kernel is dilated by it.
    """
    out_channels, in_channels, taps = kernel.shape
    conv = nn.Conv2d(
        in_channels,
        out_channels,
        (taps, 1),
        padding=(taps // 2 * rows_per_frame, 0),
        dilation=(rows_per_frame, 1),
        bias=False,
    )
    return _filled(conv, kernel.unsqueeze(-1))


def weighted_rows(
    weights: Tensor, channels: int, *, stride: int = 1, padding: int = 0, dilation: int = 1
) -> nn.Conv2d:
    """Sums of rows ``[.., C, H, W]`` with these weights ``[k]``, the same for all channels."""
    conv = nn.Conv2d(
        channels,
        channels,
        (len(weights), 1),
        stride=(stride, 1),
        padding=(padding, 0),
        dilation=(dilation, 1),
        groups=channels,
        bias=False,
    )
    return _filled(conv, weights.view(1, 1, -1, 1).expand(channels, 1, -1, 1))


def channel_mean(channels: int, offset: float = 0.0) -> nn.Conv2d:
    """The mean over channels plus ``offset``, as a 1x1 convolution onto one channel."""
    return pointwise((torch.full((1, channels), 1.0 / channels), torch.full((1,), offset)))


def _filled(layer: _Layer, weight: Tensor, bias: Tensor | None = None) -> _Layer:
    layer.weight = frozen(weight)
    if bias is not None:
        layer.bias = frozen(bias)
    return layer
