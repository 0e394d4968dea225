"""A group of commands that imports a command only when it is used or listed."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import click

from dvfl.errors import DvflError
from dvfl.suggestions import unknown


@dataclass
class DebugFlag:
    """Whether ``--debug`` was given, before or after the command's name."""

    on: bool = False


def debug_option() -> click.Option:
    """The ``--debug`` flag, which sets the context's :class:`DebugFlag`."""

    def set_flag(context: click.Context, _: click.Parameter, wanted: bool) -> None:
        flag = context.find_object(DebugFlag)
        if wanted and flag is not None:
            flag.on = True

    return click.Option(
        ["--debug"],
        is_flag=True,
        expose_value=False,
        callback=set_flag,
        help="Show the traceback of an error.",
    )


class LazyGroup(click.Group):
    """Finds its commands in a table and in an entry-point group.

    A package adds a command by an entry point ``name = "module:command"`` in that group; a following
    ``[extra]`` names the extra of this distribution that the command needs. Listing the commands imports
    their modules for the short help, so such a module must be light: heavy imports belong in the function.
    """

    def __init__(self, *, commands_at: Mapping[str, str], entry_point_group: str, **settings: Any) -> None:
        super().__init__(**settings)
        self._commands_at = commands_at
        self._entry_point_group = entry_point_group

    @cached_property
    def _entry_points(self) -> dict[str, EntryPoint]:
        found = sorted(entry_points(group=self._entry_point_group), key=lambda point: point.name)
        return {point.name: point for point in found if point.name not in self._commands_at}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The table's commands in its order, then those of other packages by name."""
        return [*self._commands_at, *self._entry_points]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Imports a command; one that does not import explains itself when it is run."""
        if cmd_name in self._commands_at:
            module, _, name = self._commands_at[cmd_name].partition(":")
            return _with_debug(getattr(importlib.import_module(module), name))
        point = self._entry_points.get(cmd_name)
        if point is None:
            return None
        try:
            return _with_debug(_naming_the_extra(point, point.load()))
        except ImportError as error:
            return _unavailable(point, error)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Like click's, with a suggestion for an unknown name."""
        name = args[0]
        if not name.startswith("-") and self.get_command(ctx, name) is None:
            ctx.fail(unknown("command", name, self.list_commands(ctx)))
        return super().resolve_command(ctx, args)


def _with_debug(command: click.Command) -> click.Command:
    if all("--debug" not in parameter.opts for parameter in command.params):
        command.params.append(debug_option())
    return command


def _naming_the_extra(point: EntryPoint, command: click.Command) -> click.Command:
    """The command, whose own late imports fail with the extra that installs what is missing."""
    run = command.callback
    if run is None or hasattr(run, "__wrapped__"):
        return command

    @functools.wraps(run)
    def explained(*arguments: object, **options: object) -> object:
        try:
            return run(*arguments, **options)
        except ModuleNotFoundError as error:
            raise DvflError(f"'{point.name}' needs {error.name}; {_advice(point)}") from error

    command.callback = explained
    return command


def _advice(point: EntryPoint) -> str:
    return f"pip install 'dvfl[{point.extras[0] if point.extras else 'all'}]'"


def _unavailable(point: EntryPoint, error: ImportError) -> click.Command:
    advice = _advice(point)

    def explain(**_: object) -> None:
        raise DvflError(f"'{point.name}' is not installed ({error}); {advice}") from error

    return _with_debug(
        click.Command(
            point.name,
            callback=explain,
            help=f"Not installed; {advice}",
            context_settings={"ignore_unknown_options": True},
            params=[click.Argument(["ignored"], nargs=-1, type=click.UNPROCESSED, expose_value=False)],
        )
    )
