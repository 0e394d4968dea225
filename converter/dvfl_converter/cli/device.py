"""``dvfl device``: the parity test for phones."""

from __future__ import annotations

from pathlib import Path

import click

from dvfl.cli.options import next_step

EXPORT_HELP = """Write a folder with which anyone with a phone runs BUNDLE's parity test.

It holds the bundle without its PyTorch checkpoint, and a script each for Android (adb, Gradle) and iOS.
Each writes a device-results.json, which `dvfl report BUNDLE --device-results` judges and shows.

\b
Examples:
  dvfl device export bundle --out for-the-tester
  sh for-the-tester/android.sh pixel8.json
  dvfl report bundle --device-results pixel8.json
"""


@click.group("device", short_help="Export a bundle's parity test for phones.")
def device() -> None:
    """The parity test for phones."""


@device.command("export", help=EXPORT_HELP, short_help="Write the folder to run on a phone.")
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The folder to write.")
def export(bundle: Path, out: Path) -> None:
    """Writes the folder."""
    from dvfl.bundle import Bundle
    from dvfl_converter.device_export.export import export as run

    run(Bundle.open(bundle), out)
    click.echo(f"wrote {out}")
    next_step(f"in a checkout of dvfl, with a phone attached: sh {out}/android.sh device-results.json")
