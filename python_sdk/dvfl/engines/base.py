"""The engine protocol: uint8 clip in, logits out."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from dvfl.errors import EngineError
from dvfl.manifest import InputContract

Logits = NDArray[np.float32]
ClipPixels = NDArray[np.uint8]


class Engine(Protocol):
    """Runs one artifact. Engines are not shared between threads; the recognizer serialises calls."""

    def run(self, clip: ClipPixels) -> Logits:
        """Logits ``[K]``, float32, of a uint8 RGB clip ``[T, H, W, 3]``."""
        ...

    def close(self) -> None:
        """Frees the runtime's memory; may be called more than once."""
        ...


def to_input(clip: ClipPixels, contract: InputContract) -> NDArray[np.float32] | ClipPixels:
    """Lays a uint8 clip ``[T, H, W, 3]`` out as an artifact wants it: contiguous, its dtype, its axis order.

    Raises:
        EngineError: the clip's shape is not the contract's.
    """
    axes = tuple("THWC".index(axis) for axis in contract.layout)
    if clip.ndim != len(axes) or tuple(clip.shape[axis] for axis in axes) != contract.shape:
        raise EngineError(
            f"clip of shape {list(clip.shape)} (THWC) does not fit the model's input "
            f"{list(contract.shape)} ({contract.layout}); preprocess it with this bundle's spec"
        )
    return np.ascontiguousarray(clip.transpose(axes), dtype=contract.dtype)


def checked_logits(output: NDArray[np.float32], classes: int, engine: str) -> Logits:
    """Flattens an engine's output to ``[classes]`` and refuses NaN, infinity and other sizes."""
    logits = np.asarray(output, dtype=np.float32).reshape(-1)
    if logits.size != classes:
        raise EngineError(f"{engine} returned {logits.size} logits for {classes} labels; convert again")
    if not np.isfinite(logits).all():
        raise EngineError(
            f"{engine} returned NaN or infinite logits: the artifact overflows or is damaged; "
            "run 'dvfl verify' on the bundle, or use fp32"
        )
    return logits
