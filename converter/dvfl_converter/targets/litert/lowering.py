"""The network in the form LiteRT runs best: channels last, rank 4 or less, fully connected layers.

Frames stay in the batch axis (``[T, h, w, C]``), which is also LiteRT's own layout, so that linear
layers need no transposition. The temporal convolution reads the same memory as one image of T rows
and h*w columns (``[1, T, h*w, C]``): no data moves between the branches.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu

from dvfl.model.modulation import SpatioTemporalFocalModulation
from dvfl.model.network import FocalBlock, PatchProjection, VideoFocalNet
from dvfl_converter.lowering.folding import centre_outputs, fold_affine, fold_normalisation
from dvfl_converter.lowering.layers import frozen, linear, over_time, strided


def lower(reference: VideoFocalNet, frames: int, mean: Sequence[float], std: Sequence[float]) -> nn.Module:
    """The lowered network: ``[T, H, W, 3]`` float32 of 0..255 in, logits ``[1, K]`` out."""
    return LoweredNetwork(reference, frames, torch.tensor(mean), torch.tensor(std)).eval()


class LoweredNetwork(nn.Module):
    """The reference network, rewritten; equal to it in exact arithmetic."""

    def __init__(self, reference: VideoFocalNet, frames: int, mean: Tensor, std: Tensor) -> None:
        super().__init__()
        embed = reference.patch_embed
        patch_weights = fold_normalisation(embed.proj.weight, embed.proj.bias, mean, std)
        self.patch_embed = _Projection(embed, *patch_weights)
        self.layers = nn.ModuleList()
        for stage in reference.layers:
            parts = nn.Module()
            parts.blocks = nn.ModuleList(_Block(block, frames) for block in stage.blocks)
            down = stage.downsample
            parts.downsample = None if down is None else _Projection(down, down.proj.weight, down.proj.bias)
            self.layers.append(parts)
        self.eps = reference.norm.eps
        self.head = linear(
            *fold_affine(
                reference.head.weight, reference.head.bias, reference.norm.weight, reference.norm.bias
            )
        )

    def forward(self, clip: Tensor) -> Tensor:
        """Logits ``[1, K]`` of a clip ``[T, H, W, 3]``, float32 0..255."""
        x = self.patch_embed(clip)
        for stage in self.layers:
            for block in stage.blocks:
                x = block(x)
            if stage.downsample is not None:
                x = stage.downsample(x)
        tokens = _standardise(x, self.eps).flatten(0, 2).unsqueeze(0)
        logits: Tensor = self.head(tokens.mean(dim=1))
        return logits


class _Projection(nn.Module):
    """Strided patch convolution, then LayerNorm; its centring is folded into the convolution."""

    def __init__(self, reference: PatchProjection, weight: Tensor, bias: Tensor) -> None:
        super().__init__()
        self.proj = strided(*centre_outputs(weight, bias))
        self.scale = frozen(reference.norm.weight)
        self.shift = frozen(reference.norm.bias)
        self.eps = reference.norm.eps

    def forward(self, x: Tensor) -> Tensor:
        centred = self.proj(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        return _scale_to_unit_variance(centred, self.eps) * self.scale + self.shift


class _Block(nn.Module):
    """The pre-norm residual block with both LayerNorm affines folded into the layers behind them."""

    def __init__(self, reference: FocalBlock, frames: int) -> None:
        super().__init__()
        self.eps = reference.norm1.eps
        norm1, norm2, mlp = reference.norm1, reference.norm2, reference.mlp
        self.modulation = _Modulation(reference.modulation, norm1.weight, norm1.bias, frames)
        self.fc1 = linear(*fold_affine(mlp.fc1.weight, mlp.fc1.bias, norm2.weight, norm2.bias))
        self.fc2 = linear(mlp.fc2.weight, mlp.fc2.bias)

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
        self.query = linear(f_weight[:dim], f_bias[:dim])
        self.spatial_context = linear(f_weight[dim : 2 * dim], f_bias[dim : 2 * dim])
        self.spatial_gates = linear(f_weight[2 * dim :], f_bias[2 * dim :])
        self.temporal_context = linear(t_weight[:dim], t_bias[:dim])
        self.temporal_gates = linear(t_weight[dim:], t_bias[dim:])
        self.spatial_layers = nn.ModuleList(layer[0] for layer in reference.focal_layers)
        self.temporal_layers = nn.ModuleList(over_time(layer[0]) for layer in reference.focal_layers_temporal)
        self.spatial_out = linear(reference.h.weight.flatten(1), reference.h.bias)
        self.temporal_out = linear(reference.h_temporal.weight.flatten(1), reference.h_temporal.bias)
        self.proj = linear(reference.proj.weight, reference.proj.bias)

    def forward(self, x: Tensor) -> Tensor:
        modulated = self.query(x) * self._spatial(x) * self._temporal(x)
        out: Tensor = self.proj(modulated)
        return out

    def _spatial(self, x: Tensor) -> Tensor:
        context = _gather(
            self.spatial_context(x), self.spatial_gates(x), self.spatial_layers, mean_axes=(1, 2)
        )
        out: Tensor = self.spatial_out(context)
        return out

    def _temporal(self, x: Tensor) -> Tensor:
        frames, height, width, dim = x.shape
        rows = x.reshape(1, frames, height * width, dim)
        context = _gather(
            self.temporal_context(rows), self.temporal_gates(rows), self.temporal_layers, mean_axes=(1,)
        )
        out: Tensor = self.temporal_out(context)
        return out.reshape(frames, height, width, dim)


def _gather(context: Tensor, gates: Tensor, layers: nn.ModuleList, mean_axes: tuple[int, ...]) -> Tensor:
    """``sum_l gate_l * context_l`` plus the gated global mean, all channels last."""
    total: Tensor | None = None
    for level, layer in enumerate(layers):
        context = gelu(layer(context.permute(0, 3, 1, 2)).permute(0, 2, 3, 1))
        term = context * gates[..., level : level + 1]
        total = term if total is None else total + term
    overall = gelu(context.mean(dim=mean_axes, keepdim=True)) * gates[..., len(layers) :]
    return overall if total is None else total + overall


def _standardise(x: Tensor, eps: float) -> Tensor:
    """LayerNorm without its affine, over the last axis."""
    return _scale_to_unit_variance(x - x.mean(dim=-1, keepdim=True), eps)


def _scale_to_unit_variance(centred: Tensor, eps: float) -> Tensor:
    return centred * torch.rsqrt((centred * centred).mean(dim=-1, keepdim=True) + eps)
