"""``dvfl report``: the bundle's page again, with what phones measured."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dvfl.cli.options import next_step, print_table
from dvfl.errors import GateError

if TYPE_CHECKING:
    from dvfl_converter.devices import DeviceRun

HELP = """Write report.html of BUNDLE again, with a section of what phones measured.

The test of the Android or iOS SDK runs the bundle's reference clips on a phone and writes a FILE. Each
run in it is judged here: its logits against PyTorch's, with the artifact's own gate. The page shows the
files named this time, and only those. Exit code 1 if a run on a device missed its gate or failed; the
page is written all the same.

\b
Examples:
  dvfl report bundle --device-results pixel8.json
  dvfl report bundle --device-results pixel8.json --device-results iphone15.json --out phones.html
  dvfl report bundle                  the page as 'dvfl convert' wrote it

spec/device-results.md explains FILE, docs/reading-the-report.md the figures.
"""


@click.command("report", help=HELP, short_help="Write a bundle's report again, with results from phones.")
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option(
    "--device-results",
    "files",
    multiple=True,
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="What a phone measured; repeatable.",
)
@click.option(
    "--out", type=click.Path(path_type=Path), help="The page to write.  [default: BUNDLE/report.html]"
)
def report(bundle: Path, files: tuple[Path, ...], out: Path | None) -> None:
    """Writes the page, prints a line per run, and exits 1 if a run on a device is not good."""
    from dvfl.bundle import Bundle
    from dvfl.files import atomic_write, check_writable
    from dvfl_converter.bundle_writer import REPORT_FILE
    from dvfl_converter.devices import judge_devices
    from dvfl_converter.report.record import read_record
    from dvfl_converter.report.render import render

    opened = Bundle.open(bundle)
    page = out or bundle / REPORT_FILE
    check_writable(page)
    runs = judge_devices(opened, files)
    html = render(replace(read_record(opened), devices=runs))
    with atomic_write(page) as stream:
        stream.write(html.encode())
    if runs:
        print_table([_HEADER, *map(_row, runs)], right=(4, 5, 6, 7))
    for run in runs:
        if run.parity.reason:
            click.echo(f"  {run.name}: {run.parity.reason}")
    click.echo(f"report: {page}")
    failed = [run.name for run in runs if not run.ok]
    if failed:
        raise GateError(f"failed: {', '.join(failed)}; the reasons are above and in {page}")
    hint = f"open {page}, section 'On devices'" if runs else f"dvfl report {bundle} --device-results FILE"
    next_step(hint)


_HEADER = ("device", "artifact", "accelerator", "verdict", "max error", "min cosine", "top-1", "p50 ms")


def _row(run: DeviceRun) -> tuple[str, ...]:
    clips, latency = run.parity.clips, run.run.latency_ms
    verdict = "did not run" if run.run.status == "failed" else run.parity.status
    head = (run.device.name, run.artifact.name, run.run.accelerator, verdict)
    if not clips:
        return (*head, *["-"] * 4)
    return (
        *head,
        f"{max(clip.max_abs_error for clip in clips):.2e}",
        f"{min(clip.cosine for clip in clips):.6f}",
        f"{run.parity.top1_agreement:.0%}",
        f"{latency.p50:.2f}" if latency else "-",
    )
