"""What an operator's function is given, and the rows that register it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from dvfl.errors import ArtifactError, UnsupportedOperatorError
from dvfl_converter.targets.coreml.interpreter.halves import widened
from dvfl_converter.targets.coreml.interpreter.program import Array, DataType, TensorType

Result = Array | tuple[Array, ...]


@dataclass(frozen=True)
class Arguments:
    """One operation's evaluated arguments.

    Attributes:
        where: the operator and its result's name, for messages.
        outputs: the declared types of its results.
        opset: the iOS of the function's operator set.
    """

    where: str
    values: Mapping[str, tuple[Array, ...]]
    outputs: tuple[TensorType, ...]
    opset: int

    def has(self, name: str) -> bool:
        """Whether an optional argument was given."""
        return name in self.values

    def held(self, name: str) -> Array:
        """A tensor as it is held: fp16 stays fp16."""
        if len(self.values[name]) != 1:
            raise ArtifactError(f"{self.where}: takes one '{name}', not {len(self.values[name])}")
        return self.values[name][0]

    def tensor(self, name: str) -> Array:
        """A tensor to compute with: fp16 as float32, all else as it is."""
        return widened(self.held(name))

    def tensors(self, name: str) -> tuple[Array, ...]:
        """A variadic argument."""
        return tuple(widened(value) for value in self.values[name])

    def optional(self, name: str) -> Array | None:
        """A tensor, or ``None`` where it was left out."""
        return self.tensor(name) if self.has(name) else None

    def integers(self, name: str, default: Collection[int] | None = None) -> tuple[int, ...]:
        """A vector of integers."""
        if not self.has(name) and default is not None:
            return tuple(default)
        return tuple(int(n) for n in self.held(name).ravel())

    def integer(self, name: str, default: int | None = None) -> int:
        """One integer."""
        if not self.has(name) and default is not None:
            return default
        return int(self._scalar(name))

    def number(self, name: str, default: float | None = None) -> float:
        """One number of any type."""
        if not self.has(name) and default is not None:
            return default
        return float(self._scalar(name))

    def flag(self, name: str, default: bool | None = None) -> bool:
        """One bool."""
        if not self.has(name) and default is not None:
            return default
        return bool(self._scalar(name))

    def flags(self, name: str, count: int) -> tuple[bool, ...]:
        """A vector of bools, all false by default."""
        return tuple(bool(b) for b in self.held(name).ravel()) if self.has(name) else (False,) * count

    def choice(self, name: str, choices: Collection[str], default: str | None = None) -> str:
        """One string out of ``choices``."""
        value = default if default is not None and not self.has(name) else str(self._scalar(name))
        if value not in choices:
            self.refuse(f"{name} '{value}' is unknown; known: {', '.join(choices)}")
        return value

    def axis(self, name: str, rank: int, default: int | None = None) -> int:
        """One axis, counted from the front."""
        return self._from_front(self.integer(name, default), rank)

    def axes(self, name: str, rank: int) -> tuple[int, ...]:
        """Axes, counted from the front; all of them by default."""
        return tuple(self._from_front(axis, rank) for axis in self.integers(name, range(rank)))

    def refuse(self, reason: str) -> NoReturn:
        """This form of the operator is not evaluated."""
        raise UnsupportedOperatorError(f"{self.where}: {reason}")

    def contradict(self, reason: str) -> NoReturn:
        """The program cannot be meant like this."""
        raise ArtifactError(f"{self.where}: {reason}; convert again")

    def _scalar(self, name: str) -> Any:
        value = self.held(name)
        if value.size != 1:
            self.contradict(f"'{name}' must be one value, not {list(value.shape)}")
        return value.reshape(-1)[0]

    def _from_front(self, axis: int, rank: int) -> int:
        if not -rank <= axis < rank:
            self.contradict(f"axis {axis} of a tensor of rank {rank}")
        return axis % rank


@dataclass(frozen=True)
class Row:
    """One operator, or one form of it: forms differ by their arguments.

    Attributes:
        kind: its name in the program.
        required, optional: the names of its arguments; an operation with any other is refused.
    """

    kind: str
    function: Callable[[Arguments], Result]
    required: tuple[str, ...] = ("x",)
    optional: tuple[str, ...] = ()

    def takes(self, names: Collection[str]) -> bool:
        """Whether an operation with these arguments is of this form."""
        return set(self.required) <= set(names) <= {*self.required, *self.optional}


def declared(given: Arguments, dtype: str) -> DataType:
    """The type named by a ``dtype`` argument, which must be the one that the result is declared with."""
    if dtype != given.outputs[0].dtype.title:
        given.contradict(f"dtype '{dtype}', but the result is declared {given.outputs[0].dtype.title}")
    return given.outputs[0].dtype
