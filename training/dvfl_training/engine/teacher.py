"""The teacher: loaded strictly, shown to be fit, and asked about the very clips that the student sees."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor

from dvfl.model import VideoFocalNet
from dvfl.model.checkpoint import load_checkpoint
from dvfl_training.data.loader import Batch, ViewBatch
from dvfl_training.engine.distributed import Processes
from dvfl_training.engine.released import read_trained_on
from dvfl_training.errors import TrainingError
from dvfl_training.evaluation import Share, evaluate
from dvfl_training.network import logits


class Teacher(Protocol):
    """Anything that says what a teacher thinks of a batch."""

    def answer(self, batch: Batch, clips: Tensor) -> Tensor:
        """Logits ``[B, K]``, float32, without gradient, on the device of ``clips``.

        Args:
            batch: says which clips these are.
            clips: the same, normalised, ``[B, T, 3, H, W]``.
        """
        ...


class NetworkTeacher:
    """A checkpoint as a teacher: eval mode, no gradient.

    Attributes:
        sha256: of the file.
        calls: how often the network was run.
    """

    def __init__(
        self, network: VideoFocalNet, sha256: str, device: torch.device, autocast: torch.dtype | None = None
    ) -> None:
        self.sha256 = sha256
        self.calls = 0
        self._autocast = autocast
        self._network = network.eval().requires_grad_(False).to(device)

    def answer(self, _: Batch, clips: Tensor) -> Tensor:
        """See :class:`Teacher`."""
        self.calls += 1
        with torch.no_grad():
            return self.logits(clips)

    def logits(self, clips: Tensor) -> Tensor:
        """Logits ``[B, K]``, float32, in the precision in which it teaches."""
        return logits(self._network, clips, self._autocast)


def load_teacher(
    path: Path, classes: tuple[str, ...], device: torch.device, autocast: torch.dtype | None = None
) -> NetworkTeacher:
    """Loads a checkpoint, every key and shape, for a data set with these classes.

    Raises:
        CheckpointError: the file is no checkpoint of this family.
        TrainingError: its classes are others.
    """
    checkpoint = load_checkpoint(path)
    check_classes(path, read_trained_on(path).classes, checkpoint.architecture.num_classes, classes)
    return NetworkTeacher(checkpoint.network(), checkpoint.sha256, device, autocast)


def check_classes(path: Path, named: tuple[str, ...], rows: int, classes: tuple[str, ...]) -> None:
    """Holds the classes of a checkpoint (names, if it has any, and rows of its head) against a data set's.

    Raises:
        TrainingError: they differ.
    """
    if rows != len(classes):
        raise TrainingError(
            f"{path}: has {rows} classes, the data set {len(classes)}; train it on this data set first"
        )
    differing = [label for label, (a, b) in enumerate(zip(named, classes, strict=False)) if a != b]
    if differing:
        label = differing[0]
        raise TrainingError(
            f"{path}: its class {label} is '{named[label]}', the data set's is '{classes[label]}'; "
            "use the data set that it was trained on"
        )


def examine(
    teacher: NetworkTeacher,
    clips: Iterable[ViewBatch],
    classes: tuple[str, ...],
    processes: Processes,
) -> Share:
    """The teacher's top-1 accuracy on validation clips.

    Raises:
        TrainingError: it is no better than guessing: what it would teach is noise.
    """
    share = evaluate(teacher.logits, clips, classes, processes.device, processes.gather).top(1)
    if share.interval[0] <= 1 / len(classes):
        raise TrainingError(
            f"the teacher is no better than chance, {1 / len(classes):.1%}, on validation clips: {share}; "
            "train it on this data set first, or skip this check with --trust-teacher"
        )
    return share
