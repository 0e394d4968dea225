"""Starting the student so that it learns from scratch, and folding the training-time normalisation away.

With its usual initialisation this network stays at chance on small data: pooled LayerNorm features
hardly differ between clips, so the head sees almost nothing. A BatchNorm without affine on the pooled
features, only while training, makes them differ; it is folded exactly into the head afterwards.
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from dvfl.model import Architecture, VideoFocalNet

# The product q * M_s * M_t starts as M_t: q and M_s start near 1.
_NEAR_CONSTANT = 0.1
_RESIDUAL = 0.3
_GATE_BIAS = 0.5


class Student(nn.Module):
    """The network with its pooled features normalised over the batch."""

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self.network = VideoFocalNet(architecture)
        initialise(self.network)
        features = architecture.stage_widths[-1]
        self.normalise = nn.BatchNorm1d(features, affine=False)

    def forward(self, clips: Tensor, *, half: bool = False) -> Tensor:
        """Logits ``[B, K]``, float32, of normalised clips ``[B, T, 3, H, W]``.

        ``half`` computes the features in bfloat16; what tells clips apart in the pooled features is too
        small for it, so normalisation and head stay in float32.
        """
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            features = self.network.features(clips)
        logits: Tensor = self.network.head(self.normalise(features.float()))
        return logits

    def folded(self) -> VideoFocalNet:
        """A copy of the plain network with the same logits in eval mode.

        ``W (f - m) / s + b = (W / s) f + (b - W m / s)``.
        """
        network = copy.deepcopy(self.network)
        mean, variance = self.normalise.running_mean, self.normalise.running_var
        if mean is None or variance is None:
            raise ValueError("the student was never trained: no running statistics")
        scaled = network.head.weight.double() * torch.rsqrt(variance.double() + self.normalise.eps)
        shift = scaled @ mean.double()
        network.head.weight = nn.Parameter(scaled.float().detach())
        network.head.bias = nn.Parameter((network.head.bias.double() - shift).float().detach())
        return network.eval()


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
