"""The whole state of a run: what a killed one needs to go on as if nothing had happened.

Random numbers need no state: each step draws its own seed from the run's seed and the step's number.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch.amp.grad_scaler import GradScaler
from torch.optim.swa_utils import AveragedModel

from dvfl.model import Architecture
from dvfl_training.config import TrainConfig
from dvfl_training.engine.ema import averaged
from dvfl_training.engine.saving import save_tensors
from dvfl_training.errors import TrainingError
from dvfl_training.network import TrainingNetwork
from dvfl_training.optimization import build_optimizer

_SCHEMA = 1
# Options that change when and how fast, but not what is computed.
_FREE = {"run.workers", "run.validate_every"}


@dataclass(frozen=True)
class Job:
    """Everything that decides what a run computes.

    Attributes:
        config: the recipe.
        classes: names in the order of the labels.
        dataset: its name.
        data_sha256: of the manifest's rows.
        teacher_sha256, init_sha256: of the files; empty without.
    """

    config: TrainConfig
    classes: tuple[str, ...]
    dataset: str
    data_sha256: str
    teacher_sha256: str = ""
    init_sha256: str = ""

    @property
    def architecture(self) -> Architecture:
        """Of the network that is trained."""
        return Architecture(self.config.model.depths, self.config.model.width, len(self.classes))


@dataclass(frozen=True)
class Inputs:
    """Where a run's files lie, so that it can be continued by its folder alone; empty for none."""

    manifest: str = ""
    teacher: str = ""
    init: str = ""
    logits: str = ""


@dataclass
class State:
    """What changes while training.

    Attributes:
        network: with the newest weights.
        optimizer, scaler: with their own state; the scaler does nothing but for fp16.
        average: the averaged network; ``None`` without.
        step: optimizer steps done.
        best_top1: the best accuracy so far; -1 before the first validation.
        best_step: when that was.
    """

    network: TrainingNetwork
    optimizer: torch.optim.Optimizer
    scaler: GradScaler
    average: AveragedModel | None
    step: int = 0
    best_top1: float = -1.0
    best_step: int = 0

    @property
    def kept_network(self) -> TrainingNetwork:
        """The one that is validated and written: averaged, if there is an average."""
        network = self.network if self.average is None else self.average.module
        if not isinstance(network, TrainingNetwork):
            raise TypeError("the average is of another network")
        return network


def new_state(network: TrainingNetwork, config: TrainConfig, device: torch.device) -> State:
    """The state at step 0."""
    network = network.to(device)
    if config.run.channels_last:
        network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return State(
        network=network,
        optimizer=build_optimizer(network, config.optimizer),
        scaler=GradScaler(device.type, enabled=config.run.precision == "fp16"),
        average=averaged(network, config.run.ema) if config.run.ema else None,
    )


def save_state(state: State, job: Job, inputs: Inputs, path: Path) -> None:
    """Replaces the file at ``path`` when the new one is complete.

    Raises:
        OutputError: it cannot be written; the earlier file stays.
    """
    content = {
        "schema": _SCHEMA,
        "job": {**asdict(job), "config": job.config.model_dump(mode="json"), "classes": list(job.classes)},
        "inputs": asdict(inputs),
        "step": state.step,
        "best_top1": state.best_top1,
        "best_step": state.best_step,
        "network": state.network.state_dict(),
        "optimizer": state.optimizer.state_dict(),
        "scaler": state.scaler.state_dict(),
        "average": None if state.average is None else state.average.state_dict(),
    }
    save_tensors(content, path)


@dataclass(frozen=True)
class SavedState:
    """A file that :func:`save_state` wrote."""

    path: Path
    job: Job
    inputs: Inputs
    content: Mapping[str, Any]

    @property
    def step(self) -> int:
        """Optimizer steps done."""
        return int(self.content["step"])

    def restore(self, state: State, job: Job) -> None:
        """Makes ``state`` what it was.

        Raises:
            TrainingError: it was saved by another job; the message names the first difference.
        """
        difference = _difference(self.job, job)
        if difference:
            raise TrainingError(f"{self.path}: {difference}; continue with the same, or choose another --out")
        state.network.load_state_dict(self.content["network"])
        state.optimizer.load_state_dict(self.content["optimizer"])
        state.scaler.load_state_dict(self.content["scaler"])
        if state.average is not None:
            state.average.load_state_dict(self.content["average"])
        state.step = self.step
        state.best_top1 = float(self.content["best_top1"])
        state.best_step = int(self.content["best_step"])


def load_state(path: Path) -> SavedState:
    """Reads a file that :func:`save_state` wrote.

    Raises:
        TrainingError: it is missing, or no such file.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        job = Job(
            **{
                **content["job"],
                "config": TrainConfig.model_validate(content["job"]["config"]),
                "classes": tuple(content["job"]["classes"]),
            }
        )
        if content["schema"] != _SCHEMA:
            raise ValueError(f"schema {content['schema']}")
        return SavedState(path, job, Inputs(**content["inputs"]), content)
    except FileNotFoundError:
        raise TrainingError(f"{path}: no such file; --resume takes the folder of an earlier run") from None
    except Exception as error:
        raise TrainingError(
            f"{path}: is no state of a training run of this version ({type(error).__name__})"
        ) from None


def _difference(saved: Job, wanted: Job) -> str:
    """The first option in which two jobs differ, in words; empty if they compute the same."""
    earlier, now = _flat(saved.config), _flat(wanted.config)
    for option, value in earlier.items():
        if now[option] != value and option not in _FREE:
            return f"was made with {option}={value}, not {now[option]}"
    if saved.classes != wanted.classes or saved.data_sha256 != wanted.data_sha256:
        return f"was made with another data set ({saved.dataset}), or its manifest has changed"
    if saved.teacher_sha256 != wanted.teacher_sha256:
        return "was made with another teacher"
    if saved.init_sha256 != wanted.init_sha256:
        return "was made with another --init"
    return ""


def _flat(config: TrainConfig) -> dict[str, Any]:
    sections = config.model_dump(mode="json")
    return {
        f"{section}.{name}": value for section, options in sections.items() for name, value in options.items()
    }
