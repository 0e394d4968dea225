"""How far an artifact's logits are from the reference's: float64, on flattened vectors."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dvfl.manifest import ClipParity

MAX_SNR_DB = 300.0

Vector = NDArray[np.float32] | NDArray[np.float64] | Sequence[float]


def compare(clip: str, reference: Vector, measured: Vector) -> ClipParity:
    """All figures of one clip.

    ``error_of_range`` is the largest absolute error over the reference's range (max - min), so that one
    tolerance serves confident and indifferent models.
    """
    wanted = np.asarray(reference, np.float64).ravel()
    found = np.asarray(measured, np.float64).ravel()
    error = float(np.abs(found - wanted).max())
    spread = float(np.ptp(wanted))
    return ClipParity(
        clip=clip,
        max_abs_error=error,
        error_of_range=error / spread if spread > 0 else float(error > 0),
        cosine=cosine(wanted, found),
        snr_db=snr_db(wanted, found),
        top1_agrees=bool(wanted.argmax() == found.argmax()),
        top5_agrees=_best(wanted, 5) == _best(found, 5),
    )


def cosine(reference: NDArray[np.float64], measured: NDArray[np.float64]) -> float:
    """Cosine of the angle between two vectors; 1 for two zero vectors, 0 if only one is zero."""
    norms = float(np.linalg.norm(reference) * np.linalg.norm(measured))
    if norms == 0.0:
        return float(np.array_equal(reference, measured))
    return min(1.0, max(-1.0, float(reference @ measured) / norms))


def snr_db(reference: NDArray[np.float64], measured: NDArray[np.float64]) -> float:
    """``10 log10(sum(reference^2) / sum((measured - reference)^2))``, capped at ±:data:`MAX_SNR_DB`."""
    signal = float((reference**2).sum())
    noise = float(((measured - reference) ** 2).sum())
    if noise == 0.0:
        return MAX_SNR_DB
    if signal == 0.0:
        return -MAX_SNR_DB
    return max(-MAX_SNR_DB, min(MAX_SNR_DB, 10.0 * math.log10(signal / noise)))


def _best(logits: NDArray[np.float64], count: int) -> set[int]:
    return set(np.argsort(-logits, kind="stable")[:count].tolist())
