"""``dvfl verify``: the proof again, on this machine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dvfl.cli.options import next_step, print_table
from dvfl.errors import GateError
from dvfl_converter.cli.options import stress_option

if TYPE_CHECKING:
    from dvfl.manifest import Manifest
    from dvfl_converter.parity.localize import Drift
    from dvfl_converter.parity.stress import Stress
    from dvfl_converter.verification import Verified

HELP = """Verify BUNDLE: sha256 of every artifact, then its logits against PyTorch on every clip.

Clips are the bundle's own reference vectors, any --clip given, and clips made to hurt: black, white,
flicker, pure colours, one-pixel checkerboards and motion. Exit code 1 if a gate fails.

\b
Gates (docs/reading-the-report.md explains each figure):
  fp32  max abs error <= 1e-4 of the logit range
  fp16  cosine >= .9995 on every clip
  int8  mean cosine >= .999, worst clip >= .99, top-1 agreement >= 99 %; made to hurt: cosine >= .866

\b
Examples:
  dvfl verify bundle
  dvfl verify bundle --clip my.mp4 --json result.json
  dvfl verify bundle --localize       name the first layer that drifts
  dvfl verify bundle --stress ascent  also climb to a clip that int8 bears worse still
"""


@click.command("verify", help=HELP, short_help="Prove a bundle's artifacts again, on this machine.")
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option(
    "--clip", "clips", multiple=True, type=click.Path(path_type=Path), help="A further video; repeatable."
)
@click.option(
    "--localize", is_flag=True, help="Where an artifact misses its gate, name the first layer that drifts."
)
@stress_option
@click.option(
    "--json", "json_file", type=click.Path(path_type=Path), help="Also write the figures to this file."
)
def verify(
    bundle: Path, clips: tuple[Path, ...], localize: bool, stress: Stress, json_file: Path | None
) -> None:
    """Prints a line per artifact and exits 1 if any fails."""
    from dvfl.bundle import Bundle
    from dvfl.files import atomic_write
    from dvfl_converter.clips import read_clips
    from dvfl_converter.verification import verify as run

    opened = Bundle.open(bundle)
    extra = read_clips(clips, opened.manifest.preprocessing)
    results = run(opened, extra, find_drift=localize, stress=stress)
    print_table([_HEADER, *map(_row, results)], right=tuple(range(2, len(_HEADER))))
    for result in results:
        for line in (*_details(result, localize), *_placement(opened.manifest, result.name)):
            click.echo(f"  {result.name}: {line}")
    if json_file is not None:
        with atomic_write(json_file) as stream:
            stream.write(json.dumps([_as_json(result) for result in results], indent=2).encode())
    failed = [result.name for result in results if not result.ok]
    if failed:
        hint = "" if localize else "; --localize names the first layer that drifts"
        raise GateError(f"failed: {', '.join(failed)}{hint}")
    next_step(f"dvfl bench {bundle}")


_HEADER = (
    "artifact",
    "verdict",
    "clips",
    "max error",
    "of range",
    "min cosine",
    "min SNR dB",
    "top-1",
    "made to hurt",
)


def _row(result: Verified) -> tuple[str, ...]:
    parity = result.parity
    status = "failed" if result.missed else parity.status.replace("_", " ")
    verdict = "changed" if not result.intact else "error" if result.error else status
    if not parity.clips:
        return (result.name, verdict, *["-"] * (len(_HEADER) - 2))
    return (
        result.name,
        verdict,
        str(len(parity.clips)),
        f"{max(clip.max_abs_error for clip in parity.clips):.2e}",
        f"{max(clip.error_of_range for clip in parity.clips):.2e}",
        f"{min(clip.cosine for clip in parity.clips):.6f}",
        f"{min(clip.snr_db for clip in parity.clips):.1f}",
        f"{parity.top1_agreement:.0%}",
        f"{min(clip.cosine for clip in result.stress.clips):.6f}" if result.stress else "-",
    )


def _details(result: Verified, localize: bool) -> list[str]:
    lines = [result.parity.reason] if result.parity.reason else []
    if result.parity.worst is not None and len(result.parity.clips) > 1:
        lines.append(f"worst clip: {result.parity.worst.clip}")
    if result.stress is not None and result.stress.worst is not None:
        worst_made = result.stress.worst
        missed = f"; {result.stress.reason}" if result.stress.status == "failed" else ""
        lines.append(
            f"worst clip made to hurt: {worst_made.clip.removeprefix('stress: ')}, error "
            f"{worst_made.error_of_range:.1e} of the logit range, cosine {worst_made.cosine:.6f}{missed}"
        )
    if result.magnitudes:
        largest = max(result.magnitudes, key=lambda one: one.largest)
        lines.append(
            f"largest of {len(result.magnitudes)} fp16 values: {largest.operator} '{largest.name}' "
            f"{largest.largest:,.0f}, {largest.of_range:.1%} of fp16's range"
        )
    if result.stand_in:
        farthest = max(result.stand_in, key=lambda one: one.error_of_range)
        lines.append(
            f"this project's interpreter is within {farthest.error_of_range:.1e} of the logit range of it, "
            f"cosine {min(one.cosine for one in result.stand_in):.6f}"
        )
    if not localize or result.ok or not result.intact:
        return lines
    if result.drift is None and result.error is not None:
        return lines
    if result.drift is None:
        return [
            *lines,
            "this runtime shows no intermediate tensors; localize with a litert artifact of this model",
        ]
    return [*lines, _drift_line(result.drift)]


def _placement(manifest: Manifest, name: str) -> list[str]:
    """What public sources say against an operator on the Neural Engine, each with its source."""
    (artifact,) = (artifact for artifact in manifest.artifacts if artifact.name == name)
    if artifact.target != "coreml" or artifact.operators is None:
        return []
    return [
        f"Neural Engine: {use.count} x {use.operator}: {use.reason}"
        for use in artifact.operators.operators
        if "https://" in use.reason
    ]


def _drift_line(drift: Drift) -> str:
    where = ", seen in a fresh conversion with its layers as outputs" if drift.reconverted else ""
    if drift.layer is not None:
        after = f" after '{drift.last_good}'" if drift.last_good else ""
        return f"first drifting layer: '{drift.layer}'{after}, relative error {drift.error:.1e}{where}"
    if drift.reconverted:
        return "a fresh conversion of its checkpoint does not drift: the artifact was altered; convert again"
    return f"every layer is within {drift.tolerance:.0e}; the error builds up gradually"


def _as_json(result: Verified) -> dict[str, Any]:
    drift = result.drift
    return {
        "artifact": result.name,
        "ok": result.ok,
        "intact": result.intact,
        "error": result.error,
        "parity": result.parity.model_dump(),
        "first_drifting_layer": drift.layer if drift else None,
        "fp16_magnitudes": [
            {"name": one.name, "operator": one.operator, "largest": one.largest, "of_range": one.of_range}
            for one in result.magnitudes
        ],
        "interpreter_against_runtime": [parity.model_dump() for parity in result.stand_in],
        "made_to_hurt": result.stress.model_dump() if result.stress else None,
    }
