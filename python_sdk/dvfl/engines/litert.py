"""LiteRT (TFLite) on the CPU, with XNNPACK."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from dvfl.bundle import Bundle
from dvfl.engines.base import ClipPixels, Logits, checked_logits, to_input
from dvfl.engines.native_log import captured_log
from dvfl.errors import ClosedError, EngineError
from dvfl.manifest import Artifact, InputContract

_NOISE = r"^INFO: "
# More threads than big cores make a phone slower; this default is the same in every SDK.
_MOST_DEFAULT_THREADS = 4


def default_threads() -> int:
    """``min(4, CPU cores)``."""
    return min(_MOST_DEFAULT_THREADS, os.cpu_count() or 1)


class LiteRtEngine:
    """Runs a ``.tflite`` artifact."""

    def __init__(self, interpreter: Any, contract: InputContract, classes: int) -> None:
        self._interpreter: Any | None = interpreter
        self._contract = contract
        self._classes = classes
        self._input = interpreter.get_input_details()[0]["index"]
        self._output = interpreter.get_output_details()[0]["index"]

    def run(self, clip: ClipPixels) -> Logits:
        """Logits ``[K]``, float32, of a uint8 RGB clip ``[T, H, W, 3]``."""
        if self._interpreter is None:
            raise ClosedError("this LiteRT engine is closed")
        tensor = to_input(clip, self._contract)
        try:
            self._interpreter.set_tensor(self._input, tensor)
            self._interpreter.invoke()
        except (RuntimeError, ValueError) as error:
            raise EngineError(
                f"LiteRT failed to run the artifact: {_one_line(error)}; convert again"
            ) from error
        return checked_logits(self._interpreter.get_tensor(self._output), self._classes, "LiteRT")

    def close(self) -> None:
        """Frees the interpreter."""
        self._interpreter = None


def load(bundle: Bundle, artifact: Artifact | None, threads: int | None) -> LiteRtEngine:
    """Loads a ``.tflite`` artifact with ``threads``, by default :func:`default_threads`.

    Raises:
        EngineError: LiteRT cannot load it, or its input is not what the manifest says.
        BundleError: the file is missing or was changed.
    """
    if artifact is None:
        raise EngineError("LiteRT needs an artifact of the bundle")
    path = bundle.verified(artifact)
    with captured_log(_NOISE) as log:
        try:
            interpreter = Interpreter(model_path=str(path), num_threads=threads or default_threads())
            interpreter.allocate_tensors()
        except (RuntimeError, ValueError) as error:
            raise EngineError(
                f"{path}: LiteRT cannot load it: {log.explain(error)}; "
                "convert again with the LiteRT that runs it, or upgrade: pip install -U ai-edge-litert"
            ) from error
    _check_input(interpreter.get_input_details(), artifact.input, str(path))
    return LiteRtEngine(interpreter, artifact.input, len(bundle.manifest.labels))


def _check_input(details: list[dict[str, Any]], contract: InputContract, path: str) -> None:
    shapes = [tuple(int(n) for n in detail["shape"]) for detail in details]
    dtypes = [np.dtype(detail["dtype"]).name for detail in details]
    if shapes != [contract.shape] or dtypes != [contract.dtype]:
        raise EngineError(
            f"{path}: takes {dtypes} {shapes}, the manifest says {contract.dtype} {contract.shape}; "
            "convert again"
        )


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
