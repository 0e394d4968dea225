"""The operators of a Core ML package, and what public sources say of each and the Neural Engine."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from dvfl.manifest import OperatorReport
from dvfl_converter.operators.tally import PlacedOperator, tally
from dvfl_converter.targets.coreml.interpreter import Operation, Program, TensorType, read_package
from dvfl_converter.targets.coreml.interpreter.program import Argument, Constant, Reference
from dvfl_converter.targets.coreml.neural_engine import Rule, findings

ANYWHERE = "Core ML"
OFF_THE_NEURAL_ENGINE = "Core ML, said to be off the Neural Engine"
_DECIDED = "Core ML decides on the device between CPU, GPU and Neural Engine"

Types = Mapping[str, TensorType]


def operators_of(package: Path) -> OperatorReport:
    """What an ``.mlpackage`` computes with, constants left out.

    Raises:
        ArtifactError: it is damaged.
        UnsupportedOperatorError: it is no ML program.
    """
    return tally(_placed(read_package(package)), delegate=None, delegate_calls=0)


def _placed(program: Program) -> Iterator[PlacedOperator]:
    broken: dict[str, list[Rule]] = defaultdict(list)
    for finding in findings(program):
        broken[finding.name].append(finding.rule)
    types = {value.name: value.type for value in (*program.main().inputs, *program.declared())}
    for operation in program.main().operations:
        if operation.kind != "const" and not operation.kind.startswith("constexpr_"):
            yield _place(operation, broken[operation.name], types)


def _place(operation: Operation, rules: Sequence[Rule], types: Types) -> PlacedOperator:
    elsewhere = any(rule.effect == "elsewhere" for rule in rules)
    return PlacedOperator(
        operator=operation.kind,
        placement="native",
        where=OFF_THE_NEURAL_ENGINE if elsewhere else ANYWHERE,
        reason="; ".join(f"{rule.reason} ({rule.source})" for rule in rules) or _DECIDED,
        macs=multiply_accumulates(operation, types),
    )


def multiply_accumulates(operation: Operation, types: Types) -> int:
    """Of one operation; 0 for what is no product of weights or matrices."""
    elements = math.prod(size or 1 for size in operation.outputs[0].type.shape) if operation.outputs else 0
    if operation.kind == "conv":
        return elements * math.prod(_shape(operation.arguments["weight"][0], types)[1:])
    if operation.kind == "linear":
        return elements * _shape(operation.arguments["weight"][0], types)[-1]
    if operation.kind == "matmul":
        return elements * _shape(operation.arguments["x"][0], types)[-1]
    return 0


def _shape(argument: Argument, types: Types) -> tuple[int, ...]:
    if isinstance(argument, Constant):
        return argument.array.shape
    assert isinstance(argument, Reference)
    return tuple(size or 1 for size in types[argument.name].shape)
