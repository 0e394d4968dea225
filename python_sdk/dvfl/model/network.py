"""The Video-FocalNet network: four stages of focal-modulation blocks over the frames of a clip."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from dvfl.model.modulation import SpatioTemporalFocalModulation
from dvfl.model.variants import MLP_RATIO, PATCH_SIZE, Architecture


class StochasticDepth(nn.Module):
    """Drops a residual branch per sample while training (Huang et al., arXiv 1603.09382)."""

    def __init__(self, probability: float) -> None:
        super().__init__()
        self.probability = probability

    def forward(self, x: Tensor) -> Tensor:
        """Same shape; identity in eval mode; survivors are scaled by ``1 / (1 - p)``."""
        if not self.training or self.probability == 0.0:
            return x
        keep = 1.0 - self.probability
        mask = torch.empty(x.shape[0], *[1] * (x.ndim - 1), dtype=x.dtype, device=x.device).bernoulli_(keep)
        return x * mask / keep


class Mlp(nn.Module):
    """``fc2(GELU(fc1(x)))`` with the exact (erf) GELU."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(dim, MLP_RATIO * dim)
        self.fc2 = nn.Linear(MLP_RATIO * dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        """Maps ``[..., C]`` to ``[..., C]``."""
        out: Tensor = self.fc2(nn.functional.gelu(self.fc1(x)))
        return out


class FocalBlock(nn.Module):
    """A pre-norm residual block: modulation, then MLP."""

    def __init__(self, dim: int, drop_path: float) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(dim)
        self.modulation = SpatioTemporalFocalModulation(dim)
        self.norm2 = nn.LayerNorm(dim)
        self.mlp = Mlp(dim)
        self.drop_path = StochasticDepth(drop_path)

    def forward(self, x: Tensor, frames: int) -> Tensor:
        """Maps ``[B*T, h, w, C]`` to the same shape."""
        x = x + self.drop_path(self.modulation(self.norm1(x), frames))
        out: Tensor = x + self.drop_path(self.mlp(self.norm2(x)))
        return out


class PatchProjection(nn.Module):
    """A strided convolution onto non-overlapping patches, then LayerNorm."""

    def __init__(self, in_channels: int, out_channels: int, patch: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(in_channels, out_channels, kernel_size=patch, stride=patch)
        self.norm = nn.LayerNorm(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        """Maps ``[N, C, H, W]`` to ``[N, H/patch, W/patch, C']``."""
        out: Tensor = self.norm(self.proj(x).permute(0, 2, 3, 1))
        return out


class FocalStage(nn.Module):
    """Blocks at one resolution and, but for the last stage, the step to the next."""

    def __init__(self, dim: int, drop_paths: list[float], *, downsample: bool) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(FocalBlock(dim, rate) for rate in drop_paths)
        self.downsample = PatchProjection(dim, 2 * dim, 2) if downsample else None

    def forward(self, x: Tensor, frames: int) -> Tensor:
        """Maps ``[B*T, h, w, C]`` to ``[B*T, h/2, w/2, 2C]``, or the same shape in the last stage."""
        for block in self.blocks:
            x = block(x, frames)
        return x if self.downsample is None else self.downsample(x.permute(0, 3, 1, 2))


class VideoFocalNet(nn.Module):
    """Clip to logits. State-dict keys and outputs are those of the released code.

    The weights hold neither the number of frames nor the resolution: any T, and any height and
    width divisible by 32, run on one checkpoint.

    Args:
        architecture: depths, width and number of classes.
        drop_path: stochastic-depth rate of the last block; earlier blocks rise linearly to it.
    """

    def __init__(self, architecture: Architecture, drop_path: float = 0.0) -> None:
        super().__init__()
        self.architecture = architecture
        blocks = sum(architecture.depths)
        rates = [drop_path * index / max(1, blocks - 1) for index in range(blocks)]
        self.patch_embed = PatchProjection(3, architecture.width, PATCH_SIZE)
        stages = []
        for index, (depth, dim) in enumerate(
            zip(architecture.depths, architecture.stage_widths, strict=True)
        ):
            first = sum(architecture.depths[:index])
            last_stage = index == len(architecture.depths) - 1
            stages.append(FocalStage(dim, rates[first : first + depth], downsample=not last_stage))
        self.layers = nn.ModuleList(stages)
        self.norm = nn.LayerNorm(architecture.stage_widths[-1])
        self.head = nn.Linear(architecture.stage_widths[-1], architecture.num_classes)
        self.apply(_initialise)

    def features(self, clips: Tensor) -> Tensor:
        """Pooled features ``[B, 8 * width]`` of normalised RGB clips ``[B, T, 3, H, W]``."""
        batch, frames = clips.shape[:2]
        x = self.patch_embed(clips.flatten(0, 1))
        for stage in self.layers:
            x = stage(x, frames)
        tokens: Tensor = self.norm(x).flatten(1, 2)
        return tokens.mean(dim=1).view(batch, frames, -1).mean(dim=1)

    def forward(self, clips: Tensor) -> Tensor:
        """Logits ``[B, num_classes]`` of normalised RGB clips ``[B, T, 3, H, W]``, float32."""
        logits: Tensor = self.head(self.features(clips))
        return logits


def _initialise(module: nn.Module) -> None:
    """The released initialisation: truncated normal (.02) for linears, PyTorch's default for convolutions."""
    if isinstance(module, nn.Linear):
        nn.init.trunc_normal_(module.weight, std=0.02)
        nn.init.zeros_(module.bias)
