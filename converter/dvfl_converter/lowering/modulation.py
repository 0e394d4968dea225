"""The layers of a lowered modulation and their product; how contexts are gathered is each target's."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar

from torch import Tensor, nn

from dvfl_converter.lowering.folding import Affine
from dvfl_converter.lowering.layers import depthwise
from dvfl_converter.lowering.low_rank import in_two_steps, with_folded_reduction
from dvfl_converter.lowering.weights import ModulationWeights


class LoweredModulation(nn.Module, ABC):
    """``proj(q * M_spatial * M_temporal)``; ``channel_axis`` is that of the target's layout.

    Args:
        weights: folded weights.
        dense: makes a linear layer in the target's form: fully connected or 1x1 convolution.
        temporal: makes a temporal convolution of a kernel ``[O, I, k]``.
        outputs: m of the F(m, k) that ``temporal`` takes for a kernel; 1 for the direct form.
    """

    channel_axis: ClassVar[int]

    def __init__(
        self,
        weights: ModulationWeights,
        dense: Callable[[Affine], nn.Module],
        temporal: Callable[[Tensor], nn.Module],
        outputs: Callable[[Tensor], int] = lambda _: 1,
    ) -> None:
        super().__init__()
        weights = with_folded_reduction(weights)
        self.query = dense(weights.query)
        self.gates = dense(weights.gates)
        self.spatial_context = dense(weights.spatial_context)
        self.spatial_layers = nn.ModuleList(depthwise(kernel) for kernel in weights.spatial_kernels)
        self.spatial_out = dense(weights.spatial_out)
        self.temporal_context = dense(weights.temporal_context)
        self.temporal_layers = nn.ModuleList(
            in_two_steps(kernel, dense, temporal, outputs) for kernel in weights.temporal_kernels
        )
        self.temporal_out = dense(weights.temporal_out)
        self.proj = dense(weights.proj)

    def forward(self, x: Tensor) -> Tensor:
        """Maps the block's normalised input to the same shape, in the target's layout."""
        gates = self.gates(x)
        count = len(self.spatial_layers) + 1
        spatial = self.spatial(x, gates.narrow(self.channel_axis, 0, count))
        temporal = self.temporal(x, gates.narrow(self.channel_axis, count, count))
        out: Tensor = self.proj(self.query(x) * spatial * temporal)
        return out

    @abstractmethod
    def spatial(self, x: Tensor, gates: Tensor) -> Tensor:
        """The spatial modulator, shaped like ``x``; a gate per level and one for the mean, shaped so too."""

    @abstractmethod
    def temporal(self, x: Tensor, gates: Tensor) -> Tensor:
        """The temporal modulator, likewise."""
