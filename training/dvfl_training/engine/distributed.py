"""The processes of a run: one, or several started by torchrun."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, distributed

from dvfl_training.errors import TrainingError

# What torchrun tells each process, and what holds without it.
_ENVIRONMENT = (("WORLD_SIZE", "1"), ("RANK", "0"), ("LOCAL_RANK", "0"))


@dataclass(frozen=True)
class Processes:
    """This process among all.

    Attributes:
        device: where this one computes.
        rank: its number, from 0.
        world: how many there are.
    """

    device: torch.device
    rank: int = 0
    world: int = 1

    @property
    def main(self) -> bool:
        """Whether this is the one that writes files and talks."""
        return self.rank == 0

    def total(self, values: Tensor) -> Tensor:
        """The sum over the processes; the same in each."""
        if self.world > 1:
            values = values.to(self.device, copy=True)
            distributed.all_reduce(values)
        return values

    def gather(self, value: Any) -> list[Any]:
        """The values of all processes in the order of their ranks; the same in each."""
        if self.world == 1:
            return [value]
        values: list[Any] = [None] * self.world
        distributed.all_gather_object(values, value)
        return values


@contextmanager
def joined_processes(device: str = "auto") -> Iterator[Processes]:
    """Joins the processes that torchrun started, or is alone; leaves them at the end.

    Args:
        device: ``cpu``, ``cuda`` (one GPU per process), or ``auto``: a GPU if there is one.

    Raises:
        TrainingError: ``cuda`` is asked for and absent, or has fewer GPUs than processes.
    """
    world, rank, local = (int(os.environ.get(name, fallback)) for name, fallback in _ENVIRONMENT)
    chosen = choose_device(device, local)
    if world == 1:
        yield Processes(chosen)
        return
    if chosen.type == "cuda":
        torch.cuda.set_device(chosen)
    distributed.init_process_group("nccl" if chosen.type == "cuda" else "gloo")
    try:
        with _without_advice():
            yield Processes(chosen, rank, world)
    finally:
        distributed.destroy_process_group()


@contextmanager
def _without_advice() -> Iterator[None]:
    """Hides what PyTorch tells whoever wrote this, once per process, and nobody who trains can act on."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="`broadcast_buffers` is deprecated", category=FutureWarning)
        warnings.filterwarnings("ignore", message="Grad strides do not match bucket view strides")
        yield


def choose_device(name: str, number: int = 0) -> torch.device:
    """The device for ``auto``, ``cpu`` or ``cuda``; ``number`` counts GPUs.

    Raises:
        TrainingError: see :func:`joined_processes`.
    """
    available = torch.cuda.is_available()
    if name == "cuda" and not available:
        raise TrainingError("--device cuda: this machine has no GPU that PyTorch can use; use --device cpu")
    if name == "cpu" or not available:
        return torch.device("cpu")
    if number >= torch.cuda.device_count():
        raise TrainingError(
            f"process {number} finds only {torch.cuda.device_count()} GPUs; start fewer with torchrun"
        )
    return torch.device("cuda", number)
