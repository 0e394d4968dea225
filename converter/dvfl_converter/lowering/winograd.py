"""Minimal filtering F(m, k): m frames of a k-tap temporal convolution from m + k - 1 products, not m * k.

Toom and Cook's algorithm as Winograd used it for filters (Winograd, *Arithmetic Complexity of Computations*,
1980; Lavin and Gray, arXiv 1509.09308, equation 5)::

    Y = A^T [(G g) * (B^T d)]

``d`` are the m + k - 1 input frames that a tile of m output frames sees, ``g`` the k taps. Here an entry of
``d`` is a frame and one of ``G g`` a matrix ``[C, C]``: each product is a linear layer over the positions of
all tiles. ``G g`` is computed once, in float64.

With the points p_0 .. p_{n-2} and infinity, n = m + k - 1, N_i = prod_{j != i} (p_i - p_j)::

    A^T[r, i] = p_i^r                    last column: 1 in the last row
    G[i, t]   = p_i^t / N_i              last row: 1 in the last column
    B^T[i, s] = [x^s] prod_{j != i} (x - p_j)    last row: [x^s] prod_j (x - p_j)

Exact in exact arithmetic. In float32 the points 0, +-1, +-2, +-1/2 of F(4, 5) cost a factor of four: relative
error 1.1e-6 against the direct form's 2.6e-7 at 384 channels. More points cost decimal digits, so there are
no larger tiles.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache

import torch
from torch import Tensor, nn

from dvfl_converter.lowering.folding import Affine

# A point and its negative follow each other, which `combined` relies on.
_POINTS = (Fraction(0), *(sign * Fraction(p) for p in ("1", "2", "1/2") for sign in (1, -1)))

# 8 frames of 2x2 pixels, 8 positions of F(4, k), take up to 1.24 of the direct form's time, 3x3 pixels at
# most 0.82: `python benchmarks/lowering.py litert --convolutions 768x2 768x3`. A phone has smaller caches.
FEWEST_POSITIONS = 32

_Rows = tuple[tuple[Fraction, ...], ...]


@dataclass(frozen=True)
class Form:
    """Where F(outputs, taps) is the best form.

    Products save work in proportion to the square of the channels, sums cost in proportion to the channels:
    hence ``fewest_channels``. The weights grow in proportion to the square too, by (m + k - 1) / k: hence
    ``most_channels``.
    """

    taps: int
    outputs: int
    fewest_channels: int
    most_channels: int = sys.maxsize


@dataclass(frozen=True)
class Filtering:
    """The matrices ``B^T [n, n]`` (inputs), ``G [n, k]`` (kernels) and ``A^T [m, n]`` (outputs)."""

    inputs: _Rows
    kernels: _Rows
    outputs: _Rows


@cache
def minimal_filtering(outputs: int, taps: int) -> Filtering:
    """F(outputs, taps), exactly; ``outputs + taps`` is 5, 7 or 9: zero, infinity and pairs of points."""
    points = _POINTS[: outputs + taps - 2]
    if len(points) != outputs + taps - 2 or len(points) % 2 == 0:
        raise ValueError(f"F({outputs}, {taps}): there are no points for it")
    others = [[q for q in points if q != p] for p in points]
    norms = [_evaluated(_with_roots(rest), p) for rest, p in zip(others, points, strict=True)]
    return Filtering(
        inputs=(*((*_with_roots(rest), Fraction(0)) for rest in others), _with_roots(points)),
        kernels=(
            *(tuple(p**t / norm for t in range(taps)) for p, norm in zip(points, norms, strict=True)),
            _unit(taps),
        ),
        outputs=tuple(
            (*(p**row for p in points), Fraction(int(row == outputs - 1))) for row in range(outputs)
        ),
    )


def transformed(kernel: Tensor, outputs: int) -> list[Tensor]:
    """``G g``: the n matrices ``[out, in]`` of a kernel ``[out, in, k]``, computed in float64."""
    weights = as_tensor(minimal_filtering(outputs, kernel.shape[2]).kernels)
    matrices = torch.einsum("nk,oik->noi", weights, kernel.double())
    return list(matrices.to(kernel.dtype))


def as_tensor(rows: Iterable[Iterable[Fraction]]) -> Tensor:
    """The matrix in float64."""
    return torch.tensor([[float(value) for value in row] for row in rows], dtype=torch.float64)


def combined(products: Sequence[Tensor], outputs: int) -> list[Tensor]:
    """``A^T`` of the products: the ``outputs`` frames of each tile.

    The sums and differences of the products at p and -p are shared: ``p^r (m_p + (-1)^r m_-p)``.
    """
    at_zero, *pairs, at_infinity = products
    positive = _POINTS[1 : len(products) - 1 : 2]
    sums = [p + n for p, n in zip(pairs[::2], pairs[1::2], strict=True)]
    differences = [p - n for p, n in zip(pairs[::2], pairs[1::2], strict=True)]
    frames = []
    for row in range(outputs):
        total = at_zero if row == 0 else None
        for point, term in zip(positive, differences if row % 2 else sums, strict=True):
            factor = float(point**row)
            scaled = term if factor == 1 else term * factor
            total = scaled if total is None else total + scaled
        assert total is not None
        frames.append(total + at_infinity if row == outputs - 1 else total)
    return frames


def products(kernel: Tensor, outputs: int, dense: Callable[[Affine], nn.Module]) -> nn.ModuleList:
    """The n linear layers of a kernel ``[O, I, k]``, in the target's form."""
    no_bias = torch.zeros(kernel.shape[0], dtype=kernel.dtype)
    return nn.ModuleList(dense((matrix, no_bias)) for matrix in transformed(kernel, outputs))


def tile(forms: Sequence[Form], kernel: Tensor, frames: int, pixels: int) -> int:
    """The m of the first form that is for a kernel ``[O, I, k]``, 1 for the direct form.

    Args:
        forms: a target's, the best first.
        kernel: only its shape counts.
        frames: T, which m must divide.
        pixels: positions of a frame. Products of few positions wait for their weights, and there are more.
    """
    taps, channels = kernel.shape[2], min(kernel.shape[:2])
    for form in forms:
        tiles, rest = divmod(frames, form.outputs)
        fits = form.taps == taps and rest == 0 and tiles * pixels >= FEWEST_POSITIONS
        if fits and form.fewest_channels <= channels <= form.most_channels:
            return form.outputs
    return 1


def _with_roots(roots: Sequence[Fraction]) -> tuple[Fraction, ...]:
    """The coefficients of prod (x - root), lowest power first."""
    coefficients: tuple[Fraction, ...] = (Fraction(1),)
    for root in roots:
        shifted, scaled = (Fraction(0), *coefficients), (*coefficients, Fraction(0))
        coefficients = tuple(a - root * b for a, b in zip(shifted, scaled, strict=True))
    return coefficients


def _evaluated(coefficients: Sequence[Fraction], point: Fraction) -> Fraction:
    return sum((value * point**power for power, value in enumerate(coefficients)), Fraction(0))


def _unit(size: int) -> tuple[Fraction, ...]:
    return (*(Fraction(0) for _ in range(size - 1)), Fraction(1))
