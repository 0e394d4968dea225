"""The network in the form ExecuTorch's XNNPACK delegate takes whole.

All tensors stay in logical NCHW ``[T, C, h, w]`` and every linear layer is a 1x1 convolution, which
the delegate runs channels last without a transposition. For the temporal branch the frames are
stacked along the height (``[1, C, T*h, w]``), where a Conv1d over T is a convolution dilated by h; where
Winograd's filtering pays, they stay in the batch, the even ones first.
LayerNorm is written with convolutions because the delegate has neither ``layer_norm`` nor a mean
over channels.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, pad

from dvfl.model import VideoFocalNet
from dvfl.model.variants import PATCH_SIZE
from dvfl_converter.lowering.layers import channel_mean, frozen, over_time, pointwise, strided
from dvfl_converter.lowering.modulation import LoweredModulation
from dvfl_converter.lowering.weights import (
    LAYER_NORM_EPS,
    BlockWeights,
    ModulationWeights,
    NetworkWeights,
    ProjectionWeights,
    StageWeights,
    fold_network,
)
from dvfl_converter.lowering.winograd import WinogradOverTime, pays


def lower(
    reference: VideoFocalNet,
    frames: int,
    size: int,
    mean: Sequence[float],
    std: Sequence[float],
    *,
    winograd: bool = True,
) -> nn.Module:
    """The lowered network: ``[T, 3, H, W]`` float32 of 0..255 in, logits ``[1, K]`` out.

    Frames and size are part of its geometry: the temporal convolutions are dilated by a frame's rows or, with
    ``winograd`` and where that pays at this size, take fewer products.
    """
    return LoweredNetwork(fold_network(reference, mean, std), frames, size, winograd=winograd).eval()


class LoweredNetwork(nn.Module):
    """The reference network, rewritten; equal to it in exact arithmetic."""

    def __init__(self, weights: NetworkWeights, frames: int, size: int, *, winograd: bool) -> None:
        super().__init__()
        rows, order = size // PATCH_SIZE, tuple(range(frames))
        steps: list[nn.Module] = [_Projection(weights.patch_embed)]
        for stage in weights.stages:
            fast = winograd and _pays(stage, frames, rows)
            if fast and order == tuple(range(frames)):
                order = (*range(0, frames, 2), *range(1, frames, 2))
                steps.append(_Reordered(order))
            steps += [_Block(block, order, rows, fast=fast) for block in stage.blocks]
            if stage.downsample is not None:
                steps.append(_Projection(stage.downsample))
                rows //= 2
        self.body = nn.Sequential(*steps)
        self.frames = frames
        self.standardise = _Standardise(weights.head[0].shape[1])
        self.head = pointwise(weights.head)

    def forward(self, clip: Tensor) -> Tensor:
        """Logits ``[1, K]`` of a clip ``[T, 3, H, W]``, float32 0..255."""
        stacked = _stacked(self.standardise(self.body(clip)), range(self.frames))
        logits: Tensor = self.head(stacked.mean(dim=(2, 3), keepdim=True))
        return logits.flatten(1)


class _Projection(nn.Module):
    """Strided patch convolution, then LayerNorm, whose centring is in the convolution's weights."""

    def __init__(self, weights: ProjectionWeights) -> None:
        super().__init__()
        self.proj = strided(weights.conv)
        self.to_unit_variance = _ToUnitVariance(weights.scale.numel())
        self.scale = frozen(weights.scale.view(1, -1, 1, 1))
        self.shift = frozen(weights.shift.view(1, -1, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.to_unit_variance(self.proj(x)) * self.scale + self.shift
        return out


class _Reordered(nn.Module):
    """The frames of ``[T, C, h, w]`` in another order."""

    def __init__(self, order: Sequence[int]) -> None:
        super().__init__()
        self.order = tuple(order)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([x[frame : frame + 1] for frame in self.order], dim=0)


class _Block(nn.Module):
    """The pre-norm residual block; ``order`` names the frame at each place of the batch."""

    def __init__(self, weights: BlockWeights, order: Sequence[int], rows: int, *, fast: bool) -> None:
        super().__init__()
        dim = weights.fc1[0].shape[1]
        self.standardise1 = _Standardise(dim)
        self.modulation = (
            _FastModulation(weights.modulation, len(order))
            if fast
            else _StackedModulation(weights.modulation, order, rows)
        )
        self.standardise2 = _Standardise(dim)
        self.fc1 = pointwise(weights.fc1)
        self.fc2 = pointwise(weights.fc2)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.modulation(self.standardise1(x))
        out: Tensor = x + self.fc2(gelu(self.fc1(self.standardise2(x))))
        return out


class _Modulation(LoweredModulation):
    """The spatial branch in the delegate's form."""

    def spatial(self, x: Tensor) -> Tensor:
        levels = _focal_levels(self.spatial_context(x), self.spatial_layers)
        gates = self.spatial_gates(x)
        overall = gelu(levels[-1].mean(dim=(2, 3), keepdim=True)) * gates[:, len(levels) :]
        out: Tensor = self.spatial_out(_gated_sum(levels, gates) + overall)
        return out


class _StackedModulation(_Modulation):
    """The temporal branch on frames stacked along the height, in the order of time."""

    def __init__(self, weights: ModulationWeights, order: Sequence[int], rows: int) -> None:
        super().__init__(weights, pointwise, partial(over_time, rows_per_frame=rows))
        self.rows = rows
        self.order = tuple(order)

    def temporal(self, x: Tensor) -> Tensor:
        stacked = _stacked(x, [self.order.index(frame) for frame in range(len(self.order))])
        levels = _focal_levels(self.temporal_context(stacked), self.temporal_layers)
        gates = self.temporal_gates(stacked)
        mean = _mean(self._frames(levels[-1]))
        overall = self._gate_each_frame(gelu(mean), gates[:, len(levels) :])
        modulator: Tensor = self.temporal_out(_gated_sum(levels, gates) + overall)
        frames = self._frames(modulator)
        return torch.cat([frames[frame] for frame in self.order], dim=0)

    def _gate_each_frame(self, overall: Tensor, gate: Tensor) -> Tensor:
        """``[1, C, h, w]`` times each frame's gate, stacked.

        Multiplied before stacking, because the delegate refuses to concatenate one tensor T times.
        """
        return torch.cat([overall * gate_of_frame for gate_of_frame in self._frames(gate)], dim=2)

    def _frames(self, stacked: Tensor) -> list[Tensor]:
        """The T slices ``[1, C, h, w]`` of ``[1, C, T*h, w]``."""
        return [stacked[:, :, t * self.rows : (t + 1) * self.rows] for t in range(len(self.order))]


class _FastModulation(_Modulation):
    """The temporal branch with Winograd's convolutions, which need no stacking: frames stay in the batch."""

    def __init__(self, weights: ModulationWeights, frames: int) -> None:
        super().__init__(weights, pointwise, _WinogradOverTime)
        self.frames = frames

    def temporal(self, x: Tensor) -> Tensor:
        levels = _focal_levels(self.temporal_context(x), self.temporal_layers)
        gates = self.temporal_gates(x)
        mean = _mean([levels[-1][t : t + 1] for t in range(self.frames)])
        overall = gelu(mean) * gates[:, len(levels) :]
        out: Tensor = self.temporal_out(_gated_sum(levels, gates) + overall)
        return out


class _WinogradOverTime(WinogradOverTime):
    """On frames ``[T, C, h, w]``, the even ones first: the frames of each parity are then one slice."""

    def __init__(self, kernel: Tensor) -> None:
        super().__init__(kernel, pointwise, _earlier, _later)

    def forward(self, frames: Tensor) -> Tensor:
        """The convolution, in the same order."""
        half = frames.shape[0] // 2
        return torch.cat(self.pairs(frames[:half], frames[half:]), dim=0)


def _earlier(tiles: Tensor) -> Tensor:
    return pad(tiles[:-1], (0, 0, 0, 0, 0, 0, 1, 0))


def _later(tiles: Tensor) -> Tensor:
    return pad(tiles[1:], (0, 0, 0, 0, 0, 0, 0, 1))


def _pays(stage: StageWeights, frames: int, rows: int) -> bool:
    kernels = [kernel for block in stage.blocks for kernel in block.modulation.temporal_kernels]
    return all(pays(len(kernel), kernel.shape[2], frames, rows * rows) for kernel in kernels)


class _Standardise(nn.Module):
    """LayerNorm without its affine, over the channels of ``[N, C, h, w]``."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.mean = channel_mean(channels)
        self.to_unit_variance = _ToUnitVariance(channels)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.to_unit_variance(x - self.mean(x))
        return out


class _ToUnitVariance(nn.Module):
    """``d / sqrt(mean(d^2) + eps)``; eps is the bias of the convolution that takes the mean."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.variance = channel_mean(channels, LAYER_NORM_EPS)

    def forward(self, centred: Tensor) -> Tensor:
        return centred * torch.rsqrt(self.variance(centred * centred))


def _focal_levels(context: Tensor, layers: nn.ModuleList) -> list[Tensor]:
    levels = []
    for layer in layers:
        context = gelu(layer(context))
        levels.append(context)
    return levels


def _gated_sum(levels: list[Tensor], gates: Tensor) -> Tensor:
    terms = [level * gates[:, index : index + 1] for index, level in enumerate(levels)]
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total


def _mean(frames: Sequence[Tensor]) -> Tensor:
    """Mean of frames ``[1, C, h, w]`` as a sum: the delegate has no mean over the batch or over rows."""
    total = frames[0]
    for frame in frames[1:]:
        total = total + frame
    return total * (1.0 / len(frames))


def _stacked(x: Tensor, order: Iterable[int]) -> Tensor:
    """``[T, C, h, w]`` to ``[1, C, T*h, w]``, the batch's places in this order."""
    return torch.cat([x[frame : frame + 1] for frame in order], dim=2)
