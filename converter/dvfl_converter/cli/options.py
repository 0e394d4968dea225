"""Options that several commands of the converter share."""

from __future__ import annotations

import click

from dvfl.cli.options import Choice

# Spelled out here because the module that defines them imports numpy.
STRESS = ("off", "patterns", "ascent")

stress_option = click.option(
    "--stress",
    type=Choice("stress", STRESS),
    default="patterns",
    show_default=True,
    help="Which clips made to hurt are also judged: black, white, flicker, pure colours, one-pixel "
    "checkerboards and motion; with ascent, for int8, also one that is climbed to from the worst of all.",
)
