"""The entry point: the group of commands, and how every error ends."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from typing import NoReturn

import click

from dvfl.cli.group import DebugFlag, LazyGroup, debug_option
from dvfl.errors import DvflError

EXIT_ERROR = 1
EXIT_INTERRUPTED = 130

COMMANDS = {
    "predict": "dvfl.cli.predict:predict",
    "preprocess": "dvfl.cli.preprocess:preprocess",
    "inspect": "dvfl.cli.inspect:inspect",
}

HELP = """Video action recognition on phones, with proof.

A bundle is a folder made by 'dvfl convert': a model as artifacts for phones, its labels, its
preprocessing, and the figures that prove that the artifacts say what PyTorch says.

\b
Examples:
  dvfl predict BUNDLE clip.mp4        what happens in a video
  dvfl inspect BUNDLE                 what a bundle holds, and whether it is intact
  dvfl preprocess clip.mp4 --out clip.npy
                                      the exact tensor that a model sees

'dvfl COMMAND --help' explains a command, its defaults and its output.
"""


def _print_version(context: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted and not context.resilient_parsing:
        # Reading the installed metadata is slow, so not at import.
        import dvfl

        click.echo(f"dvfl {dvfl.__version__}")
        context.exit()


CLI = LazyGroup(
    name="dvfl",
    help=HELP,
    commands_at=COMMANDS,
    entry_point_group="dvfl.commands",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    params=[
        debug_option(),
        click.Option(
            ["--version"],
            is_flag=True,
            is_eager=True,
            expose_value=False,
            callback=_print_version,
            help="Print the version and exit.",
        ),
    ],
)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Runs ``dvfl`` and exits the process.

    Exit codes: 0; 1 for an error (one line on stderr) or, silently, when the reader of the output went
    away; 2 for wrong usage; 130 after Ctrl-C. ``--debug`` shows the traceback of an error.
    """
    flag = DebugFlag()
    try:
        code = CLI.main(arguments, prog_name="dvfl", standalone_mode=False, obj=flag)
        sys.stdout.flush()
    except (click.Abort, KeyboardInterrupt):
        code = EXIT_INTERRUPTED
    except BrokenPipeError:
        _silence_broken_pipe()
        code = EXIT_ERROR
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except DvflError as error:
        _report(error, flag)
        code = EXIT_ERROR
    except Exception as error:
        # Nothing was foreseen: still one line, since a traceback helps only who can read the code.
        _report(error, flag, hint=" (unexpected; run again with --debug and report it)")
        code = EXIT_ERROR
    sys.exit(code if isinstance(code, int) else 0)


def _report(error: Exception, flag: DebugFlag, hint: str = "") -> None:
    if flag.on:
        traceback.print_exception(error)
    kind = f"{type(error).__name__}: " if hint else ""
    click.echo(f"error: {kind}{' '.join(str(error).split())}{hint}", err=True)


def _silence_broken_pipe() -> None:
    """Keeps the interpreter from failing once more when it flushes stdout at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
