"""From logits to predictions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Scores = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Prediction:
    """One class of a result.

    Attributes:
        index: row of the classifier head, 0-based; ``labels[index]`` is the label.
        label: the class name.
        logit: the model's raw output.
        score: softmax probability, 0..1; smoothed over time in a stream.
    """

    index: int
    label: str
    logit: float
    score: float


def softmax(logits: npt.ArrayLike) -> Scores:
    """Probabilities ``[K]``, float64, of logits ``[K]``; any finite logits give finite scores."""
    values = np.asarray(logits, dtype=np.float64)
    powers = np.exp(values - values.max())
    scores: Scores = powers / powers.sum()
    return scores


def rank(
    logits: npt.ArrayLike, labels: Sequence[str], top: int | None = 5, scores: Scores | None = None
) -> list[Prediction]:
    """The ``top`` classes, best score first and the lower index first on a tie.

    Args:
        logits: ``[K]``.
        labels: K names.
        top: how many to return; ``None`` for all, more than K gives all.
        scores: ``[K]`` to rank by in place of the softmax of ``logits``.

    Raises:
        ValueError: ``top`` is less than 1, or the lengths differ.
    """
    if top is not None and top < 1:
        raise ValueError(f"top must be at least 1, not {top}")
    values = np.asarray(logits, dtype=np.float64)
    if values.shape != (len(labels),):
        raise ValueError(f"logits of shape {list(values.shape)} do not fit {len(labels)} labels")
    # Logits order what the softmax rounds to the same score; a given score stands for itself.
    keys = values if scores is None else scores
    shown = softmax(values) if scores is None else scores
    order = np.argsort(-keys, kind="stable")[:top]
    return [Prediction(int(i), labels[i], float(values[i]), float(shown[i])) for i in order]
