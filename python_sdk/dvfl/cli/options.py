"""Option types and output habits that the commands share."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from dvfl.suggestions import unknown

if TYPE_CHECKING:
    _Word = click.ParamType[str]
    _Number = click.ParamType[int | None]
else:
    # Older releases of click know no type argument.
    _Word = _Number = click.ParamType


class Choice(_Word):
    """One of a few words; a wrong one gets a suggestion and the list."""

    def __init__(self, kind: str, choices: Sequence[str]) -> None:
        self.name = kind
        self.choices = tuple(choices)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The word itself."""
        if value not in self.choices:
            self.fail(unknown(self.name, str(value), self.choices), param, ctx)
        return str(value)

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str:
        """The choices, for ``--help``."""
        return "|".join(self.choices)


class Top(_Number):
    """A positive number, or ``all``, which becomes ``None``."""

    name = "N|all"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int | None:
        """The number of predictions to show."""
        if value is None or value == "all":
            return None
        try:
            number = int(value)
        except ValueError:
            number = 0
        if number < 1:
            self.fail(f"'{value}' is neither 'all' nor a number of 1 or more", param, ctx)
        return number


def print_table(rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> None:
    """Prints rows in aligned columns; the columns numbered in ``right`` are flushed right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [
            cell.rjust(width) if index in right else cell.ljust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        click.echo(f"  {'  '.join(cells)}".rstrip())


def bar(share: float, width: int = 24) -> str:
    """A bar for a share 0..1, in characters that the terminal can show."""
    full = "█" if "utf" in (getattr(sys.stdout, "encoding", None) or "").lower() else "#"
    return full * round(share * width)


def next_step(text: str) -> None:
    """A hint at what to do next; on stderr, so that it never mixes with the output."""
    click.echo(f"\nnext: {text}", err=True)
