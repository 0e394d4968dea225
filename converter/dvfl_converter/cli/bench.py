"""``dvfl bench``: what the artifacts cost on this machine."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dvfl.cli.options import next_step, print_table

if TYPE_CHECKING:
    from dvfl_converter.bench.results import BenchResults

HELP = """Time every artifact of BUNDLE that runs on this machine, interleaved with what it is compared with.

Each artifact, at each number of threads, lives in a process of its own. In every round each of them runs
once, one at a time, in a shuffled order; the others sleep. The same rounds time fp32 matrix products, so
that 'of GEMM' is the share of this machine's arithmetic that an artifact uses ('x limit': how many times
longer it takes than its matrix products alone).

--baseline also converts the plain model with each runtime's own converter, without this project's
lowering, and beside an int8 artifact with the runtime's own int8 recipe; that takes minutes. 'ratio' is
the median over the rounds of time / time of the runtime's plain fp32 conversion in the same round, with
its 95 % bootstrap interval (from 6 rounds on); 'of minima' is fastest run / fastest run.

All engines are loaded at once: memory must hold their sum. This machine is no phone: compare ratios, not
milliseconds.

\b
Examples:
  dvfl bench bundle
  dvfl bench bundle --baseline --runs 40 --json bench.json --markdown benchmarks/RESULTS.md
  dvfl bench bundle --threads 4
  dvfl bench bundle --clip my.mp4     also time preprocessing, decoding left out

An artifact that does not load, crashes or hangs gets one line and the others go on; exit code 1.
"""


@click.command("bench", help=HELP, short_help="Time a bundle's artifacts on this machine.")
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option("--baseline", is_flag=True, help="Also time plain conversions of the same model.")
@click.option("--runs", default=20, show_default=True, type=click.IntRange(1), help="Interleaved rounds.")
@click.option(
    "--threads",
    multiple=True,
    default=(1, 2),
    show_default="1 and 2",
    type=click.IntRange(1),
    help="CPU threads per engine; repeatable.",
)
@click.option(
    "--starts",
    default=3,
    show_default=True,
    type=click.IntRange(1),
    help="Fresh processes per engine, for load and first run.",
)
@click.option("--seed", default=0, show_default=True, help="Of the order within the rounds.")
@click.option(
    "--timeout",
    default=300.0,
    show_default=True,
    type=click.FloatRange(0, min_open=True),
    help="Seconds after which an engine that does not answer is given up.",
)
@click.option("--clip", type=click.Path(path_type=Path), help="A video to time preprocessing on.")
@click.option(
    "--json",
    "json_file",
    type=click.Path(path_type=Path),
    help="Also write all figures, every run's milliseconds included, to this file.",
)
@click.option(
    "--markdown",
    "markdown_file",
    type=click.Path(path_type=Path),
    help="Also write a section of Markdown: a new file, or the model's part of a file of results.",
)
def bench(
    bundle: Path,
    baseline: bool,
    runs: int,
    threads: tuple[int, ...],
    starts: int,
    seed: int,
    timeout: float,
    clip: Path | None,
    json_file: Path | None,
    markdown_file: Path | None,
) -> None:
    """Prints two rows per engine, one of speed and one of cost."""
    from dvfl.bundle import Bundle
    from dvfl.errors import EngineError
    from dvfl.files import atomic_write, check_writable
    from dvfl_converter.bench.results import Settings
    from dvfl_converter.bench.run import bench as run
    from dvfl_converter.bench.section import check_section, write_section
    from dvfl_converter.bench.summary import model_of

    opened = Bundle.open(bundle)
    for file in filter(None, (json_file, markdown_file)):
        check_writable(file)
    if markdown_file is not None:
        check_section(markdown_file, model_of(opened))
    settings = Settings(
        runs=runs,
        starts=starts,
        threads=tuple(dict.fromkeys(threads)),
        baseline=baseline,
        seed=seed,
        timeout_s=timeout,
    )
    results = run(opened, settings, clip=clip, command=_command(click.get_current_context()))
    _print(results)
    if json_file is not None:
        with atomic_write(json_file) as stream:
            stream.write(results.model_dump_json(indent=1).encode() + b"\n")
    if markdown_file is not None:
        write_section(markdown_file, results)
    if results.failures:
        raise EngineError(f"{len(results.failures)} could not be timed; the lines 'not timed' say why")
    if not baseline:
        next_step(f"dvfl bench {bundle} --baseline")


def _print(results: BenchResults) -> None:
    from dvfl_converter.bench import tables

    for line in tables.conditions(results):
        click.echo(line)
    click.echo()
    print_table(tables.speed(results), right=range(1, len(tables.SPEED)))
    click.echo()
    print_table(tables.cost(results), right=range(1, len(tables.COST)))
    click.echo()
    for line in tables.remarks(results):
        click.echo(line)


def _command(context: click.Context) -> str:
    """The command that was given, options in the order of the help."""
    words = ["dvfl", "bench"]
    for parameter in context.command.params:
        value = context.params.get(parameter.name or "")
        if isinstance(parameter, click.Argument):
            words.append(str(value))
        elif context.get_parameter_source(parameter.name or "") is click.core.ParameterSource.COMMANDLINE:
            words += _option(parameter.opts[0], value)
    return shlex.join(words)


def _option(name: str, value: object) -> list[str]:
    if isinstance(value, bool):
        return [name]
    values = value if isinstance(value, tuple) else (value,)
    return [word for each in values for word in (name, str(each))]
