"""The network in the form Core ML's Neural Engine takes: rank 4, channels second, 1x1 convolutions.

Means over many positions are taken axis by axis, so that no fp16 sum runs over a whole frame.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu

from dvfl.model import VideoFocalNet
from dvfl_converter.lowering.layers import frozen, over_time, pointwise, strided
from dvfl_converter.lowering.modulation import LoweredModulation
from dvfl_converter.lowering.weights import (
    LAYER_NORM_EPS,
    BlockWeights,
    NetworkWeights,
    ProjectionWeights,
    fold_network,
)


def lower(reference: VideoFocalNet, mean: Sequence[float], std: Sequence[float]) -> nn.Module:
    """The lowered network: ``[T, 3, H, W]`` float32 of 0..255 in, logits ``[1, K]`` out."""
    return LoweredNetwork(fold_network(reference, mean, std)).eval()


class LoweredNetwork(nn.Module):
    """The reference network, rewritten; equal to it in exact arithmetic."""

    def __init__(self, weights: NetworkWeights) -> None:
        super().__init__()
        steps: list[nn.Module] = [_Projection(weights.patch_embed)]
        for stage in weights.stages:
            steps += [_Block(block) for block in stage.blocks]
            steps += [] if stage.downsample is None else [_Projection(stage.downsample)]
        self.body = nn.Sequential(*steps)
        self.head = pointwise(weights.head)

    def forward(self, clip: Tensor) -> Tensor:
        """Logits ``[1, K]`` of a clip ``[T, 3, H, W]``, float32 0..255."""
        pooled = _spatial_mean(_standardise(self.body(clip))).mean(dim=0, keepdim=True)
        logits: Tensor = self.head(pooled)
        return logits.flatten(1)


class _Projection(nn.Module):
    """Strided patch convolution, then LayerNorm, whose centring is in the convolution's weights."""

    def __init__(self, weights: ProjectionWeights) -> None:
        super().__init__()
        self.proj = strided(weights.conv)
        self.scale = frozen(weights.scale.view(1, -1, 1, 1))
        self.shift = frozen(weights.shift.view(1, -1, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        return _to_unit_variance(self.proj(x)) * self.scale + self.shift


class _Block(nn.Module):
    """The pre-norm residual block."""

    def __init__(self, weights: BlockWeights) -> None:
        super().__init__()
        self.modulation = _Modulation(weights.modulation, pointwise, over_time)
        self.fc1 = pointwise(weights.fc1)
        self.fc2 = pointwise(weights.fc2)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.modulation(_standardise(x))
        out: Tensor = x + self.fc2(gelu(self.fc1(_standardise(x))))
        return out


class _Modulation(LoweredModulation):
    """Both branches in this target's layout."""

    channel_axis = 1

    def spatial(self, x: Tensor, gates: Tensor) -> Tensor:
        total, last = _focal_levels(self.spatial_context(x), gates, self.spatial_layers)
        overall = gelu(_spatial_mean(last)) * gates[:, len(self.spatial_layers) :]
        out: Tensor = self.spatial_out(total + overall)
        return out

    def temporal(self, x: Tensor, gates: Tensor) -> Tensor:
        """Runs on ``[1, C, T, h*w]``: each pixel's T frames are one column of an image."""
        frames, dim, height, width = x.shape
        gates = _pixels_as_columns(gates)
        context = self.temporal_context(_pixels_as_columns(x))
        total, last = _focal_levels(context, gates, self.temporal_layers)
        overall = gelu(last.mean(dim=2, keepdim=True)) * gates[:, len(self.temporal_layers) :]
        modulator: Tensor = self.temporal_out(total + overall)
        return modulator.reshape(dim, frames, height, width).permute(1, 0, 2, 3)


def _pixels_as_columns(x: Tensor) -> Tensor:
    """``[T, C, h, w]`` as one image ``[1, C, T, h*w]``."""
    frames, dim, height, width = x.shape
    return x.permute(1, 0, 2, 3).reshape(1, dim, frames, height * width)


def _focal_levels(context: Tensor, gates: Tensor, layers: nn.ModuleList) -> tuple[Tensor, Tensor]:
    """``sum_l gate_l * context_l`` and the last context."""
    terms = []
    for level, layer in enumerate(layers):
        context = gelu(layer(context))
        terms.append(context * gates[:, level : level + 1])
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total, context


def _spatial_mean(x: Tensor) -> Tensor:
    return x.mean(dim=3, keepdim=True).mean(dim=2, keepdim=True)


def _standardise(x: Tensor) -> Tensor:
    """LayerNorm without its affine, over the channels of ``[N, C, h, w]``."""
    return _to_unit_variance(x - x.mean(dim=1, keepdim=True))


def _to_unit_variance(centred: Tensor) -> Tensor:
    return centred * torch.rsqrt((centred * centred).mean(dim=1, keepdim=True) + LAYER_NORM_EPS)
