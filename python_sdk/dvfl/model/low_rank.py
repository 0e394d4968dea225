"""Convolution kernels that read fewer directions of their input than it has channels.

A kernel ``[O, I, k]`` whose taps together read only r directions of its input channels is the product of a
reduction ``[r, I]`` and narrow taps ``[O, r, k]``: ``W[o, i, t] = sum_j taps[o, j, t] reduce[j, i]``. The
rank is read off the weights, so that a checkpoint needs no other keys than any other.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from dvfl.model.network import VideoFocalNet

# Singular values below this share of the largest are what float32 made of zeros: rounding a product of
# factors leaves about 1e-7, and trained kernels end far above.
ROUNDING = 2e-6


@dataclass(frozen=True)
class Factors:
    """``kernel[o, i, t] = sum_j taps[o, j, t] reduce[j, i]``; the rows of ``reduce`` are orthonormal.

    Attributes:
        reduce: ``[r, I]``.
        taps: ``[O, r, k]``.
    """

    reduce: Tensor
    taps: Tensor

    @property
    def rank(self) -> int:
        """r, 1 or more."""
        return self.reduce.shape[0]


def temporal_layers(network: VideoFocalNet) -> dict[str, nn.Conv1d]:
    """The convolutions over T that mix channels, by module name, in the order in which they run."""
    return {
        name: module
        for name, module in network.named_modules()
        if isinstance(module, nn.Conv1d) and ".focal_layers_temporal." in name
    }


def factorised(kernel: Tensor) -> Factors:
    """The factors of a kernel ``[O, I, k]``, of the least rank that equals it up to float32's rounding."""
    out_channels, in_channels, taps = kernel.shape
    stacked = kernel.detach().double().permute(0, 2, 1).reshape(-1, in_channels)
    gram = stacked.T @ stacked
    if _is_full_rank(gram):
        return Factors(torch.eye(in_channels, dtype=kernel.dtype), kernel)
    energies, directions = torch.linalg.eigh(gram)
    kept = energies > ROUNDING**2 * energies[-1]
    reduce = directions[:, kept].T if bool(kept.any()) else directions[:, -1:].T
    narrow = (stacked @ reduce.T).view(out_channels, taps, -1).permute(0, 2, 1)
    return Factors(reduce.to(kernel.dtype), narrow.to(kernel.dtype))


def _is_full_rank(gram: Tensor) -> bool:
    """Quick and sure where it says yes, as for nearly every trained kernel; eigenvalues decide the others."""
    least = ROUNDING**2 * gram.trace()
    _, failed = torch.linalg.cholesky_ex(gram - least * torch.eye(len(gram), dtype=gram.dtype))
    return not bool(failed)
