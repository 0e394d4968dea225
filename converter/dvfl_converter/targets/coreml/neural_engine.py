"""What keeps an ML program off Apple's Neural Engine, as far as public sources say.

Apple documents no list of supported operators, and Core ML decides on the device. Each rule names who
says it; a program that breaks none may still run elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from dvfl_converter.targets.coreml.interpreter.program import (
    Constant,
    DataType,
    Function,
    Operation,
    Program,
    Reference,
)

TYPED_EXECUTION = "https://apple.github.io/coremltools/docs-guides/source/typed-execution-example.html"
TRANSFORMERS = "https://machinelearning.apple.com/research/neural-engine-transformers"
UNSUPPORTED_LAYERS = "https://github.com/hollance/neural-engine/blob/master/docs/unsupported-layers.md"

Effect = Literal["elsewhere", "slow"]
# A buffer's last axis is padded to this many bytes.
ALIGNMENT = 64
# They compute nothing on the device: values of the program, and the way in and out of fp16.
_NO_ARITHMETIC = ("const", "cast", "identity")
Constants = dict[str, tuple[int, ...]]


@dataclass(frozen=True)
class Rule:
    """One reason.

    Attributes:
        effect: ``elsewhere``: said to run on the CPU or GPU; ``slow``: said to cost memory or time.
        official: Apple says it; otherwise it was observed by a person, on systems of about 2020.
        breaks: whether an operation breaks it, given the program's integer constants.
    """

    name: str
    effect: Effect
    reason: str
    source: str
    official: bool
    breaks: Callable[[Operation, Constants], bool]


@dataclass(frozen=True)
class Finding:
    """An operation that breaks a rule."""

    rule: Rule
    kind: str
    name: str


def _in_float32(operation: Operation, _constants: Constants) -> bool:
    return operation.kind not in _NO_ARITHMETIC and any(
        output.type.dtype is DataType.FLOAT32 for output in operation.outputs
    )


def _recurrent(operation: Operation, _constants: Constants) -> bool:
    return operation.kind in ("lstm", "gru", "rnn")


def _gathers(operation: Operation, _constants: Constants) -> bool:
    return operation.kind in ("gather", "gather_nd", "gather_along_axis")


def _dilated(operation: Operation, constants: Constants) -> bool:
    if operation.kind not in ("conv", "conv_transpose") or "dilations" not in operation.arguments:
        return False
    (argument,) = operation.arguments["dilations"]
    values = (
        constants.get(argument.name, ())
        if isinstance(argument, Reference)
        else tuple(int(n) for n in argument.array.ravel())
    )
    return any(value > 1 for value in values)


def _custom(operation: Operation, _constants: Constants) -> bool:
    return operation.kind == "custom_layer"


def _last_axis_of_one(operation: Operation, _constants: Constants) -> bool:
    """Vectors and scalars are too small to matter."""
    return operation.kind not in _NO_ARITHMETIC and any(
        len(output.type.shape) >= 3 and output.type.shape[-1] == 1 for output in operation.outputs
    )


RULES: tuple[Rule, ...] = (
    Rule(
        "float32",
        "elsewhere",
        "a program typed fp32 runs on the GPU and the CPU only",
        TYPED_EXECUTION,
        True,
        _in_float32,
    ),
    Rule(
        "recurrent",
        "elsewhere",
        "recurrent layers do not run on the Neural Engine",
        UNSUPPORTED_LAYERS,
        False,
        _recurrent,
    ),
    Rule(
        "gather",
        "elsewhere",
        "gathering by index does not run on the Neural Engine",
        UNSUPPORTED_LAYERS,
        False,
        _gathers,
    ),
    Rule(
        "dilated convolution",
        "elsewhere",
        "dilated convolutions do not run on the Neural Engine",
        UNSUPPORTED_LAYERS,
        False,
        _dilated,
    ),
    Rule(
        "custom layer",
        "elsewhere",
        "there is no public way to program the Neural Engine",
        UNSUPPORTED_LAYERS,
        False,
        _custom,
    ),
    Rule(
        "last axis of one",
        "slow",
        f"the last axis is padded to {ALIGNMENT} bytes: one fp16 element takes the memory of 32",
        TRANSFORMERS,
        True,
        _last_axis_of_one,
    ),
)


def findings(program: Program) -> tuple[Finding, ...]:
    """Every operation of ``main`` that breaks a rule, in order of the program, then of :data:`RULES`."""
    return tuple(_findings(program.main()))


def _findings(function: Function) -> Iterator[Finding]:
    constants = _integers(function)
    for operation in function.operations:
        for rule in RULES:
            if rule.breaks(operation, constants):
                yield Finding(rule, operation.kind, operation.name)


def _integers(function: Function) -> Constants:
    found: Constants = {}
    for operation in function.operations:
        value = operation.arguments.get("val", (None,))[0]
        if operation.kind == "const" and isinstance(value, Constant) and value.array.dtype.kind == "i":
            found[operation.name] = tuple(int(n) for n in value.array.ravel())
    return found
