"""``dvfl bench``: what the artifacts cost on this machine."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dvfl.cli.options import print_table

if TYPE_CHECKING:
    from dvfl_converter.bench.run import Benchmark

HELP = """Time every artifact of BUNDLE that runs on this machine, in one interleaved run.

--baseline also converts the plain model with each runtime's own converter, without this project's
lowering, and times it in the same rounds; 'ratio' is fastest run over the baseline's fastest run.
This machine is no phone: compare ratios, not milliseconds.

\b
Examples:
  dvfl bench bundle
  dvfl bench bundle --baseline --runs 30 --threads 2 --json bench.json
  dvfl bench bundle --clip my.mp4     also time preprocessing, decoding left out
"""


@click.command("bench", help=HELP, short_help="Time a bundle's artifacts on this machine.")
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option("--baseline", is_flag=True, help="Also time the plain conversion of the same model.")
@click.option("--runs", default=20, show_default=True, type=click.IntRange(1), help="Interleaved rounds.")
@click.option(
    "--threads", default=2, show_default=True, type=click.IntRange(1), help="CPU threads per engine."
)
@click.option("--clip", type=click.Path(path_type=Path), help="A video to time preprocessing on.")
@click.option(
    "--json", "json_file", type=click.Path(path_type=Path), help="Also write the figures to this file."
)
def bench(
    bundle: Path, baseline: bool, runs: int, threads: int, clip: Path | None, json_file: Path | None
) -> None:
    """Prints one row per engine."""
    from dvfl.bundle import Bundle
    from dvfl.files import atomic_write
    from dvfl_converter.bench.run import bench as run
    from dvfl_converter.bench.timing import machine

    result = run(Bundle.open(bundle), runs=runs, threads=threads, baseline=baseline, clip=clip)
    click.echo(f"{machine()}; {threads} threads, {runs} interleaved rounds")
    rows: list[tuple[str, ...]] = [
        ("artifact", "p50 ms", "p90 ms", "min ms", "first ms", "load ms", "MB", "ratio")
    ]
    for row in result.measured:
        ratio = result.ratio(row.name)
        times = (row.timing.p50_ms, row.timing.p90_ms, row.timing.min_ms, row.timing.first_ms, row.load_ms)
        figures = (f"{value:.2f}" for value in times)
        rows.append((row.name, *figures, f"{row.bytes / 1e6:.2f}", f"{ratio:.2f}" if ratio else "-"))
    print_table(rows, right=range(1, 8))
    if result.preprocessing is not None:
        timing = result.preprocessing
        click.echo(f"  preprocessing of one clip: p50 {timing.p50_ms:.2f} ms, p90 {timing.p90_ms:.2f} ms")
    if json_file is not None:
        with atomic_write(json_file) as stream:
            stream.write(json.dumps(_as_json(result, machine()), indent=2).encode())


def _as_json(result: Benchmark, machine: str) -> dict[str, Any]:
    rows = [{**asdict(row), "ratio": result.ratio(row.name)} for row in result.measured]
    preprocessing = asdict(result.preprocessing) if result.preprocessing else None
    return {"machine": machine, "threads": result.threads, "artifacts": rows, "preprocessing": preprocessing}
