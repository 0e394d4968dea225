"""The network in the form LiteRT runs best: channels last, rank 4 or less, fully connected layers.

Frames stay in the batch axis (``[T, h, w, C]``), which is also LiteRT's own layout, so that linear
layers need no transposition. The temporal convolution reads the same memory as one image of T rows
and h*w columns (``[1, T, h*w, C]``): no data moves between the branches. Where minimal filtering pays it
takes the place of that convolution (see ``lowering.winograd``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial, reduce

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu

from dvfl.model import VideoFocalNet
from dvfl.model.variants import PATCH_SIZE
from dvfl_converter.lowering.filtering_layers import FilteredRows
from dvfl_converter.lowering.layers import frozen, linear, over_time, strided
from dvfl_converter.lowering.modulation import LoweredModulation
from dvfl_converter.lowering.weights import (
    LAYER_NORM_EPS,
    BlockWeights,
    NetworkWeights,
    ProjectionWeights,
    fold_network,
)
from dvfl_converter.lowering.winograd import Form, tile

# Time over the direct form's, 8 frames, 1 thread (`python benchmarks/lowering.py litert --convolutions`):
# F(4, 3) and F(4, 5) 0.78 and 0.72 at 64 channels of 56x56 but 0.99 and 0.91 of 28x28, 0.67 and 0.58 at 128,
# 0.58 and 0.41 at 768. Beyond 512 channels F(4, 3) would add 5 % to the file for 0.3 % of the time.
FORMS = (
    Form(taps=3, outputs=4, fewest_channels=96, most_channels=512),
    Form(taps=3, outputs=2, fewest_channels=128),
    Form(taps=5, outputs=4, fewest_channels=96),
    Form(taps=5, outputs=2, fewest_channels=128),
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
    """The lowered network: ``[T, H, W, 3]`` float32 of 0..255 in, logits ``[1, K]`` out.

    With ``winograd``, temporal convolutions take fewer products where that pays at this size.
    """
    return LoweredNetwork(fold_network(reference, mean, std), frames, size, winograd=winograd).eval()


class LoweredNetwork(nn.Module):
    """The reference network, rewritten; equal to it in exact arithmetic."""

    def __init__(self, weights: NetworkWeights, frames: int, size: int, *, winograd: bool) -> None:
        super().__init__()
        steps: list[nn.Module] = [_Projection(weights.patch_embed)]
        side = size // PATCH_SIZE
        for stage in weights.stages:
            outputs = partial(tile, FORMS if winograd else (), frames=frames, pixels=side * side)
            steps += [_Block(block, outputs) for block in stage.blocks]
            if stage.downsample is not None:
                steps.append(_Projection(stage.downsample))
                side //= 2
        self.body = nn.Sequential(*steps)
        self.head = linear(weights.head)

    def forward(self, clip: Tensor) -> Tensor:
        """Logits ``[1, K]`` of a clip ``[T, H, W, 3]``, float32 0..255."""
        tokens = _standardise(self.body(clip)).flatten(0, 2).unsqueeze(0)
        logits: Tensor = self.head(tokens.mean(dim=1))
        return logits


class _Projection(nn.Module):
    """Strided patch convolution, then LayerNorm, whose centring is in the convolution's weights."""

    def __init__(self, weights: ProjectionWeights) -> None:
        super().__init__()
        self.proj = strided(weights.conv)
        self.scale = frozen(weights.scale)
        self.shift = frozen(weights.shift)

    def forward(self, x: Tensor) -> Tensor:
        centred = self.proj(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        return _to_unit_variance(centred) * self.scale + self.shift


class _Block(nn.Module):
    """The pre-norm residual block."""

    def __init__(self, weights: BlockWeights, outputs: Callable[[Tensor], int]) -> None:
        super().__init__()
        self.modulation = _Modulation(
            weights.modulation, linear, partial(_over_time, outputs=outputs), outputs
        )
        self.fc1 = linear(weights.fc1)
        self.fc2 = linear(weights.fc2)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.modulation(_standardise(x))
        out: Tensor = x + self.fc2(gelu(self.fc1(_standardise(x))))
        return out


class _Modulation(LoweredModulation):
    """Both branches in this target's layout."""

    channel_axis = 3

    def spatial(self, x: Tensor, gates: Tensor) -> Tensor:
        context = self.spatial_context(x)
        out: Tensor = self.spatial_out(_gather(context, gates, self.spatial_layers, mean_axes=(1, 2)))
        return out

    def temporal(self, x: Tensor, gates: Tensor) -> Tensor:
        context = self.temporal_context(_frames_as_rows(x))
        gathered = _gather(context, _frames_as_rows(gates), self.temporal_layers, mean_axes=(1,))
        out: Tensor = self.temporal_out(gathered)
        return out.reshape(x.shape)


def _frames_as_rows(x: Tensor) -> Tensor:
    """``[T, h, w, C]`` as one image ``[1, T, h*w, C]``."""
    frames, height, width, dim = x.shape
    return x.reshape(1, frames, height * width, dim)


def _gather(context: Tensor, gates: Tensor, layers: nn.ModuleList, mean_axes: tuple[int, ...]) -> Tensor:
    """``sum_l gate_l * context_l`` plus the gated global mean, all channels last."""
    terms = []
    for level, layer in enumerate(layers):
        context = gelu(_convolved(layer, context))
        terms.append(context * gates[..., level : level + 1])
    overall = gelu(context.mean(dim=mean_axes, keepdim=True)) * gates[..., len(terms) :]
    for term in terms:
        overall = overall + term
    return overall


def _over_time(kernel: Tensor, outputs: Callable[[Tensor], int]) -> nn.Module:
    """The form of a kernel ``[O, I, k]`` that pays."""
    m = outputs(kernel)
    return over_time(kernel) if m == 1 else FilteredRows(kernel, m, linear)


def _convolved(layer: nn.Module, x: Tensor) -> Tensor:
    """A layer's output for ``[.., H, W, C]``."""
    if isinstance(layer, nn.Sequential):
        return reduce(lambda out, step: _convolved(step, out), layer, x)
    convolves = isinstance(layer, nn.Conv2d)
    out: Tensor = layer(x.permute(0, 3, 1, 2) if convolves else x)
    return out.permute(0, 2, 3, 1) if convolves else out


def _standardise(x: Tensor) -> Tensor:
    """LayerNorm without its affine, over the last axis."""
    return _to_unit_variance(x - x.mean(dim=-1, keepdim=True))


def _to_unit_variance(centred: Tensor) -> Tensor:
    return centred * torch.rsqrt((centred * centred).mean(dim=-1, keepdim=True) + LAYER_NORM_EPS)
