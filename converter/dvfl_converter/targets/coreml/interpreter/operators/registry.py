"""All rows, and the row of an operation."""

from __future__ import annotations

from dvfl.errors import UnsupportedOperatorError
from dvfl.suggestions import unknown
from dvfl_converter.targets.coreml.interpreter.operators import (
    activation,
    binary,
    compression,
    convolution,
    gathering,
    linear,
    normalization,
    pooling,
    reduction,
    resizing,
    shaping,
    slicing,
    unary,
)
from dvfl_converter.targets.coreml.interpreter.operators.arguments import Row
from dvfl_converter.targets.coreml.interpreter.program import Function, Operation

_FILES = (
    activation,
    binary,
    compression,
    convolution,
    gathering,
    linear,
    normalization,
    pooling,
    reduction,
    resizing,
    shaping,
    slicing,
    unary,
)

ROWS: tuple[Row, ...] = tuple(row for file in _FILES for row in file.ROWS)
KINDS: tuple[str, ...] = tuple(dict.fromkeys(row.kind for row in ROWS))


def row_of(operation: Operation) -> Row:
    """The row that evaluates an operation.

    Raises:
        UnsupportedOperatorError: the operator is unknown, or has an argument that no form of it has.
    """
    forms = [row for row in ROWS if row.kind == operation.kind]
    if not forms:
        raise UnsupportedOperatorError(f"'{operation.name}': {unknown('operator', operation.kind, KINDS)}")
    given = operation.arguments.keys()
    for form in forms:
        if form.takes(given):
            return form
    known = " or ".join(", ".join((*form.required, *form.optional)) for form in forms)
    raise UnsupportedOperatorError(
        f"{operation.kind} '{operation.name}': arguments {', '.join(sorted(given)) or 'none'}; "
        f"this form is unknown, known: {known}"
    )


def check_operators(function: Function) -> None:
    """Refuses a function with any operation that could not be evaluated, before anything is.

    Raises:
        UnsupportedOperatorError: see :func:`row_of`.
    """
    for operation in function.operations:
        row_of(operation)
