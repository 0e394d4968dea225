"""Temporal convolutions with fewer products: Winograd's minimal filtering F(2, k) over time.

Two output frames of a k-tap filter need k + 1 products instead of 2k (Winograd 1980; Lavin and Gray,
arXiv 1509.09308, equation 8)::

    Y = A^T [ (G g) * (B^T d) ]

``d`` holds the k + 1 input frames from ``2i - k // 2`` on, which tile i's output frames ``2i`` and ``2i + 1``
see, and ``g`` the taps. Here an entry of ``d`` is a whole frame and one of ``G g`` a matrix ``[C, C]``, so
that a product is a linear layer on half of the positions. ``G g`` is computed once, in float64. ``B^T`` and
``A^T`` are sums of frames; they are written out, because shared terms save a third of them.

Exact in exact arithmetic; float32 results differ from the direct form's by rounding.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from dvfl_converter.lowering.folding import Affine

FEWEST_CHANNELS = 192
FEWEST_POSITIONS = 128


@dataclass(frozen=True)
class _Points:
    """The interpolation points of F(2, k) without infinity, and the factor of each one's row of ``G``."""

    points: tuple[float, ...]
    factors: tuple[float, ...]


_POINTS = {
    3: _Points((0, 1, -1), (1, 1 / 2, 1 / 2)),
    5: _Points((0, 1, -1, 2, -2), (1 / 4, -1 / 6, -1 / 6, 1 / 24, 1 / 24)),
}


def pays(channels: int, taps: int, frames: int, pixels: int) -> bool:
    """Whether F(2, k) is the faster form for ``frames`` frames of ``pixels`` positions.

    A value saves about C multiplications and costs some sums; few positions wait for the weights, of
    which there are (k + 1) / k times as many. Time of F(2, 3) and F(2, 5) over the direct form's in LiteRT,
    8 frames (``python benchmarks/temporal_convolutions.py``): 96 channels of 56x56 1.03 and 1.13, 192 of
    28x28 0.89 and 0.96, 384 of 14x14 0.77 and 0.76, 768 of 7x7 0.74 and 0.66, 256 of 2x2 1.40 and 1.38.
    """
    positions = frames // 2 * pixels
    return (
        taps in _POINTS
        and frames % 2 == 0
        and frames >= 4
        and channels >= FEWEST_CHANNELS
        and positions >= FEWEST_POSITIONS
    )


def transformed(kernel: Tensor) -> list[Tensor]:
    """``G g``: the k + 1 matrices ``[out, in]`` of a kernel ``[out, in, k]``."""
    taps = kernel.double().unbind(-1)
    chosen = _POINTS[len(taps)]
    rows = [
        factor * sum(point**power * tap for power, tap in enumerate(taps))
        for point, factor in zip(chosen.points, chosen.factors, strict=True)
    ]
    return [torch.as_tensor(row).to(kernel.dtype) for row in (*rows, taps[-1])]


class WinogradOverTime(nn.Module):
    """A temporal convolution of kernel ``[C, C, k]``, k of 3 or 5, with zero padding that keeps T.

    Args:
        kernel: ``[C, C, k]``.
        dense: makes a linear layer in the target's form.
        earlier: gives each tile the frame of the tile before it: ``[x0, x1, x2]`` becomes ``[0, x0, x1]``.
        later: of the tile after it: ``[x1, x2, 0]``.
    """

    def __init__(
        self,
        kernel: Tensor,
        dense: Callable[[Affine], nn.Module],
        earlier: Callable[[Tensor], Tensor],
        later: Callable[[Tensor], Tensor],
    ) -> None:
        super().__init__()
        no_bias = torch.zeros(kernel.shape[0], dtype=kernel.dtype)
        self.products = nn.ModuleList(dense((matrix, no_bias)) for matrix in transformed(kernel))
        self.earlier = earlier
        self.later = later

    def pairs(self, even: Tensor, odd: Tensor) -> tuple[Tensor, Tensor]:
        """The even and the odd output frames from the even and the odd input frames."""
        if len(self.products) == 4:
            return self._three_taps(even, odd)
        return self._five_taps(even, odd)

    def _three_taps(self, even: Tensor, odd: Tensor) -> tuple[Tensor, Tensor]:
        """``B^T`` is ``d0-d2, d1+d2, d2-d1, d1-d3`` and ``A^T`` is ``[1 1 1 0], [0 1 -1 -1]``."""
        first, plus, minus, last = self.products
        d0, d1, d2, d3 = self.earlier(odd), even, odd, self.later(even)
        m1, m2 = plus(d1 + d2), minus(d2 - d1)
        return first(d0 - d2) + (m1 + m2), (m1 - m2) - last(d1 - d3)

    def _five_taps(self, even: Tensor, odd: Tensor) -> tuple[Tensor, Tensor]:
        """``B^T`` is that of F(4, 3) with the points 0, 1, -1, 2, -2; ``A^T`` its first two rows.

        ``4d0-5d2+d4, (d4-4d2) +- (d3-4d1), (d4-d2) +- 2(d3-d1), 4d1-5d3+d5``. The factors are floats:
        ExecuTorch converts a whole number to float in every run, outside the delegate.
        """
        first, plus1, minus1, plus2, minus2, last = self.products
        d0, d1, d2, d3 = self.earlier(even), self.earlier(odd), even, odd
        d4, d5 = self.later(even), self.later(odd)
        outer, inner = d4 - d2, (d3 - d1) * 2.0
        wide, narrow = d4 - d2 * 4.0, d3 - d1 * 4.0
        m1, m2 = plus1(wide + narrow), minus1(wide - narrow)
        m3, m4 = plus2(outer + inner), minus2(outer - inner)
        m0, m5 = first(outer + (d0 - d2) * 4.0), last((d5 - d3) - inner * 2.0)
        return m0 + ((m1 + m2) + (m3 + m4)), ((m1 - m2) + (m3 - m4) * 2.0) + m5
