"""A few steps on random clips: whether a run fits into memory, and how long it will take."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch

from dvfl.model import Architecture
from dvfl_training.config import TrainConfig
from dvfl_training.data.loader import Batch
from dvfl_training.engine.distributed import Processes
from dvfl_training.engine.state import new_state
from dvfl_training.engine.stepping import AUTOCAST, Stepper
from dvfl_training.engine.teacher import load_teacher
from dvfl_training.initialisation import begin
from dvfl_training.network import TrainingNetwork


@dataclass(frozen=True)
class Measured:
    """What the steps showed.

    Attributes:
        parameters: of the network.
        step_seconds: of one step, without decoding.
        memory_bytes: the most that this process held.
        gpu_bytes: the most that PyTorch held on the GPU; ``None`` without one.
        init: the account of the weights it started from.
    """

    parameters: int
    step_seconds: float
    memory_bytes: int
    gpu_bytes: int | None
    init: tuple[str, ...] = ()


def try_out(
    config: TrainConfig,
    classes: tuple[str, ...],
    device: torch.device,
    teacher: Path | None = None,
    init: Path | None = None,
) -> Measured:
    """Builds everything, does a step in each precision of the run, and times one more.

    Raises:
        DvflError: the teacher or the weights to start from are unfit.
    """
    torch.manual_seed(config.run.seed)
    network = TrainingNetwork(
        Architecture(config.model.depths, config.model.width, len(classes)), config.model
    )
    account = begin(network, init, classes) if init else []
    state = new_state(network, config, device)
    asked = load_teacher(teacher, classes, device, AUTOCAST[config.run.precision]) if teacher else None
    stepper = Stepper(state, config, Processes(device), asked)
    # The first step of each precision compiles kernels, so it is not timed.
    for state.step in sorted({0, config.run.full_precision_steps}):
        stepper.step(_random_parts(config, len(classes)), config.schedule.warmup_lr)
    started = time.perf_counter()
    stepper.step(_random_parts(config, len(classes)), config.schedule.warmup_lr)
    return Measured(
        parameters=sum(parameter.numel() for parameter in network.network.parameters()),
        step_seconds=time.perf_counter() - started,
        memory_bytes=_peak_memory(),
        gpu_bytes=torch.cuda.max_memory_allocated(device) if device.type == "cuda" else None,
        init=tuple(account),
    )


def _random_parts(config: TrainConfig, classes: int) -> Iterator[Batch]:
    clip, size = config.clip, config.run.batch // config.run.accumulate
    for _ in range(config.run.accumulate):
        yield Batch(
            clips=torch.randint(0, 256, (size, clip.frames, clip.size, clip.size, 3), dtype=torch.uint8),
            targets=torch.full((size, classes), 1 / classes),
            labels=torch.randint(0, classes, (size,)),
            indices=torch.arange(size),
            variants=torch.zeros(size, dtype=torch.int64),
        )


def _peak_memory() -> int:
    """Bytes; the system counts in kibibytes on Linux and in bytes on macOS."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak
