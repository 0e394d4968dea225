"""The best low-rank approximations of a convolution's kernel, given what its input looks like.

Minimised is the error of the layer's output on calibration clips, not that of its weights: trained temporal
kernels have full rank, but their inputs hardly leave a few directions. With the windows x of the input, each
``[I * k]``, and their second moment ``S = mean(x x^T)``, the squared error of a kernel V in place of W is
``tr((W - V) S (W - V)^T)``.

A kernel of rank r reads r directions of the input channels. These are the first right singular vectors of
the stacked taps times the root of the channels' second moment, which is optimal where neighbouring frames are
unrelated; the taps on these directions are then the exact least squares for the real S. The directions of a
larger rank contain those of a smaller one, so one Cholesky factor of S in their basis gives every error.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

# Of the variance along the strongest direction: what input channels hardly do must not be divided by.
_LEAST_VARIANCE = 1e-6
# Clips that stand still make S singular: neighbouring frames are equal.
_RIDGE = 1e-8


@dataclass(frozen=True)
class LowRankFits:
    """Approximations of one kernel ``[O, I, k]`` at every rank.

    Attributes:
        errors: float64 ``[I]``: of rank 1, 2, ...: root of the error's energy over the output's.
    """

    errors: Tensor
    _directions: Tensor
    _factor: Tensor
    _projected: Tensor
    _shape: tuple[int, int, int]

    def least_rank(self, error: float) -> int:
        """The smallest rank whose error is at most ``error``; the full one if none is."""
        enough = (self.errors <= error).nonzero()
        return int(enough[0]) + 1 if len(enough) else len(self.errors)

    def kernel(self, rank: int) -> Tensor:
        """The approximation ``[O, I, k]`` of a rank, float64."""
        out_channels, _, taps = self._shape
        used = rank * taps
        narrow = torch.linalg.solve_triangular(
            self._factor[:used, :used].T, self._projected[:used], upper=True
        )
        shaped = narrow.T.reshape(out_channels, rank, taps)
        return torch.einsum("ort,ri->oit", shaped, self._directions[:rank])


def fit_low_rank(kernel: Tensor, moment: Tensor) -> LowRankFits:
    """Fits every rank.

    Args:
        kernel: ``[O, I, k]``.
        moment: float64 ``[I * k, I * k]``: second moment of the windows, ordered by channel, then by tap.
    """
    out_channels, in_channels, taps = kernel.shape
    wide = kernel.detach().double()
    directions = _directions(wide, moment)
    rotated = _rotated(moment, directions, taps)
    rotated.diagonal().add_(_RIDGE * rotated.diagonal().mean())
    factor = torch.linalg.cholesky(rotated)
    # P S W^T, where P rotates windows into the directions.
    target = _rotate_rows(moment, directions, taps) @ wide.reshape(out_channels, -1).T
    projected = torch.linalg.solve_triangular(factor, target, upper=False)
    kept = projected.square().sum(dim=1).view(in_channels, taps).sum(dim=1).cumsum(dim=0)
    output = output_energy(wide, moment)
    errors = ((output - kept) / output).clamp_min(0).sqrt() if output > 0 else torch.zeros_like(kept)
    return LowRankFits(errors, directions, factor, projected, (out_channels, in_channels, taps))


def output_energy(kernel: Tensor, moment: Tensor) -> float:
    """``tr(W S W^T)``: mean over positions of the squared norm of the layer's output."""
    flat = kernel.double().flatten(1)
    return float(((flat @ moment) * flat).sum())


def _directions(kernel: Tensor, moment: Tensor) -> Tensor:
    """``[I, I]``: rows read channels, the most useful first; the channels' mean variance along each is 1."""
    _, in_channels, taps = kernel.shape
    blocks = moment.view(in_channels, taps, in_channels, taps)
    channels = blocks.diagonal(dim1=1, dim2=3).mean(dim=-1)
    variances, axes = torch.linalg.eigh(channels)
    deviations = variances.clamp_min(_LEAST_VARIANCE * float(variances[-1].clamp_min(1e-300))).sqrt()
    stacked = kernel.permute(0, 2, 1).reshape(-1, in_channels) @ (axes * deviations)
    _, right = torch.linalg.eigh(stacked.T @ stacked)
    directions: Tensor = right.flip(1).T @ (axes / deviations).T
    return directions


def _rotated(moment: Tensor, directions: Tensor, taps: int) -> Tensor:
    """``P S P^T``."""
    return _rotate_rows(_rotate_rows(moment, directions, taps).T, directions, taps).T


def _rotate_rows(matrix: Tensor, directions: Tensor, taps: int) -> Tensor:
    """``P M`` for a matrix whose rows are channels and, within each, taps."""
    channels = directions.shape[0]
    return (directions @ matrix.reshape(channels, -1)).reshape(channels * taps, -1)
