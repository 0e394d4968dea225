"""Spatio-temporal focal modulation (Wasim et al., ICCV 2023, arXiv 2307.06947, section 3.2)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from dvfl.model.variants import FOCAL_KERNELS

LEVELS = len(FOCAL_KERNELS)


class SpatioTemporalFocalModulation(nn.Module):
    """Modulates a query by a spatial and a temporal context: ``proj(q * M_spatial * M_temporal)``.

    Gates are raw (neither sigmoid nor softmax), as in the released network.
    Attribute names are the released state-dict keys.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dim = dim
        self.f = nn.Linear(dim, 2 * dim + LEVELS + 1)
        self.h = nn.Conv2d(dim, dim, kernel_size=1)
        self.focal_layers = nn.ModuleList(
            nn.Sequential(nn.Conv2d(dim, dim, k, padding=k // 2, groups=dim, bias=False), nn.GELU())
            for k in FOCAL_KERNELS
        )
        self.f_temporal = nn.Linear(dim, dim + LEVELS + 1)
        self.h_temporal = nn.Conv1d(dim, dim, kernel_size=1)
        self.focal_layers_temporal = nn.ModuleList(
            nn.Sequential(nn.Conv1d(dim, dim, k, padding=k // 2, bias=False), nn.GELU())
            for k in FOCAL_KERNELS
        )
        self.proj = nn.Linear(dim, dim)

    def forward(self, x: Tensor, frames: int) -> Tensor:
        """Maps ``[B*T, h, w, C]`` to the same shape; ``frames`` is T."""
        query, spatial_context, spatial_gates = self._project(x)
        spatial = self.h(self._spatial_context(spatial_context, spatial_gates))
        temporal = self._temporal_modulator(x, frames)
        modulated = query * spatial * temporal
        projected: Tensor = self.proj(modulated.permute(0, 2, 3, 1))
        return projected

    def _project(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Splits ``f(x)`` into query and context ``[BT, C, h, w]`` and gates ``[BT, 3, h, w]``."""
        projected = self.f(x).permute(0, 3, 1, 2)
        query, context, gates = torch.split(projected, [self.dim, self.dim, LEVELS + 1], dim=1)
        return query, context, gates

    def _spatial_context(self, context: Tensor, gates: Tensor) -> Tensor:
        """Gated sum over the focal levels and the global mean over the frame."""
        gathered = torch.zeros_like(context)
        for level, layer in enumerate(self.focal_layers):
            context = layer(context)
            gathered = gathered + context * gates[:, level : level + 1]
        overall = nn.functional.gelu(context.mean(dim=(2, 3), keepdim=True))
        return gathered + overall * gates[:, LEVELS:]

    def _temporal_modulator(self, x: Tensor, frames: int) -> Tensor:
        """The temporal counterpart: each pixel's T frames are one sequence; returns ``[BT, C, h, w]``."""
        clips_frames, height, width, dim = x.shape
        clips = clips_frames // frames
        sequences = x.view(clips, frames, height, width, dim).permute(0, 2, 3, 1, 4)
        projected = self.f_temporal(sequences.reshape(clips * height * width, frames, dim)).transpose(1, 2)
        context, gates = torch.split(projected, [dim, LEVELS + 1], dim=1)
        modulator = self.h_temporal(self._temporal_context(context, gates))
        restored: Tensor = modulator.view(clips, height, width, dim, frames).permute(0, 4, 3, 1, 2)
        return restored.reshape(clips_frames, dim, height, width)

    def _temporal_context(self, context: Tensor, gates: Tensor) -> Tensor:
        gathered = torch.zeros_like(context)
        for level, layer in enumerate(self.focal_layers_temporal):
            context = layer(context)
            gathered = gathered + context * gates[:, level : level + 1]
        overall = nn.functional.gelu(context.mean(dim=2, keepdim=True))
        return gathered + overall * gates[:, LEVELS:]
