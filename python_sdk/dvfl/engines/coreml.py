"""Core ML, on macOS."""

from __future__ import annotations

from typing import Any

import coremltools

from dvfl.bundle import Bundle
from dvfl.engines.base import ClipPixels, Logits, checked_logits, to_input
from dvfl.errors import ClosedError, EngineError
from dvfl.manifest import Artifact


class CoreMlEngine:
    """Runs an ``.mlpackage`` artifact on the units that Core ML chooses."""

    def __init__(self, model: Any, artifact: Artifact, classes: int) -> None:
        self._model: Any | None = model
        self._artifact = artifact
        self._classes = classes

    def run(self, clip: ClipPixels) -> Logits:
        """Logits ``[K]``, float32, of a uint8 RGB clip ``[T, H, W, 3]``."""
        if self._model is None:
            raise ClosedError("this Core ML engine is closed")
        tensor = to_input(clip, self._artifact.input)
        try:
            outputs = self._model.predict({self._artifact.input.name: tensor})
        except Exception as error:  # coremltools raises bare Exception for Core ML's own failures
            raise EngineError(f"Core ML failed to run the artifact: {error}; convert again") from error
        name = self._artifact.output.name
        if name not in outputs:
            raise EngineError(
                f"Core ML returned {sorted(outputs)}, the manifest says '{name}'; convert again"
            )
        return checked_logits(outputs[name], self._classes, "Core ML")

    def close(self) -> None:
        """Frees the model."""
        self._model = None


def load(bundle: Bundle, artifact: Artifact | None, threads: int | None) -> CoreMlEngine:
    """Compiles and loads an ``.mlpackage`` artifact.

    Raises:
        EngineError: Core ML cannot load it, or ``threads`` was given.
        BundleError: a file is missing or was changed.
    """
    if artifact is None:
        raise EngineError("Core ML needs an artifact of the bundle")
    if threads is not None:
        raise EngineError("Core ML chooses its own threads; leave the number out")
    path = bundle.verified(artifact)
    try:
        model = coremltools.models.MLModel(str(path))
    except Exception as error:  # coremltools raises bare Exception for Core ML's own failures
        raise EngineError(f"{path}: Core ML cannot load it: {error}; convert again") from error
    return CoreMlEngine(model, artifact, len(bundle.manifest.labels))
