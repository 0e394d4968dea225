"""``dvfl runtimes``: which released runtimes load a bundle's artifacts, and are right."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dvfl.cli.options import print_table
from dvfl.errors import ConversionError, GateError
from dvfl.suggestions import unknown

if TYPE_CHECKING:
    from dvfl_converter.runtimes.matrix import Entry, Matrix
    from dvfl_converter.runtimes.releases import Release

HELP = """Load and run BUNDLE's artifacts on released runtimes, each in an environment of its own.

Every artifact runs on the bundle's reference vectors; its logits are judged by its gate against PyTorch's. An
environment is made by pip and thrown away, which takes 15 minutes for all; --keep keeps them (40 GB).
Exit code 1 if a runtime that the manifest says is new enough does not load an artifact, or is wrong.

\b
Examples:
  dvfl runtimes bundle
  dvfl runtimes bundle --family ai-edge-litert
  dvfl runtimes bundle --release 'tensorflow 2.19.1' --release 'executorch 1.3.1'
  dvfl runtimes bundle --python arm64=./python-arm64    also what this Python has, and only that
"""


@click.command("runtimes", help=HELP, short_help="Try released runtimes on a bundle's artifacts.")
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option("--family", "chosen", multiple=True, help="Only runtimes of this family; repeatable.")
@click.option("--release", "named", multiple=True, help="Only this release, by its name; repeatable.")
@click.option(
    "--python",
    "given",
    multiple=True,
    metavar="NAME=FILE",
    help="Ask the runtimes that this Python has, instead of released ones; repeatable.",
)
@click.option("--keep", is_flag=True, help="Keep the environments in the user's cache folder.")
@click.option("--runs", type=click.IntRange(0), default=5, show_default=True, help="Timed runs; 0 for none.")
@click.option(
    "--json", "json_file", type=click.Path(path_type=Path), help="Also write all figures to this file."
)
def runtimes(
    bundle: Path,
    chosen: tuple[str, ...],
    named: tuple[str, ...],
    given: tuple[str, ...],
    keep: bool,
    runs: int,
    json_file: Path | None,
) -> None:
    """Prints a row per runtime and artifact, and the oldest version that is right."""
    from dvfl.bundle import Bundle
    from dvfl.files import atomic_write, check_writable
    from dvfl_converter.runtimes.requirement import broken_promises
    from dvfl_converter.runtimes.survey import survey

    opened = Bundle.open(bundle)
    if json_file is not None:
        check_writable(json_file)
    pythons = dict(map(_python, given))
    releases = _releases(chosen, named) if chosen or named or not pythons else ()
    matrix = survey(opened, releases, pythons, runs=runs, keep=keep)
    _print(matrix)
    if json_file is not None:
        with atomic_write(json_file) as stream:
            stream.write(matrix.model_dump_json(indent=1).encode() + b"\n")
    if broken := broken_promises(opened.manifest, matrix):
        raise GateError("; ".join(broken))


def _python(text: str) -> tuple[str, Path]:
    name, equals, file = text.partition("=")
    if not (name and equals and Path(file).is_file()):
        raise click.BadParameter(f"'{text}': write NAME=FILE, the FILE being a Python that can be run")
    return name, Path(file).absolute()


def _releases(chosen: tuple[str, ...], named: tuple[str, ...]) -> tuple[Release, ...]:
    from dvfl_converter.runtimes.releases import RELEASES

    names, known = [row.name for row in RELEASES], list(dict.fromkeys(row.family for row in RELEASES))
    for asked, kind, words in ((chosen, "family", known), (named, "release", names)):
        for word in asked:
            if word not in words:
                raise ConversionError(f"--{kind} {word}: {unknown(kind, word, words)}")
    return tuple(
        row for row in RELEASES if not (chosen or named) or row.family in chosen or row.name in named
    )


_HEADER = ("artifact", "runtime", "outcome", "of range", "cosine", "from here", "p50 ms", "x fastest", "why")


def _print(matrix: Matrix) -> None:
    from dvfl_converter.runtimes.matrix import GIVEN, families, minimum

    rows = sorted(matrix.entries, key=lambda entry: entry.artifact)
    fastest = {
        name: min(entry.p50_ms for entry in matrix.entries if entry.artifact == name and entry.p50_ms)
        for name in {entry.artifact for entry in rows if entry.p50_ms}
    }
    print_table([_HEADER, *(_row(entry, fastest) for entry in rows)], right=(3, 4, 5, 6, 7))
    for artifact in dict.fromkeys(entry.artifact for entry in rows if entry.version != GIVEN):
        own = [entry for entry in matrix.entries if entry.artifact == artifact and entry.version != GIVEN]
        found = {family: minimum(own, artifact, family) for family in families(own)}
        click.echo(f"  {artifact}: right from " + ", ".join(f"{f} {v or '(none)'}" for f, v in found.items()))


def _row(entry: Entry, fastest: Mapping[str, float]) -> tuple[str, ...]:
    return (
        entry.artifact,
        entry.runtime,
        entry.outcome.replace("_", " "),
        "-" if entry.error_of_range is None else f"{entry.error_of_range:.1e}",
        "-" if entry.cosine is None else f"{entry.cosine:.6f}",
        "-" if entry.from_here is None else f"{entry.from_here:.1e}",
        "-" if entry.p50_ms is None else f"{entry.p50_ms:.2f}",
        "-" if entry.p50_ms is None else f"{entry.p50_ms / fastest[entry.artifact]:.1f}",
        entry.reason[:90],
    )
