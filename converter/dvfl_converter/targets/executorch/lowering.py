"""The network in the form ExecuTorch's XNNPACK delegate takes whole.

All tensors stay in logical NCHW ``[T, C, h, w]`` and every linear layer is a 1x1 convolution, which
the delegate runs channels last without a transposition. For the temporal branch the frames are
stacked along the height (``[1, C, T*h, w]``), where a Conv1d over T is a convolution dilated by h or, where
that pays, a minimal filtering (see ``lowering.winograd``).
LayerNorm is written with convolutions because the delegate has neither ``layer_norm`` nor a mean
over channels.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu

from dvfl.model import VideoFocalNet
from dvfl.model.variants import PATCH_SIZE
from dvfl_converter.lowering.filtering_layers import FilteredStack, tile_order
from dvfl_converter.lowering.layers import (
    channel_mean,
    frozen,
    over_time,
    pointwise,
    strided,
    weighted_rows,
)
from dvfl_converter.lowering.modulation import LoweredModulation
from dvfl_converter.lowering.weights import (
    LAYER_NORM_EPS,
    BlockWeights,
    ModulationWeights,
    NetworkWeights,
    ProjectionWeights,
    fold_network,
)
from dvfl_converter.lowering.winograd import Form, tile

# Time over the direct form's, 8 frames, 1 thread (`python benchmarks/lowering.py executorch --convolutions`):
# F(4, 3) and F(4, 5) 1.29 and 1.17 at 64 channels, 0.86 and 0.76 at 128, 0.62 and 0.51 at 768.
FORMS = (
    Form(taps=3, outputs=4, fewest_channels=128),
    Form(taps=3, outputs=2, fewest_channels=384),
    Form(taps=5, outputs=4, fewest_channels=128),
    Form(taps=5, outputs=2, fewest_channels=384),
)


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

    Frames and size are part of its geometry: the temporal convolutions are dilated by a frame's rows or,
    with ``winograd`` and where that pays, take fewer products.
    """
    return LoweredNetwork(fold_network(reference, mean, std), frames, size, winograd=winograd).eval()


class LoweredNetwork(nn.Module):
    """The reference network, rewritten; equal to it in exact arithmetic."""

    def __init__(self, weights: NetworkWeights, frames: int, size: int, *, winograd: bool) -> None:
        super().__init__()
        rows = size // PATCH_SIZE
        steps: list[nn.Module] = [_Projection(weights.patch_embed)]
        for stage in weights.stages:
            steps += [_Block(block, frames, rows, winograd=winograd) for block in stage.blocks]
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


class _Block(nn.Module):
    """The pre-norm residual block."""

    def __init__(self, weights: BlockWeights, frames: int, rows: int, *, winograd: bool) -> None:
        super().__init__()
        dim = weights.fc1[0].shape[1]
        self.standardise1 = _Standardise(dim)
        self.modulation = _Modulation(weights.modulation, frames, rows, winograd=winograd)
        self.standardise2 = _Standardise(dim)
        self.fc1 = pointwise(weights.fc1)
        self.fc2 = pointwise(weights.fc2)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.modulation(self.standardise1(x))
        out: Tensor = x + self.fc2(gelu(self.fc1(self.standardise2(x))))
        return out


class _Modulation(LoweredModulation):
    """Both branches in the delegate's form; the temporal one on stacked frames."""

    channel_axis = 1

    def __init__(self, weights: ModulationWeights, frames: int, rows: int, *, winograd: bool) -> None:
        outputs = _tile(weights, frames, rows) if winograd else 1
        temporal = (
            partial(over_time, rows_per_frame=rows)
            if outputs == 1
            else partial(FilteredStack, outputs=outputs, dense=pointwise, frames=frames, rows=rows)
        )
        super().__init__(weights, pointwise, temporal, lambda _: outputs)
        self.rows = rows
        self.order = tile_order(frames, outputs)
        channels = weights.query[0].shape[0]
        self.mean_over_time = weighted_rows(torch.full((frames,), 1.0 / frames), channels, dilation=rows)

    def spatial(self, x: Tensor, gates: Tensor) -> Tensor:
        levels = _focal_levels(self.spatial_context(x), self.spatial_layers)
        overall = gelu(levels[-1].mean(dim=(2, 3), keepdim=True)) * gates[:, len(levels) :]
        out: Tensor = self.spatial_out(_gated_sum(levels, gates) + overall)
        return out

    def temporal(self, x: Tensor, gates: Tensor) -> Tensor:
        levels = _focal_levels(self.temporal_context(_stacked(x, self.order)), self.temporal_layers)
        gates = _stacked(gates, self.order)
        overall = self._gate_each_frame(gelu(self.mean_over_time(levels[-1])), gates[:, len(levels) :])
        frames = self._frames(_gated_sum(levels, gates) + overall)
        in_time = [frames[self.order.index(time)] for time in range(len(frames))]
        out: Tensor = self.temporal_out(torch.cat(in_time, dim=0))
        return out

    def _gate_each_frame(self, overall: Tensor, gate: Tensor) -> Tensor:
        """``[1, C, h, w]`` times each frame's gate, stacked.

        Multiplied before stacking, because the delegate refuses to concatenate one tensor T times.
        """
        return torch.cat([overall * gate_of_frame for gate_of_frame in self._frames(gate)], dim=2)

    def _frames(self, stacked: Tensor) -> list[Tensor]:
        """The T slices ``[1, C, h, w]`` of ``[1, C, T*h, w]``."""
        return [stacked[:, :, t * self.rows : (t + 1) * self.rows] for t in range(len(self.order))]


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


def _stacked(x: Tensor, order: Sequence[int]) -> Tensor:
    """``[T, C, h, w]`` to ``[1, C, T*h, w]``, the frames in this order."""
    return torch.cat([x[frame : frame + 1] for frame in order], dim=2)


def _tile(weights: ModulationWeights, frames: int, rows: int) -> int:
    """The m of a block, one for all of its kernels because it decides in which order frames are stacked."""
    return min(tile(FORMS, kernel, frames, rows * rows) for kernel in weights.temporal_kernels)
