"""An ML program as data, as ``MIL.proto`` of coremltools lays it out; made once by ``package``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


class DataType(Enum):
    """The element types that are evaluated: MIL's name, how its values are held, and bits in a file."""

    BOOL = ("bool", np.bool_, 8)
    STRING = ("string", np.str_, 0)
    FLOAT16 = ("fp16", np.float16, 16)
    FLOAT32 = ("fp32", np.float32, 32)
    INT4 = ("int4", np.int8, 4)
    INT8 = ("int8", np.int8, 8)
    INT16 = ("int16", np.int16, 16)
    INT32 = ("int32", np.int32, 32)
    UINT1 = ("uint1", np.uint8, 1)
    UINT2 = ("uint2", np.uint8, 2)
    UINT3 = ("uint3", np.uint8, 3)
    UINT4 = ("uint4", np.uint8, 4)
    UINT6 = ("uint6", np.uint8, 6)
    UINT8 = ("uint8", np.uint8, 8)
    UINT16 = ("uint16", np.uint16, 16)
    UINT32 = ("uint32", np.uint32, 32)

    def __init__(self, title: str, held: type[np.generic], bits: int) -> None:
        self.title = title
        self.held: np.dtype[Any] = np.dtype(held)
        self.bits = bits

    @property
    def is_float(self) -> bool:
        """fp16 or fp32."""
        return self.held.kind == "f"

    @property
    def is_packed(self) -> bool:
        """Several values share a byte in a file."""
        return 0 < self.bits < 8


@dataclass(frozen=True)
class TensorType:
    """An element type and a shape; ``None`` is a dimension known only when the program runs."""

    dtype: DataType
    shape: tuple[int | None, ...]

    def __str__(self) -> str:
        return f"{self.dtype.title}[{', '.join('?' if n is None else str(n) for n in self.shape)}]"

    def takes(self, shape: tuple[int, ...]) -> bool:
        """Whether a tensor of ``shape`` is of this type's shape."""
        return len(shape) == len(self.shape) and all(
            wanted is None or wanted == found for wanted, found in zip(self.shape, shape, strict=True)
        )


@dataclass(frozen=True)
class Constant:
    """A value in the program or in its weight file; ``array`` is of ``type``'s shape and ``held`` dtype."""

    type: TensorType
    array: Array


@dataclass(frozen=True)
class Reference:
    """The name of a value computed before."""

    name: str


Argument = Constant | Reference


@dataclass(frozen=True)
class NamedType:
    """An input of a function, or an output of an operation."""

    name: str
    type: TensorType


@dataclass(frozen=True)
class Operation:
    """One operation.

    Attributes:
        kind: the operator's name, such as ``conv``.
        arguments: by name; most have one element, variadic ones (``values`` of ``concat``) several.
            iOS 16 keeps the arguments of ``constexpr_*`` as attributes; here they are arguments too.
    """

    kind: str
    arguments: Mapping[str, tuple[Argument, ...]]
    outputs: tuple[NamedType, ...]

    @property
    def name(self) -> str:
        """The first output's name: unique, and what messages call the operation."""
        return self.outputs[0].name if self.outputs else self.kind


@dataclass(frozen=True)
class Function:
    """A function of the program, in the block written for its operator set.

    Attributes:
        opset: the year of its operator set as an iOS version: 15, 16, 17, 18 or 26.
    """

    name: str
    opset: int
    inputs: tuple[NamedType, ...]
    operations: tuple[Operation, ...]
    outputs: tuple[str, ...]


@dataclass(frozen=True)
class Program:
    """An ``.mlpackage``'s ML program."""

    path: Path
    functions: Mapping[str, Function]

    def main(self) -> Function:
        """The function that Core ML runs when none is named."""
        return self.functions["main"]

    def declared(self) -> Iterator[NamedType]:
        """Every value that ``main`` computes, in order."""
        for operation in self.main().operations:
            yield from operation.outputs
