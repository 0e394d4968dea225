"""Looking at what a program computes: magnitudes against fp16's range, and the first value that differs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from dvfl_converter.targets.base import Magnitude
from dvfl_converter.targets.coreml.interpreter.evaluation import Evaluated, Precision, evaluate
from dvfl_converter.targets.coreml.interpreter.program import Array, DataType, Program


def largest_magnitudes(program: Program, inputs: Mapping[str, Array]) -> tuple[Magnitude, ...]:
    """Every fp16 value that depends on the inputs, in the order of computation.

    Computed in float32, so that a value above 65,504 is seen as it is and not as infinity.
    """
    found: list[Magnitude] = []

    def note(value: Evaluated) -> None:
        if value.declared.dtype is DataType.FLOAT16 and not value.constant:
            largest = float(np.max(np.abs(value.array), initial=0.0))
            found.append(Magnitude(value.name, value.kind, np.inf if np.isnan(largest) else largest))

    evaluate(program, inputs, precision=Precision.FLOAT32, observe=note)
    return tuple(found)


@dataclass(frozen=True)
class Difference:
    """The first value of a program that another program computes otherwise.

    Attributes:
        error: relative L2 error; infinite for another shape, or values that are not finite on one side only.
    """

    name: str
    kind: str
    error: float


def first_difference(
    good: Program, other: Program, inputs: Mapping[str, Array], tolerance: float
) -> Difference | None:
    """The first value, by name, in which ``other`` leaves ``good`` by more than ``tolerance``.

    Constants are compared too: a changed weight is found as itself. ``None`` if nothing differs.
    A program that contradicts its own types ends in the error that :func:`evaluate` raises.
    """
    expected: dict[str, Array] = {}
    evaluate(good, inputs, observe=lambda value: expected.update({value.name: value.array}))
    found: list[Difference] = []

    def compare(value: Evaluated) -> None:
        if not found and value.name in expected and value.array.dtype.kind in "fiub":
            error = _relative_error(expected[value.name], value.array)
            if error > tolerance:
                found.append(Difference(value.name, value.kind, error))

    evaluate(other, inputs, observe=compare)
    return found[0] if found else None


def _relative_error(good: Array, other: Array) -> float:
    if good.shape != other.shape:
        return np.inf
    wanted, measured = good.astype(np.float64), other.astype(np.float64)
    finite = np.isfinite(wanted)
    if not np.array_equal(finite, np.isfinite(measured)):
        return np.inf
    distance = float(np.linalg.norm((measured - wanted)[finite]))
    norm = float(np.linalg.norm(wanted[finite]))
    return distance / norm if norm > 0 else float(distance > 0)
