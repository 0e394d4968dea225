"""One optimizer step: every part of the batch, the teacher, clipping, the update and the average."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from dvfl_training.config import TrainConfig
from dvfl_training.data.loader import Batch, to_input
from dvfl_training.engine.distributed import Processes
from dvfl_training.engine.state import State
from dvfl_training.engine.teacher import Teacher
from dvfl_training.errors import TrainingError
from dvfl_training.losses import losses
from dvfl_training.optimization import set_learning_rate

AUTOCAST: dict[str, torch.dtype | None] = {"fp32": None, "bf16": torch.bfloat16, "fp16": torch.float16}
# Below it, gradients that still overflow are not for want of scaling.
_LEAST_SCALE = 2.0**-10


@dataclass(frozen=True)
class StepFigures:
    """Means over the clips of one global batch, the same in every process.

    Attributes:
        loss: what was minimised.
        cross_entropy: its part from the targets.
        divergence: its part from the teacher, before ``alpha``; ``None`` without one.
        accuracy: share of clips whose likeliest class is that of the unmixed clip.
        gradient_norm: before clipping; infinite where fp16 overflowed and the step was left out.
        learning_rate: of this step.
    """

    loss: float
    cross_entropy: float
    divergence: float | None
    accuracy: float
    gradient_norm: float
    learning_rate: float


class Stepper:
    """Does steps on a state.

    Args:
        state: changed in place, but for its step count.
        teacher: ``None`` to train without.
    """

    def __init__(
        self, state: State, config: TrainConfig, processes: Processes, teacher: Teacher | None
    ) -> None:
        if config.run.compile:
            state.network.compile_features()
        self._state = state
        self._config = config
        self._processes = processes
        self._teacher = teacher if config.distillation.divergence != "none" else None
        self._network = _shared(state.network, processes)

    def step(self, parts: Iterable[Batch], learning_rate: float) -> StepFigures:
        """One optimizer step on ``config.run.accumulate`` parts of a batch.

        Raises:
            TrainingError: loss or gradient are not finite; the weights are as they were.
        """
        state, run = self._state, self._config.run
        torch.manual_seed(_seed(run.seed, state.step, self._processes.rank))
        state.network.train()
        state.optimizer.zero_grad(set_to_none=True)
        sums = sum(
            self._accumulate(part, last=number == run.accumulate)
            for number, part in enumerate(parts, start=1)
        )
        if not isinstance(sums, Tensor):
            raise TrainingError("the loader gave no clips for a step")
        loss, hard, divergence, right, clips = self._processes.total(sums).tolist()
        if not np.isfinite(loss):
            raise TrainingError("the loss is not finite")
        return StepFigures(
            loss=loss / clips,
            cross_entropy=hard / clips,
            divergence=None if self._teacher is None else divergence / clips,
            accuracy=right / clips,
            gradient_norm=self._update(learning_rate),
            learning_rate=learning_rate,
        )

    def _accumulate(self, part: Batch, *, last: bool) -> Tensor:
        """Adds the gradient of one part; sums of loss, cross-entropy, divergence, right answers, clips."""
        device = self._processes.device
        clips = to_input(part.clips, device)
        answer = self._teacher.answer(part, clips) if self._teacher else None
        with self._unless(last):
            logits = self._network(clips, self._autocast)
            found = losses(logits, part.targets.to(device), answer, self._config.distillation)
            scaled = self._state.scaler.scale(found.total / self._config.run.accumulate)
            scaled.backward()  # type: ignore[no-untyped-call]
        divergence = found.total.new_zeros(()) if found.divergence is None else found.divergence
        right = (logits.argmax(1) == part.labels.to(device)).double().mean()
        means = [found.total, found.cross_entropy, divergence, right, right.new_ones(())]
        return torch.stack([mean.detach().double() for mean in means]) * len(part.labels)

    def _unless(self, last: bool) -> AbstractContextManager[None]:
        """Processes exchange gradients once per step, at its last part."""
        if last or not isinstance(self._network, DistributedDataParallel):
            return nullcontext()
        return self._network.no_sync()

    @property
    def _autocast(self) -> torch.dtype | None:
        run = self._config.run
        return None if self._state.step < run.full_precision_steps else AUTOCAST[run.precision]

    def _update(self, learning_rate: float) -> float:
        state = self._state
        set_learning_rate(state.optimizer, learning_rate)
        state.scaler.unscale_(state.optimizer)
        clip = self._config.optimizer.gradient_clip
        norm = float(nn.utils.clip_grad_norm_(state.network.parameters(), clip))
        overflowed = not np.isfinite(norm)
        # Under fp16 the scaler leaves such a step out and scales the next one less.
        if overflowed and not (state.scaler.is_enabled() and state.scaler.get_scale() > _LEAST_SCALE):
            raise TrainingError("the gradient is not finite")
        state.scaler.step(state.optimizer)
        state.scaler.update()
        if state.network.ranks is not None:
            state.network.ranks.restore(state.network.network)
        if state.average is not None:
            state.average.update_parameters(state.network)
        return norm


def _shared(network: nn.Module, processes: Processes) -> nn.Module:
    if processes.world == 1:
        return network
    devices = [processes.device] if processes.device.type == "cuda" else None
    return DistributedDataParallel(network, device_ids=devices, broadcast_buffers=False)


def _seed(seed: int, step: int, rank: int) -> int:
    """Of the random numbers of one step, so that a resumed run draws the same."""
    return int(np.random.SeedSequence([seed, step, rank]).generate_state(1, np.uint64)[0] >> np.uint64(1))
