"""The network as it is trained: how it starts, how its features are normalised, and how that is folded away.

With its released initialisation this network stays at chance on small data unless it starts from ImageNet
weights: pooled LayerNorm features hardly differ between clips, so the head sees almost nothing. A BatchNorm
without affine on the pooled features, only while training, makes them differ; it is folded exactly into the
head afterwards, so that architecture and keys are the released ones.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributed import all_reduce, get_world_size, is_initialized

from dvfl.model import Architecture, VideoFocalNet
from dvfl_training.config import ModelConfig
from dvfl_training.ranks import KeptRanks

# The product q * M_s * M_t starts as M_t: q and M_s start near 1.
_NEAR_CONSTANT = 0.1
_RESIDUAL = 0.3
_GATE_BIAS = 0.5


class _SumOverProcesses(torch.autograd.Function):
    """The sum over processes, differentiable: a clip's gradient reaches the statistics of every process."""

    @staticmethod
    def forward(_: Any, values: Tensor) -> Tensor:
        """The sum, the same in every process."""
        total = values.clone(memory_format=torch.contiguous_format)
        all_reduce(total)
        return total

    @staticmethod
    def backward(_: Any, *gradients: Tensor) -> Tensor:
        """Every process used the sum, so the gradients add up too."""
        return _SumOverProcesses.forward(_, gradients[0])


class FeatureNorm(nn.BatchNorm1d):
    """BatchNorm without affine over ``[B, C]``; while training, over the clips of all processes.

    ``nn.SyncBatchNorm`` does the same on GPUs only.
    """

    def __init__(self, features: int) -> None:
        super().__init__(features, affine=False)

    def forward(self, x: Tensor) -> Tensor:
        """Same shape: mean 0 and variance 1 per channel over the batch, or by the running statistics."""
        if not (self.training and is_initialized() and get_world_size() > 1):
            return super().forward(x)
        clips = x.shape[0] * get_world_size()
        mean = _sum(x.sum(dim=0)) / clips
        variance = _sum((x - mean).square().sum(dim=0)) / clips
        self._remember(mean.detach(), variance.detach() * clips / (clips - 1))
        return (x - mean) * torch.rsqrt(variance + self.eps)

    @torch.no_grad()
    def _remember(self, mean: Tensor, unbiased_variance: Tensor) -> None:
        if self.running_mean is None or self.running_var is None or self.num_batches_tracked is None:
            raise RuntimeError("the running statistics are missing")
        momentum = self.momentum or 0.0
        self.running_mean.lerp_(mean, momentum)
        self.running_var.lerp_(unbiased_variance, momentum)
        self.num_batches_tracked += 1


def _sum(values: Tensor) -> Tensor:
    total: Tensor = _SumOverProcesses.apply(values)  # type: ignore[no-untyped-call]
    return total


class TrainingNetwork(nn.Module):
    """The released network, perhaps with its pooled features normalised over the batch.

    Args:
        architecture: of the network.
        config: how it starts, stochastic depth, and whether features are normalised.
    """

    def __init__(self, architecture: Architecture, config: ModelConfig) -> None:
        super().__init__()
        self.network = VideoFocalNet(architecture, config.drop_path)
        if config.start == "unit_gain":
            initialise(self.network)
        self.normalise = FeatureNorm(architecture.stage_widths[-1]) if config.feature_norm else None
        self.ranks = KeptRanks(self.network) if config.fine_tune else None
        self._features: Callable[[Tensor], Tensor] | None = None

    def compile_features(self) -> None:
        """Runs the features through torch.compile from now on; weights and keys stay where they are."""
        self._features = torch.compile(self.network.features)

    def forward(self, clips: Tensor, autocast: torch.dtype | None = None) -> Tensor:
        """Logits ``[B, K]``, float32, of normalised clips ``[B, T, 3, H, W]``; see :func:`features`."""
        pooled = features(self._features or self.network.features, clips, autocast)
        out: Tensor = self.network.head(pooled if self.normalise is None else self.normalise(pooled))
        return out

    def folded(self) -> VideoFocalNet:
        """A copy of the plain network with the same logits in eval mode; without gradients."""
        network = copy.deepcopy(self.network)
        if self.normalise is not None:
            _fold(self.normalise, network.head)
        return network.eval().requires_grad_(False)


def features(
    compute: Callable[[Tensor], Tensor], clips: Tensor, autocast: torch.dtype | None = None
) -> Tensor:
    """Pooled features ``[B, C]``, float32, of normalised clips ``[B, T, 3, H, W]``.

    ``autocast`` computes them in bfloat16 or float16; what tells clips apart in the pooled features is too
    small for these, so normalisation and head stay in float32.
    """
    with torch.autocast(clips.device.type, autocast, enabled=autocast is not None):
        return compute(clips).float()


def logits(network: VideoFocalNet, clips: Tensor, autocast: torch.dtype | None = None) -> Tensor:
    """Logits ``[B, K]``, float32, of normalised clips ``[B, T, 3, H, W]``; see :func:`features`."""
    out: Tensor = network.head(features(network.features, clips, autocast))
    return out


@torch.no_grad()
def _fold(normalise: FeatureNorm, head: nn.Linear) -> None:
    """``W (f - m) / s + b = (W / s) f + (b - W m / s)``."""
    mean, variance = normalise.running_mean, normalise.running_var
    if mean is None or variance is None:
        raise RuntimeError("the running statistics are missing")
    scaled = head.weight.double() * torch.rsqrt(variance.double() + normalise.eps)
    head.bias.copy_((head.bias.double() - scaled @ mean.double()).float())
    head.weight.copy_(scaled.float())


@torch.no_grad()
def initialise(network: VideoFocalNet) -> None:
    """Unit-gain weights; q, spatial modulator and gates start almost constant; residual branches small."""
    for name, parameter in network.named_parameters():
        if parameter.ndim > 1:
            nn.init.normal_(parameter, std=parameter[0].numel() ** -0.5)
        elif "norm" not in name:
            nn.init.zeros_(parameter)
    for name, parameter in network.named_parameters():
        if name.endswith("modulation.f.weight"):
            width = parameter.shape[1]
            parameter[:width] *= _NEAR_CONSTANT
            parameter[2 * width :] *= _NEAR_CONSTANT
        elif name.endswith("modulation.f.bias"):
            width = parameter.shape[0] // 2 - 1
            parameter[:width] = 1.0
            parameter[2 * width :] = _GATE_BIAS
        elif name.endswith("f_temporal.weight"):
            parameter[parameter.shape[1] :] *= _NEAR_CONSTANT
        elif name.endswith("f_temporal.bias"):
            parameter[-3:] = _GATE_BIAS
        elif name.endswith("modulation.h.weight"):
            parameter.mul_(_NEAR_CONSTANT)
        elif name.endswith("modulation.h.bias"):
            parameter[:] = 1.0
        elif name.endswith("fc2.weight"):
            parameter.mul_(_RESIDUAL)
