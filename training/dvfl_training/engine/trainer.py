"""The loop: steps, validations, saves; the same for a teacher and for a student."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import NoReturn, Protocol

import torch

from dvfl.model import VideoFocalNet
from dvfl_training.data.loader import Batch, ViewBatch
from dvfl_training.engine.distributed import Processes
from dvfl_training.engine.interruption import Interruption, StoppedError, watch_signals
from dvfl_training.engine.released import TrainedOn, write_released
from dvfl_training.engine.run_log import RunFolder, RunLog
from dvfl_training.engine.state import Inputs, Job, State, save_state
from dvfl_training.engine.stepping import StepFigures, Stepper
from dvfl_training.engine.teacher import Teacher
from dvfl_training.errors import DataError, TrainingError
from dvfl_training.evaluation import Evaluation, evaluate
from dvfl_training.optimization import Schedule

# An epoch of a large data set takes hours.
_SAVE_EVERY_SECONDS = 600.0


class TrainingClips(Protocol):
    """What :class:`dvfl_training.data.loader.TrainingLoader` gives."""

    @property
    def steps_per_epoch(self) -> int:
        """Optimizer steps."""
        ...

    def batches(self, epoch: int, first_step: int = 0) -> Iterator[Batch]:
        """``run.accumulate`` parts per step, from ``first_step`` on."""
        ...


@dataclass(frozen=True)
class Validation:
    """One look at the validation clips.

    Attributes:
        step, epoch: after how many.
        evaluation: of the network that is kept.
        best: whether it is the best so far, so that ``best.pth`` is this network.
    """

    step: int
    epoch: int
    evaluation: Evaluation
    best: bool


class Listener(Protocol):
    """Follows a run; called in the main process only."""

    def stepped(self, step: int, figures: StepFigures) -> None:
        """``step`` optimizer steps are done."""
        ...

    def validated(self, validation: Validation) -> None:
        """The network was validated, and what is kept is written."""
        ...


@dataclass(frozen=True)
class Material:
    """What a run learns from.

    Attributes:
        clips: for training.
        validation: clips to choose the best network by; ``None`` keeps the last one instead.
        teacher: ``None`` to learn from the targets alone.
    """

    clips: TrainingClips
    validation: Iterable[ViewBatch] | None = None
    teacher: Teacher | None = None


class Trainer:
    """Trains a state to the end of its schedule.

    Args:
        job: what is trained.
        state: where it starts; changed in place.
        folder: of the run; it exists.
        inputs: remembered in the saved state.
    """

    def __init__(
        self,
        job: Job,
        state: State,
        material: Material,
        folder: RunFolder,
        processes: Processes,
        listener: Listener,
        inputs: Inputs | None = None,
    ) -> None:
        config = job.config
        self._job = job
        self._state = state
        self._material = material
        self._folder = folder
        self._processes = processes
        self._listener = listener
        self._inputs = inputs or Inputs()
        self._schedule = Schedule(config.schedule, config.run.batch, material.clips.steps_per_epoch)
        self._stepper = Stepper(state, config, processes, material.teacher)

    def run(self) -> None:
        """Every step that is left.

        Raises:
            StoppedError: Ctrl-C or SIGTERM; the state is saved.
            TrainingError: loss or gradient stopped being finite; what was saved before stays.
            OutputError: a file could not be written; what was saved before stays.
        """
        log = RunLog(self._folder, self._state.step, self._schedule.steps) if self._processes.main else None
        try:
            with watch_signals() as interruption:
                if not self._state.step:
                    self._save()
                while self._state.step < self._schedule.steps:
                    self._epoch(log, interruption)
        finally:
            if log is not None:
                log.close()

    def _epoch(self, log: RunLog | None, interruption: Interruption) -> None:
        epoch, first = divmod(self._state.step, self._schedule.steps_per_epoch)
        batches = self._material.clips.batches(epoch, first)
        saved_at = time.monotonic()
        for step in range(first + 1, self._schedule.steps_per_epoch + 1):
            figures = self._step(self._fetch(batches, interruption))
            ended = step == self._schedule.steps_per_epoch
            self._record(figures, log, epoch_ended=ended)
            late = time.monotonic() - saved_at > _SAVE_EVERY_SECONDS
            stop, save = self._agree(interruption.requested, ended or late)
            if stop:
                self._stop()
            if save:
                self._save()
                saved_at = time.monotonic()

    def _fetch(self, batches: Iterator[Batch], interruption: Interruption) -> list[Batch]:
        """The parts of a step."""
        try:
            return list(islice(batches, self._job.config.run.accumulate))
        except (RuntimeError, DataError):
            # A Ctrl-C also reaches the processes that decode, which may die of it before this one looks.
            if interruption.requested and self._processes.world == 1:
                self._stop()
            raise

    def _step(self, parts: list[Batch]) -> StepFigures:
        state = self._state
        try:
            figures = self._stepper.step(parts, self._schedule.learning_rate(state.step))
        except TrainingError as error:
            raise TrainingError(f"step {state.step + 1:,}: {error}; {self._what_is_kept()}") from None
        state.step += 1
        return figures

    def _what_is_kept(self) -> str:
        """What a diverged run leaves, and what to do."""
        best = f", {self._folder.best.name} the best network" if self._folder.best.exists() else ""
        exact = "" if self._job.config.run.precision == "fp32" else " or run.precision=fp32"
        return (
            f"{self._folder.state} keeps an earlier state{best}; "
            f"start anew with a lower schedule.base_lr{exact}"
        )

    def _record(self, figures: StepFigures, log: RunLog | None, *, epoch_ended: bool) -> None:
        """Validates where it is due, keeps the best network, and tells those who follow."""
        step = self._state.step
        epochs = step // self._schedule.steps_per_epoch
        due = epoch_ended and (
            epochs % self._job.config.run.validate_every == 0 or step == self._schedule.steps
        )
        validation = self._validate(epochs) if due else None
        if log is None:
            return
        log.add(_row(figures, step, step / self._schedule.steps_per_epoch, validation))
        self._listener.stepped(step, figures)
        if validation is not None:
            self._listener.validated(validation)

    def _validate(self, epochs: int) -> Validation | None:
        state = self._state
        network = state.kept_network.folded()
        if self._job.config.run.half_checkpoint:
            network = network.half().float()
        if self._material.validation is None:
            self._keep(network, 0.0, epochs)
            return None
        evaluation = evaluate(
            network,
            self._material.validation,
            self._job.classes,
            self._processes.device,
            self._processes.gather,
        )
        top1 = evaluation.top(1).value
        best = top1 > state.best_top1
        if best:
            state.best_top1, state.best_step = top1, state.step
            self._keep(network, top1, epochs)
        return Validation(state.step, epochs, evaluation, best)

    def _keep(self, network: VideoFocalNet, top1: float, epochs: int) -> None:
        if self._processes.main:
            trained_on = TrainedOn(self._job.classes, self._job.dataset)
            write_released(network, self._folder.best, self._job.config, trained_on, top1, epochs)

    def _agree(self, stop: bool, save: bool) -> tuple[bool, bool]:
        """Whether any process wants to; clocks and signals differ between them."""
        if self._processes.world == 1:
            return stop, save
        wishes = torch.tensor([float(stop), float(save)])
        stopping, saving = self._processes.total(wishes).tolist()
        return stopping > 0, saving > 0

    def _stop(self) -> NoReturn:
        self._save()
        raise StoppedError(
            f"stopped after step {self._state.step:,} of {self._schedule.steps:,}, saved; "
            f"go on with: dvfl {'distill' if self._inputs.teacher else 'train'} --resume {self._folder.path}"
        )

    def _save(self) -> None:
        if self._processes.main:
            save_state(self._state, self._job, self._inputs, self._folder.state)


def _row(figures: StepFigures, step: int, epoch: float, validation: Validation | None) -> dict[str, float]:
    """By column of ``metrics.csv``."""
    row = {
        "step": step,
        "epoch": epoch,
        "loss": figures.loss,
        "cross_entropy": figures.cross_entropy,
        "batch_accuracy": figures.accuracy,
        "learning_rate": figures.learning_rate,
        "gradient_norm": figures.gradient_norm,
    }
    if figures.divergence is not None:
        row["divergence"] = figures.divergence
    if validation is not None:
        row["validation_top1"] = validation.evaluation.top(1).value
        row["validation_top5"] = validation.evaluation.top(5).value
    return row
