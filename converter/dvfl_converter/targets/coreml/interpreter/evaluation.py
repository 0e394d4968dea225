"""Evaluating a function of a program, operation by operation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum

import numpy as np

from dvfl.errors import ArtifactError, EngineError
from dvfl_converter.targets.coreml.interpreter.halves import rounded_to_half, widened
from dvfl_converter.targets.coreml.interpreter.operators.arguments import Arguments
from dvfl_converter.targets.coreml.interpreter.operators.registry import check_operators, row_of
from dvfl_converter.targets.coreml.interpreter.program import (
    Array,
    Constant,
    DataType,
    Function,
    NamedType,
    Operation,
    Program,
    Reference,
    TensorType,
)


class Precision(Enum):
    """How intermediate values are rounded.

    Attributes:
        DECLARED: to the type that the program declares; what overflows fp16 becomes infinite.
        FLOAT32: fp16 values are kept in float32, so that an error of the graph shows without rounding.
    """

    DECLARED = "declared"
    FLOAT32 = "float32"


@dataclass(frozen=True)
class Evaluated:
    """One computed value.

    Attributes:
        kind: the operator that computed it.
        declared: its type in the program.
        array: held in its declared type; float32 for fp16 under :attr:`Precision.FLOAT32`.
        constant: it depends on no input: constants, and weights unpacked from them.
    """

    name: str
    kind: str
    declared: TensorType
    array: Array
    constant: bool


Observer = Callable[[Evaluated], None]


def evaluate(
    program: Program,
    inputs: Mapping[str, Array],
    *,
    precision: Precision = Precision.DECLARED,
    observe: Observer | None = None,
    function: str = "main",
) -> dict[str, Array]:
    """The function's outputs, by name, each in its declared type.

    Args:
        inputs: one array per input, of its declared shape; converted to its declared type.
        observe: called with every value right after it is computed; the array must not be changed.

    Raises:
        EngineError: an input is missing, unknown, or of another shape.
        UnsupportedOperatorError: an operator, argument or mode that is not evaluated; known before
            anything runs, but for modes.
        ArtifactError: a result contradicts the type that the program declares for it.
    """
    chosen = program.functions[function]
    check_operators(chosen)
    run = _Run(chosen, precision, observe)
    # Overflow to infinity and NaN from it are results here, not accidents.
    with np.errstate(all="ignore"):
        run.give(inputs)
        for position, operation in enumerate(chosen.operations):
            try:
                run.execute(operation)
            except (ValueError, IndexError, RuntimeError, TypeError) as error:
                raise ArtifactError(
                    f"{program.path}: {_where(operation)}: {' '.join(str(error).split())}; convert again"
                ) from error
            run.forget(position)
    return {name: run.values[name] for name in chosen.outputs}


class _Run:
    """The values that are alive while a function runs."""

    def __init__(self, function: Function, precision: Precision, observe: Observer | None) -> None:
        self.values: dict[str, Array] = {}
        self._function = function
        self._precision = precision
        self._observe = observe
        self._constants: set[str] = set()
        self._ends = _last_uses(function)

    def give(self, inputs: Mapping[str, Array]) -> None:
        names = [item.name for item in self._function.inputs]
        if sorted(names) != sorted(inputs):
            raise EngineError(f"the program takes {names}, given were {sorted(inputs)}")
        for item in self._function.inputs:
            array = np.asarray(inputs[item.name])
            if not item.type.takes(array.shape):
                raise EngineError(f"input '{item.name}' is {item.type}, given was {list(array.shape)}")
            self.values[item.name] = self._rounded(array, item.type)

    def execute(self, operation: Operation) -> None:
        names = [a.name for group in operation.arguments.values() for a in group if isinstance(a, Reference)]
        constant = all(name in self._constants for name in names)
        for output, array in zip(operation.outputs, self._results(operation), strict=True):
            self.values[output.name] = array
            if constant:
                self._constants.add(output.name)
            if self._observe is not None:
                self._observe(Evaluated(output.name, operation.kind, output.type, array, constant))

    def forget(self, position: int) -> None:
        """Drops what nothing uses after the operation at ``position``."""
        for name in self._ends.get(position, ()):
            self.values.pop(name, None)

    def _results(self, operation: Operation) -> tuple[Array, ...]:
        values = {
            name: tuple(
                self._rounded(argument.array, argument.type)
                if isinstance(argument, Constant)
                else self.values[argument.name]
                for argument in group
            )
            for name, group in operation.arguments.items()
        }
        types = tuple(output.type for output in operation.outputs)
        result = row_of(operation).function(Arguments(_where(operation), values, types, self._function.opset))
        results = result if isinstance(result, tuple) else (result,)
        if len(results) != len(types):
            raise ArtifactError(
                f"{_where(operation)}: {len(types)} results declared, {len(results)} found; convert again"
            )
        return tuple(
            self._checked(array, output, operation)
            for array, output in zip(results, operation.outputs, strict=True)
        )

    def _checked(self, array: Array, output: NamedType, operation: Operation) -> Array:
        kinds = {"i": "i", "u": "i"}
        found, wanted = (kinds.get(d.kind, d.kind) for d in (array.dtype, output.type.dtype.held))
        if not output.type.takes(array.shape) or found != wanted:
            raise ArtifactError(
                f"{_where(operation)}: its result is {array.dtype} {list(array.shape)}, "
                f"the program declares {output.type}; convert again"
            )
        return self._rounded(array, output.type)

    def _rounded(self, array: Array, kind: TensorType) -> Array:
        if kind.dtype is DataType.STRING:
            return array
        if kind.dtype.is_float and self._precision is Precision.FLOAT32:
            return widened(array).astype(np.float32, copy=False)
        if kind.dtype is DataType.FLOAT16:
            return rounded_to_half(array)
        return array.astype(kind.dtype.held, copy=False)


def _where(operation: Operation) -> str:
    return f"{operation.kind} '{operation.name}'"


def _last_uses(function: Function) -> dict[int, list[str]]:
    """Names by the position of the last operation that needs them; outputs are needed for ever."""
    last: dict[str, int] = {}
    for position, operation in enumerate(function.operations):
        last.update((output.name, position) for output in operation.outputs)
        for group in operation.arguments.values():
            last.update((a.name, position) for a in group if isinstance(a, Reference))
    ends: dict[int, list[str]] = {}
    for name, position in last.items():
        if name not in function.outputs:
            ends.setdefault(position, []).append(name)
    return ends
