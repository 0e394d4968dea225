"""Multiply-accumulates of the temporal convolutions, dense and of low rank, as lowered networks run them."""

from __future__ import annotations

from dataclasses import dataclass

from dvfl.model.variants import PATCH_SIZE
from dvfl_converter.compression.summary import place_of


@dataclass(frozen=True)
class LayerCost:
    """What one temporal convolution costs at every rank.

    The first one of a block is fed by a linear layer ``[C, C]``, with which its reduction is one matrix
    (:mod:`dvfl_converter.lowering.low_rank`): that layer gets narrower too, so its cost is counted here.

    Attributes:
        channels: C.
        taps: k.
        fed_by_linear: whether it is the first of its block.
        positions: frames times pixels at its resolution.
    """

    channels: int
    taps: int
    fed_by_linear: bool
    positions: int

    @property
    def dense(self) -> int:
        """Multiply-accumulates per clip at full rank."""
        return self.positions * self.channels**2 * (self.taps + self.fed_by_linear)

    def at(self, rank: int) -> int:
        """Multiply-accumulates per clip: the reduction C to r, then k taps r to C."""
        return self.positions * rank * self.channels * (1 + self.taps)

    def saves(self, rank: int) -> bool:
        """Whether the rank is low enough to save anything."""
        return self.at(rank) < self.dense


def layer_cost(name: str, channels: int, taps: int, frames: int, size: int) -> LayerCost:
    """The cost of the convolution of that module name, on clips of ``frames`` of ``size`` x ``size``."""
    place = place_of(name)
    side = size // PATCH_SIZE // 2**place.stage
    return LayerCost(channels, taps, place.level == 0, frames * side * side)
