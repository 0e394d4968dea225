"""The engine of Core ML artifacts where there is no Core ML: this project's interpreter of ML programs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from dvfl.bundle import Bundle
from dvfl.engines.base import ClipPixels, Logits, checked_logits, to_input
from dvfl.errors import ClosedError, EngineError
from dvfl.manifest import Artifact
from dvfl_converter.targets.base import LARGEST_HALF, Magnitude
from dvfl_converter.targets.coreml.interpreter import Evaluated, Program, evaluate, read_package
from dvfl_converter.targets.coreml.interpreter.observers import largest_magnitudes
from dvfl_converter.targets.coreml.interpreter.program import Array

# Values of fewer elements than this cannot be a layer's output of any clip.
_FEWEST_ELEMENTS = 2


class InterpretedEngine:
    """Evaluates an ``.mlpackage``, every value rounded to the type that the program declares."""

    def __init__(self, program: Program, artifact: Artifact, classes: int) -> None:
        self._program: Program | None = program
        self._artifact = artifact
        self._classes = classes

    def run(self, clip: ClipPixels) -> Logits:
        """Logits ``[K]``, float32, of a uint8 RGB clip ``[T, H, W, 3]``."""
        if self._program is None:
            raise ClosedError("this interpreter is closed")
        tensor = to_input(clip, self._artifact.input)
        outputs = evaluate(self._program, {self._artifact.input.name: tensor})
        name = self._artifact.output.name
        if name not in outputs:
            raise EngineError(
                f"{self._program.path}: gives {sorted(outputs)}, the manifest says '{name}'; convert again"
            )
        if not np.isfinite(outputs[name]).all():
            raise EngineError(_overflow(self._program, {self._artifact.input.name: tensor}))
        return checked_logits(outputs[name], self._classes, "the interpreter")

    def close(self) -> None:
        """Frees the weights."""
        self._program = None


def _overflow(program: Program, inputs: Mapping[str, Array]) -> str:
    """Which operator leaves fp16's range first."""
    for magnitude in largest_magnitudes(program, inputs):
        if magnitude.of_range > 1:
            return (
                f"{program.path}: overflows fp16: {magnitude.operator} '{magnitude.name}' reaches "
                f"{magnitude.largest:,.0f}, and fp16 ends at {LARGEST_HALF:,.0f}; convert with coreml=fp32"
            )
    return f"{program.path}: gives logits that are not finite, though nothing overflows fp16; convert again"


def open_artifact(bundle: Bundle, artifact: Artifact) -> InterpretedEngine:
    """Reads an ``.mlpackage`` artifact.

    Raises:
        ArtifactError: it is damaged, or contradicts itself.
        UnsupportedOperatorError: it has an operator that the interpreter does not know.
        BundleError: a file is missing or was changed.
    """
    return InterpretedEngine(read_package(bundle.verified(artifact)), artifact, len(bundle.manifest.labels))


def half_magnitudes(
    bundle: Bundle, artifact: Artifact, clips: Sequence[NDArray[np.uint8]]
) -> tuple[Magnitude, ...]:
    """Every fp16 value of the program, at its largest over uint8 clips ``[T, H, W, 3]``; none in fp32."""
    program = read_package(bundle.verified(artifact))
    inputs = ({artifact.input.name: to_input(clip, artifact.input)} for clip in clips)
    by_clip = [largest_magnitudes(program, given) for given in inputs]
    return tuple(max(same, key=lambda one: one.largest) for same in zip(*by_clip, strict=True))


def intermediate_tensors(
    bundle: Bundle, artifact: Artifact, clip: NDArray[np.uint8]
) -> Iterator[NDArray[np.float32]]:
    """The float values that the program computes for one uint8 clip ``[T, H, W, 3]``, channels last."""
    found: list[NDArray[np.float32]] = []

    def keep(value: Evaluated) -> None:
        if value.array.dtype.kind == "f" and not value.constant and value.array.size >= _FEWEST_ELEMENTS:
            array = value.array
            # [T, C, h, w], and [1, C, T, h*w] of the temporal branch, as [T, h, w, C] and [1, T, h*w, C].
            last = array.transpose(0, 2, 3, 1) if array.ndim == 4 else array
            found.append(np.ascontiguousarray(last, dtype=np.float32))

    program = read_package(bundle.verified(artifact))
    evaluate(program, {artifact.input.name: to_input(clip, artifact.input)}, observe=keep)
    yield from found
