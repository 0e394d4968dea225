"""Temporal convolutions by minimal filtering (see ``winograd``), in the layouts of the targets.

The sums of input frames, ``B^T d``, are depthwise convolutions over time with the same taps for all
channels: one operator instead of up to seven sums, and no sum for frames outside the clip, which are zero.
Each feeds the linear layer of one product. The sums of products, ``A^T``, are written as sums, because they
share terms.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from dvfl_converter.lowering.folding import Affine
from dvfl_converter.lowering.layers import weighted_rows
from dvfl_converter.lowering.winograd import as_tensor, combined, minimal_filtering, products


class FilteredRows(nn.Module):
    """A Conv1d over T of kernel ``[O, I, k]`` with zero padding that keeps T, on ``[1, T, pixels, I]``.

    Args:
        kernel: ``[O, I, k]``, k odd.
        outputs: m of F(m, k); it divides T.
        dense: makes a linear layer over the last axis.
    """

    def __init__(self, kernel: Tensor, outputs: int, dense: Callable[[Affine], nn.Module]) -> None:
        super().__init__()
        _, channels, taps = kernel.shape
        sums = as_tensor(minimal_filtering(outputs, taps).inputs).to(kernel.dtype)
        self.outputs = outputs
        self.inputs = nn.ModuleList(
            weighted_rows(row, channels, stride=outputs, padding=taps // 2) for row in sums.unbind()
        )
        self.products = products(kernel, outputs, dense)

    def forward(self, x: Tensor) -> Tensor:
        """``[1, T, pixels, O]``."""
        image = x.permute(0, 3, 1, 2)
        terms = [
            product(row(image).permute(0, 2, 3, 1))
            for row, product in zip(self.inputs, self.products, strict=True)
        ]
        # A tile's frames, side by side, are its rows in the order of time.
        return torch.cat(combined(terms, self.outputs), dim=2).reshape(*x.shape[:3], -1)


class FilteredStack(nn.Module):
    """The same on frames stacked along the height in ``tile_order``: ``[1, I, T * rows, columns]``.

    Args:
        kernel: ``[O, I, k]``, k odd.
        outputs: m of F(m, k); it divides T.
        dense: makes a 1x1 convolution.
        frames: T.
        rows: rows of a frame.
    """

    def __init__(
        self, kernel: Tensor, outputs: int, dense: Callable[[Affine], nn.Module], frames: int, rows: int
    ) -> None:
        super().__init__()
        self.outputs = outputs
        self.inputs = nn.ModuleList(
            _TilesOfStack(sums, kernel.shape[1], rows)
            for sums in _sums_of_stacked(kernel, outputs, frames).unbind()
        )
        self.products = products(kernel, outputs, dense)

    def forward(self, stacked: Tensor) -> Tensor:
        """``[1, O, T * rows, columns]`` in the same order."""
        terms = [product(tiles(stacked)) for tiles, product in zip(self.inputs, self.products, strict=True)]
        return torch.cat(combined(terms, self.outputs), dim=2)


class _TilesOfStack(nn.Module):
    """One row of ``B^T`` for every tile: sums over all stacked frames with weights ``[tiles, T]``."""

    def __init__(self, sums: Tensor, channels: int, rows: int) -> None:
        super().__init__()
        self.sums = nn.ModuleList(
            weighted_rows(weights, channels, dilation=rows) for weights in sums.unbind()
        )

    def forward(self, stacked: Tensor) -> Tensor:
        tiles = [row(stacked) for row in self.sums]
        return torch.cat(tiles, dim=2) if len(tiles) > 1 else tiles[0]


def tile_order(frames: int, outputs: int) -> tuple[int, ...]:
    """Frames by place, such that ``combined``'s are contiguous: all tiles' first frames, their second, ..."""
    return tuple(frame for first in range(outputs) for frame in range(first, frames, outputs))


def _sums_of_stacked(kernel: Tensor, outputs: int, frames: int) -> Tensor:
    """``B^T`` of every tile over all stacked frames: ``[n, tiles, T]``."""
    taps = kernel.shape[2]
    sums = as_tensor(minimal_filtering(outputs, taps).inputs)
    tiles = frames // outputs
    padded = torch.zeros(len(sums), tiles, frames + taps - 1, dtype=sums.dtype)
    for index in range(tiles):
        padded[:, index, index * outputs : index * outputs + len(sums)] = sums
    inside = padded[:, :, taps // 2 : taps // 2 + frames]
    return inside[:, :, list(tile_order(frames, outputs))].to(kernel.dtype)
