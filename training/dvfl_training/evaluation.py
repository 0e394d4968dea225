"""Accuracy on a split: top-1 and top-5 with intervals, per class, confusions, and the worst clips."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import NormalDist
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dvfl_training.data.loader import ViewBatch, to_input
from dvfl_training.errors import DataError, TrainingError

Model = Callable[[Tensor], Tensor]
_Z95 = NormalDist().inv_cdf(0.975)


@dataclass(frozen=True)
class Share:
    """``right`` of ``total`` clips."""

    right: int
    total: int

    @property
    def value(self) -> float:
        """0 to 1; 0 of nothing."""
        return self.right / self.total if self.total else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval (Wilson, Journal of the American Statistical Association 22, 1927)."""
        n, p = self.total, self.value
        if not n:
            return 0.0, 1.0
        middle, width = p + _Z95**2 / (2 * n), _Z95 * math.sqrt(p * (1 - p) / n + _Z95**2 / (4 * n**2))
        # The ends are 0 and 1 exactly where none or all are right; rounding must not say otherwise.
        low, high = (middle - width) / (1 + _Z95**2 / n), (middle + width) / (1 + _Z95**2 / n)
        return (low if self.right else 0.0), (high if self.right < n else 1.0)

    def __str__(self) -> str:
        low, high = self.interval
        return f"{self.value:.1%} (95 % interval {low:.1%} to {high:.1%})"


@dataclass(frozen=True)
class Evaluation:
    """What a network said to every clip of a split.

    Attributes:
        classes: names in the order of the labels.
        indices: int64 ``[N]``, rising: positions in the split's entries.
        labels: int64 ``[N]``.
        probabilities: float32 ``[N, K]``, the mean of the softmax over the views.
    """

    classes: tuple[str, ...]
    indices: NDArray[np.int64]
    labels: NDArray[np.int64]
    probabilities: NDArray[np.float32]

    @cached_property
    def predictions(self) -> NDArray[np.int64]:
        """The likeliest class of each clip, int64 ``[N]``; the first of equal ones."""
        return np.asarray(self.probabilities.argmax(axis=1), np.int64)

    def top(self, count: int) -> Share:
        """Clips whose class is among the ``count`` likeliest."""
        order = np.argsort(-self.probabilities, axis=1, kind="stable")[:, :count]
        return Share(int((order == self.labels[:, None]).any(axis=1).sum()), len(self.labels))

    @cached_property
    def confusion(self) -> NDArray[np.int64]:
        """Clips by class (row) and prediction (column), int64 ``[K, K]``."""
        table = np.zeros((len(self.classes), len(self.classes)), np.int64)
        np.add.at(table, (self.labels, self.predictions), 1)
        return table

    @property
    def per_class(self) -> tuple[Share, ...]:
        """Clips of each class that were recognised."""
        return tuple(Share(int(row[label]), int(row.sum())) for label, row in enumerate(self.confusion))

    def commonest_confusions(self, count: int) -> tuple[tuple[str, str, int], ...]:
        """A class, what its clips were taken for, and how many were; the commonest first."""
        wrong = self.confusion.copy()
        np.fill_diagonal(wrong, 0)
        order = np.argsort(-wrong, axis=None, kind="stable")[:count].tolist()
        found = [(*divmod(at, len(self.classes)), int(wrong.flat[at])) for at in order]
        return tuple(
            (self.classes[label], self.classes[taken], clips) for label, taken, clips in found if clips
        )

    def worst(self, count: int) -> tuple[int, ...]:
        """The wrong clips whose own class got the least probability, as rows of this evaluation."""
        own = self.probabilities[np.arange(len(self.labels)), self.labels]
        wrong = np.flatnonzero(self.predictions != self.labels)
        return tuple(int(row) for row in wrong[np.argsort(own[wrong], kind="stable")][:count])


def evaluate(
    model: Model,
    batches: Iterable[ViewBatch],
    classes: Sequence[str],
    device: torch.device,
    gather: Callable[[Any], list[Any]] = lambda value: [value],
) -> Evaluation:
    """Runs ``model`` (normalised ``[B, T, 3, H, W]`` to logits ``[B, K]``) over every view of every clip.

    Args:
        gather: collects a value from all processes, where each has its share of the clips.

    Raises:
        DataError: there is no clip.
        TrainingError: logits are not finite.
    """
    parts = [_answers(model, batch, device) for batch in batches]
    own = tuple(np.concatenate(columns) for columns in zip(*parts, strict=True)) if parts else None
    shares = [share for share in gather(own) if share is not None]
    if not shares:
        raise DataError("there is no clip to evaluate on; prepare the data set with this split")
    indices, labels, probabilities = (np.concatenate(columns) for columns in zip(*shares, strict=True))
    # Processes may repeat a clip to have equally many.
    _, first = np.unique(indices, return_index=True)
    return Evaluation(tuple(classes), indices[first], labels[first], probabilities[first])


@torch.inference_mode()
def _answers(
    model: Model, batch: ViewBatch, device: torch.device
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
    # View by view, since all views of a batch at once may not fit into memory.
    views = [model(to_input(batch.clips[:, view], device)).softmax(1) for view in range(batch.clips.shape[1])]
    probabilities = torch.stack(views).mean(dim=0)
    if not bool(torch.isfinite(probabilities).all()):
        raise TrainingError("the network's answers are not finite; its training diverged")
    return batch.indices.numpy(), batch.labels.numpy(), probabilities.float().cpu().numpy()
