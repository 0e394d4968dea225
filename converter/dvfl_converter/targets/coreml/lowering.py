"""The network in the form Core ML's Neural Engine takes: rank 4, channels second, 1x1 convolutions.

Means over many positions are taken axis by axis, so that no fp16 sum runs over a whole frame.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu

from dvfl.model.modulation import SpatioTemporalFocalModulation
from dvfl.model.network import FocalBlock, PatchProjection, VideoFocalNet
from dvfl_converter.lowering.folding import centre_outputs, fold_affine, fold_normalisation
from dvfl_converter.lowering.layers import frozen, over_time, pointwise, strided


def lower(reference: VideoFocalNet, frames: int, mean: Sequence[float], std: Sequence[float]) -> nn.Module:
    """The lowered network: ``[T, 3, H, W]`` float32 of 0..255 in, logits ``[1, K]`` out."""
    return LoweredNetwork(reference, frames, torch.tensor(mean), torch.tensor(std)).eval()


class LoweredNetwork(nn.Module):
    """The reference network, rewritten; equal to it in exact arithmetic."""

    def __init__(self, reference: VideoFocalNet, frames: int, mean: Tensor, std: Tensor) -> None:
        super().__init__()
        embed, norm, head = reference.patch_embed, reference.norm, reference.head
        patch_weights = fold_normalisation(embed.proj.weight, embed.proj.bias, mean, std)
        self.patch_embed = _Projection(embed, *patch_weights)
        self.layers = nn.ModuleList()
        for stage in reference.layers:
            parts = nn.Module()
            parts.blocks = nn.ModuleList(_Block(block, frames) for block in stage.blocks)
            down = stage.downsample
            parts.downsample = None if down is None else _Projection(down, down.proj.weight, down.proj.bias)
            self.layers.append(parts)
        self.eps = norm.eps
        self.head = pointwise(*fold_affine(head.weight, head.bias, norm.weight, norm.bias))

    def forward(self, clip: Tensor) -> Tensor:
        """Logits ``[1, K]`` of a clip ``[T, 3, H, W]``, float32 0..255."""
        x = self.patch_embed(clip)
        for stage in self.layers:
            for block in stage.blocks:
                x = block(x)
            if stage.downsample is not None:
                x = stage.downsample(x)
        pooled = _spatial_mean(_standardise(x, self.eps)).mean(dim=0, keepdim=True)
        logits: Tensor = self.head(pooled)
        return logits.flatten(1)


class _Projection(nn.Module):
    """Strided patch convolution, then LayerNorm; its centring is folded into the convolution."""

    def __init__(self, reference: PatchProjection, weight: Tensor, bias: Tensor) -> None:
        super().__init__()
        self.proj = strided(*centre_outputs(weight, bias))
        self.scale = frozen(reference.norm.weight.view(1, -1, 1, 1))
        self.shift = frozen(reference.norm.bias.view(1, -1, 1, 1))
        self.eps = reference.norm.eps

    def forward(self, x: Tensor) -> Tensor:
        return _to_unit_variance(self.proj(x), self.eps) * self.scale + self.shift


class _Block(nn.Module):
    """The pre-norm residual block with both LayerNorm affines folded into the layers behind them."""

    def __init__(self, reference: FocalBlock, frames: int) -> None:
        super().__init__()
        norm1, norm2, mlp = reference.norm1, reference.norm2, reference.mlp
        self.eps = norm1.eps
        self.modulation = _Modulation(reference.modulation, norm1.weight, norm1.bias, frames)
        self.fc1 = pointwise(*fold_affine(mlp.fc1.weight, mlp.fc1.bias, norm2.weight, norm2.bias))
        self.fc2 = pointwise(mlp.fc2.weight, mlp.fc2.bias)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.modulation(_standardise(x, self.eps))
        out: Tensor = x + self.fc2(gelu(self.fc1(_standardise(x, self.eps))))
        return out


class _Modulation(nn.Module):
    """``proj(q * M_spatial * M_temporal)`` with f and f_temporal split, so that no wide tensor is sliced."""

    def __init__(
        self, reference: SpatioTemporalFocalModulation, scale: Tensor, shift: Tensor, frames: int
    ) -> None:
        super().__init__()
        dim = reference.dim
        self.frames = frames
        f_weight, f_bias = fold_affine(reference.f.weight, reference.f.bias, scale, shift)
        t_weight, t_bias = fold_affine(reference.f_temporal.weight, reference.f_temporal.bias, scale, shift)
        self.query = pointwise(f_weight[:dim], f_bias[:dim])
        self.spatial_context = pointwise(f_weight[dim : 2 * dim], f_bias[dim : 2 * dim])
        self.spatial_gates = pointwise(f_weight[2 * dim :], f_bias[2 * dim :])
        self.temporal_context = pointwise(t_weight[:dim], t_bias[:dim])
        self.temporal_gates = pointwise(t_weight[dim:], t_bias[dim:])
        self.spatial_layers = nn.ModuleList(layer[0] for layer in reference.focal_layers)
        self.temporal_layers = nn.ModuleList(over_time(layer[0]) for layer in reference.focal_layers_temporal)
        self.spatial_out = pointwise(reference.h.weight.flatten(1), reference.h.bias)
        self.temporal_out = pointwise(reference.h_temporal.weight.flatten(1), reference.h_temporal.bias)
        self.proj = pointwise(reference.proj.weight, reference.proj.bias)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.proj(self.query(x) * self._spatial(x) * self._temporal(x))
        return out

    def _spatial(self, x: Tensor) -> Tensor:
        gates = self.spatial_gates(x)
        total, last = _focal_levels(self.spatial_context(x), gates, self.spatial_layers)
        overall = gelu(_spatial_mean(last)) * gates[:, len(self.spatial_layers) :]
        out: Tensor = self.spatial_out(total + overall)
        return out

    def _temporal(self, x: Tensor) -> Tensor:
        """Runs on ``[1, C, T, h*w]``: each pixel's T frames are one column of an image."""
        frames, dim, height, width = x.shape
        columns = x.permute(1, 0, 2, 3).reshape(1, dim, frames, height * width)
        gates = self.temporal_gates(columns)
        total, last = _focal_levels(self.temporal_context(columns), gates, self.temporal_layers)
        overall = gelu(last.mean(dim=2, keepdim=True)) * gates[:, len(self.temporal_layers) :]
        modulator = self.temporal_out(total + overall)
        return modulator.reshape(dim, frames, height, width).permute(1, 0, 2, 3)


def _focal_levels(context: Tensor, gates: Tensor, layers: nn.ModuleList) -> tuple[Tensor, Tensor]:
    """``sum_l gate_l * context_l`` and the last context."""
    total = torch.zeros_like(gates[:, :1])
    for level, layer in enumerate(layers):
        context = gelu(layer(context))
        total = total + context * gates[:, level : level + 1]
    return total, context


def _spatial_mean(x: Tensor) -> Tensor:
    return x.mean(dim=3, keepdim=True).mean(dim=2, keepdim=True)


def _standardise(x: Tensor, eps: float) -> Tensor:
    """LayerNorm without its affine, over the channels of ``[N, C, h, w]``."""
    return _to_unit_variance(x - x.mean(dim=1, keepdim=True), eps)


def _to_unit_variance(centred: Tensor, eps: float) -> Tensor:
    return centred * torch.rsqrt((centred * centred).mean(dim=1, keepdim=True) + eps)
