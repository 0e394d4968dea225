"""The network in the form ExecuTorch's XNNPACK delegate takes whole.

All tensors stay in logical NCHW ``[T, C, h, w]`` and every linear layer is a 1x1 convolution, which
the delegate runs channels last without a transposition. For the temporal branch the frames are
stacked along the height (``[1, C, T*h, w]``), where a Conv1d over T is a convolution dilated by h.
LayerNorm is written with convolutions because the delegate has neither ``layer_norm`` nor a mean
over channels.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu

from dvfl.model.modulation import SpatioTemporalFocalModulation
from dvfl.model.network import FocalBlock, PatchProjection, VideoFocalNet
from dvfl_converter.lowering.folding import centre_outputs, fold_affine, fold_normalisation
from dvfl_converter.lowering.layers import channel_mean, frozen, over_time, pointwise, strided


def lower(
    reference: VideoFocalNet, frames: int, size: int, mean: Sequence[float], std: Sequence[float]
) -> nn.Module:
    """The lowered network: ``[T, 3, H, W]`` float32 of 0..255 in, logits ``[1, K]`` out.

    The spatial size is part of the weights' geometry (the temporal convolution's dilation).
    """
    return LoweredNetwork(reference, frames, size, torch.tensor(mean), torch.tensor(std)).eval()


class LoweredNetwork(nn.Module):
    """The reference network, rewritten; equal to it in exact arithmetic."""

    def __init__(self, reference: VideoFocalNet, frames: int, size: int, mean: Tensor, std: Tensor) -> None:
        super().__init__()
        embed = reference.patch_embed
        rows = size // embed.proj.kernel_size[0]
        self.frames = frames
        self.patch_embed = _Projection(
            embed, *fold_normalisation(embed.proj.weight, embed.proj.bias, mean, std)
        )
        self.layers = nn.ModuleList()
        for stage in reference.layers:
            parts = nn.Module()
            parts.blocks = nn.ModuleList(_Block(block, frames, rows) for block in stage.blocks)
            down = stage.downsample
            parts.downsample = None if down is None else _Projection(down, down.proj.weight, down.proj.bias)
            self.layers.append(parts)
            rows = rows if down is None else rows // 2
        self.standardise = _Standardise(reference.norm.normalized_shape[0], reference.norm.eps)
        self.head = pointwise(
            *fold_affine(
                reference.head.weight, reference.head.bias, reference.norm.weight, reference.norm.bias
            )
        )

    def forward(self, clip: Tensor) -> Tensor:
        """Logits ``[1, K]`` of a clip ``[T, 3, H, W]``, float32 0..255."""
        x = self.patch_embed(clip)
        for stage in self.layers:
            for block in stage.blocks:
                x = block(x)
            if stage.downsample is not None:
                x = stage.downsample(x)
        stacked = _stack_frames(self.standardise(x), self.frames)
        logits: Tensor = self.head(stacked.mean(dim=(2, 3), keepdim=True))
        return logits.flatten(1)


class _Projection(nn.Module):
    """Strided patch convolution, then LayerNorm; its centring is folded into the convolution."""

    def __init__(self, reference: PatchProjection, weight: Tensor, bias: Tensor) -> None:
        super().__init__()
        self.proj = strided(*centre_outputs(weight, bias))
        self.to_unit_variance = _ToUnitVariance(weight.shape[0], reference.norm.eps)
        self.scale = frozen(reference.norm.weight.view(1, -1, 1, 1))
        self.shift = frozen(reference.norm.bias.view(1, -1, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.to_unit_variance(self.proj(x)) * self.scale + self.shift
        return out


class _Block(nn.Module):
    """The pre-norm residual block with both LayerNorm affines folded into the layers behind them."""

    def __init__(self, reference: FocalBlock, frames: int, rows: int) -> None:
        super().__init__()
        norm1, norm2, mlp = reference.norm1, reference.norm2, reference.mlp
        self.standardise1 = _Standardise(norm1.normalized_shape[0], norm1.eps)
        self.modulation = _Modulation(reference.modulation, norm1.weight, norm1.bias, frames, rows)
        self.standardise2 = _Standardise(norm2.normalized_shape[0], norm2.eps)
        self.fc1 = pointwise(*fold_affine(mlp.fc1.weight, mlp.fc1.bias, norm2.weight, norm2.bias))
        self.fc2 = pointwise(mlp.fc2.weight, mlp.fc2.bias)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.modulation(self.standardise1(x))
        out: Tensor = x + self.fc2(gelu(self.fc1(self.standardise2(x))))
        return out


class _Modulation(nn.Module):
    """``proj(q * M_spatial * M_temporal)`` with f and f_temporal split, so that no wide tensor is sliced."""

    def __init__(
        self, reference: SpatioTemporalFocalModulation, scale: Tensor, shift: Tensor, frames: int, rows: int
    ) -> None:
        super().__init__()
        dim = reference.dim
        self.frames = frames
        self.rows = rows
        f_weight, f_bias = fold_affine(reference.f.weight, reference.f.bias, scale, shift)
        t_weight, t_bias = fold_affine(reference.f_temporal.weight, reference.f_temporal.bias, scale, shift)
        self.query = pointwise(f_weight[:dim], f_bias[:dim])
        self.spatial_context = pointwise(f_weight[dim : 2 * dim], f_bias[dim : 2 * dim])
        self.spatial_gates = pointwise(f_weight[2 * dim :], f_bias[2 * dim :])
        self.temporal_context = pointwise(t_weight[:dim], t_bias[:dim])
        self.temporal_gates = pointwise(t_weight[dim:], t_bias[dim:])
        self.spatial_layers = nn.ModuleList(layer[0] for layer in reference.focal_layers)
        self.temporal_layers = nn.ModuleList(
            over_time(layer[0], rows) for layer in reference.focal_layers_temporal
        )
        self.spatial_out = pointwise(reference.h.weight.flatten(1), reference.h.bias)
        self.temporal_out = pointwise(reference.h_temporal.weight.flatten(1), reference.h_temporal.bias)
        self.proj = pointwise(reference.proj.weight, reference.proj.bias)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.proj(self.query(x) * self._spatial(x) * self._temporal(x))
        return out

    def _spatial(self, x: Tensor) -> Tensor:
        context, levels = _focal_levels(self.spatial_context(x), self.spatial_layers)
        gates = self.spatial_gates(x)
        overall = gelu(context.mean(dim=(2, 3), keepdim=True)) * gates[:, len(levels) :]
        out: Tensor = self.spatial_out(_gated_sum(levels, gates) + overall)
        return out

    def _temporal(self, x: Tensor) -> Tensor:
        stacked = _stack_frames(x, self.frames)
        context, levels = _focal_levels(self.temporal_context(stacked), self.temporal_layers)
        gates = self.temporal_gates(stacked)
        overall = self._repeat_gated(gelu(self._meanover_time(context)), gates[:, len(levels) :])
        gathered = _gated_sum(levels, gates) + overall
        return _unstack_frames(self.temporal_out(gathered), self.frames, self.rows)

    def _repeat_gated(self, overall: Tensor, gate: Tensor) -> Tensor:
        """``[1, C, h, w]`` times each frame's gate, stacked: the delegate refuses to concatenate one tensor T times."""
        slices = [gate[:, :, frame * self.rows : (frame + 1) * self.rows] for frame in range(self.frames)]
        return torch.cat([overall * gate_of_frame for gate_of_frame in slices], dim=2)

    def _meanover_time(self, stacked: Tensor) -> Tensor:
        """Mean over T of ``[1, C, T*h, w]`` as a sum of slices: ``[1, C, h, w]``."""
        total = stacked[:, :, : self.rows]
        for frame in range(1, self.frames):
            total = total + stacked[:, :, frame * self.rows : (frame + 1) * self.rows]
        return total * (1.0 / self.frames)


class _Standardise(nn.Module):
    """LayerNorm without its affine, over the channels of ``[N, C, h, w]``."""

    def __init__(self, channels: int, eps: float) -> None:
        super().__init__()
        self.mean = channel_mean(channels)
        self.to_unit_variance = _ToUnitVariance(channels, eps)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.to_unit_variance(x - self.mean(x))
        return out


class _ToUnitVariance(nn.Module):
    """``d / sqrt(mean(d^2) + eps)``; eps is the bias of the convolution that takes the mean."""

    def __init__(self, channels: int, eps: float) -> None:
        super().__init__()
        self.variance = channel_mean(channels, eps)

    def forward(self, centred: Tensor) -> Tensor:
        return centred * torch.rsqrt(self.variance(centred * centred))


def _focal_levels(context: Tensor, layers: nn.ModuleList) -> tuple[Tensor, list[Tensor]]:
    levels = []
    for layer in layers:
        context = gelu(layer(context))
        levels.append(context)
    return context, levels


def _gated_sum(levels: list[Tensor], gates: Tensor) -> Tensor:
    terms = [level * gates[:, index : index + 1] for index, level in enumerate(levels)]
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total


def _stack_frames(x: Tensor, frames: int) -> Tensor:
    """``[T, C, h, w]`` to ``[1, C, T*h, w]``."""
    return torch.cat([x[frame : frame + 1] for frame in range(frames)], dim=2)


def _unstack_frames(stacked: Tensor, frames: int, rows: int) -> Tensor:
    """``[1, C, T*h, w]`` to ``[T, C, h, w]``."""
    return torch.cat([stacked[:, :, frame * rows : (frame + 1) * rows] for frame in range(frames)], dim=0)
