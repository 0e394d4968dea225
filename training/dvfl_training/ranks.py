"""Training temporal kernels of low rank without raising it.

A kernel ``W`` of rank r (:mod:`dvfl.model.low_rank`) reads only the rows of ``R`` ``[r, I]``, orthonormal.
After every step each tap goes back onto them, ``W R^T R``: the taps go on learning, the directions stay.
Averages of such kernels have the same rank, so an exponential average keeps it too.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from dvfl.model import VideoFocalNet
from dvfl.model.low_rank import factorised, temporal_layers


class KeptRanks(nn.Module):
    """The projectors ``R^T R`` ``[I, I]`` of a network's temporal kernels, float32, saved with a run's state.

    Args:
        network: only its shapes count; every rank is full until :meth:`read`.
    """

    def __init__(self, network: VideoFocalNet) -> None:
        super().__init__()
        for name, layer in temporal_layers(network).items():
            self.register_buffer(_key(name), torch.eye(layer.in_channels))

    @torch.no_grad()
    def read(self, network: VideoFocalNet) -> int:
        """Remembers the directions that kernels read; how many kernels have less than full rank."""
        lower = 0
        for name, layer in temporal_layers(network).items():
            found = factorised(layer.weight.cpu())
            directions = found.reduce.double()
            self.get_buffer(_key(name)).copy_((directions.T @ directions).float())
            lower += found.rank < layer.in_channels
        return lower

    @torch.no_grad()
    def restore(self, network: VideoFocalNet) -> None:
        """Puts every kernel back onto its directions."""
        for name, layer in temporal_layers(network).items():
            layer.weight.copy_(_projected(layer.weight, self.get_buffer(_key(name))))


def _projected(kernel: Tensor, projector: Tensor) -> Tensor:
    return torch.einsum("oit,ij->ojt", kernel.double(), projector.double()).to(kernel.dtype)


def _key(name: str) -> str:
    return name.replace(".", "_")
