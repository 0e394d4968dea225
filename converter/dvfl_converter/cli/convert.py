"""``dvfl convert``: a checkpoint becomes a proved bundle."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from dvfl.cli.options import next_step
from dvfl.errors import GateError
from dvfl_converter.cli.options import stress_option

if TYPE_CHECKING:
    from dvfl_converter.parity.stress import Stress

HELP = """Convert CHECKPOINT to phone artifacts, prove them on clips, and write a bundle.

The bundle holds the artifacts, their operator placement and parity with PyTorch, the labels, the
preprocessing contract, reference vectors and report.html. It is written whole or not at all.

\b
Examples:
  dvfl convert runs/student/best.pth --out bundle --clip a.mp4      labels and input are the run's
  dvfl convert student.pth --labels labels.txt --out bundle --clip a.mp4 --clip b.mp4
  dvfl convert student.pth --labels labels.txt --out bundle --target litert --precision fp32 --precision int8
  dvfl convert student.pth --labels labels.txt --out bundle --precision litert=int8 --precision coreml=fp16
  dvfl convert student.pth --labels labels.txt --out bundle --precision int8 --calibration-clips videos

For int8 of LiteRT and ExecuTorch it searches for the fastest plan that is accurate enough: which layers are
static or dynamic int8, which stay as they are, measured on the runtime itself. The plan is stored in the
bundle's folder 'quantization' and remembered. An int8 artifact that misses its gate, or is slower or no
smaller than fp32, is refused.

Exit codes: 0 every artifact was made and none missed its gate; 1 otherwise (the bundle still holds
what was made); 2 wrong usage.
"""


@click.command("convert", help=HELP, short_help="Turn a checkpoint into phone artifacts, with proof.")
@click.argument("checkpoint", type=click.Path(path_type=Path))
@click.option(
    "--labels",
    type=click.Path(path_type=Path),
    help="One label per line, in head order.  [default: labels.txt beside CHECKPOINT]",
)
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The bundle folder to write.")
@click.option(
    "--target",
    "targets",
    multiple=True,
    metavar="TARGET",
    help="executorch, coreml or litert; repeatable.  [default: all]",
)
@click.option(
    "--precision",
    "precisions",
    multiple=True,
    metavar="[TARGET=]P",
    help="fp32, fp16 or int8; repeatable.  [default: fp32; fp16 for coreml]",
)
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="TARGET.OPTION=VALUE",
    help="An option of one target, e.g. litert.int8=static or coreml.minimum_deployment_target=iOS17.",
)
@click.option("--frames", type=int, help="Frames per clip, T.  [default: the checkpoint's, or 8]")
@click.option(
    "--size",
    type=int,
    help="Height and width of the model's input; a multiple of 32.  [default: the checkpoint's, or 224]",
)
@click.option(
    "--clip",
    "clips",
    multiple=True,
    type=click.Path(path_type=Path),
    help="A video to prove the artifacts on; repeatable.  [default: generated patterns]",
)
@stress_option
@click.option(
    "--calibration-clips",
    type=click.Path(path_type=Path),
    help="A folder of videos for --compress and int8: half calibrate int8, the others choose its plan; "
    "none may also be a --clip.",
)
@click.option(
    "--quantization-plan",
    "plans",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Use this plan instead of searching, e.g. bundle/quantization/litert.json, edited or not; one per "
    "target.",
)
@click.option(
    "--keep-refused",
    is_flag=True,
    help="Keep int8 artifacts that are refused, for a closer look; the exit code stays 1.",
)
@click.option(
    "--compress",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    metavar="ERROR",
    help="Temporal convolutions of the lowest rank whose output errs by at most this share, e.g. 0.03; needs "
    "--calibration-clips and --clip. 'dvfl compress' explains it.",
)
@click.option("--force", is_flag=True, help="Replace an existing bundle at --out.")
def convert(
    checkpoint: Path,
    labels: Path | None,
    out: Path,
    targets: tuple[str, ...],
    precisions: tuple[str, ...],
    settings: tuple[str, ...],
    frames: int | None,
    size: int | None,
    clips: tuple[Path, ...],
    calibration_clips: Path | None,
    plans: tuple[Path, ...],
    keep_refused: bool,
    stress: Stress,
    compress: float | None,
    force: bool,
) -> None:
    """Runs the pipeline and ends with the verdict."""
    from dvfl_converter.plan import plan_conversions
    from dvfl_converter.quantization.plan import read_plan

    conversions = plan_conversions(targets, precisions, settings, [read_plan(path) for path in plans])
    from dvfl_converter.inputs import Request
    from dvfl_converter.pipeline import convert as run

    request = Request(
        checkpoint,
        labels or _labels_beside(checkpoint),
        out,
        conversions,
        frames,
        size,
        clips,
        calibration_clips,
        replace=force,
        keep_refused=keep_refused,
        stress=stress,
        compress=compress,
    )
    outcome = run(request)
    if outcome.compression is not None:
        from dvfl_converter.cli.compress import show

        show(outcome.compression)
    if not clips:
        click.echo(
            "note: proved on generated patterns only; add --clip VIDEO to prove it on real video", err=True
        )
    click.echo(f"bundle: {out}\nreport: {out / 'report.html'}")
    example = clips[0] if clips else "CLIP.mp4"
    next_step(f"dvfl predict {out} {example}    or    dvfl verify {out}")
    if outcome.failures or outcome.failed_gates:
        names = dict.fromkeys(
            [*(failure.name for failure in outcome.failures), *(a.name for a in outcome.failed_gates)]
        )
        raise GateError(f"not usable: {', '.join(names)}; the reasons are above and in report.html")


def _labels_beside(checkpoint: Path) -> Path:
    """What training leaves beside its checkpoint."""
    from dvfl.bundle import LABELS_FILE

    labels = checkpoint.parent / LABELS_FILE
    if labels.is_file():
        click.echo(f"labels: {labels}", err=True)
    elif checkpoint.is_file():
        raise click.UsageError(f"missing option '--labels': there is no {labels}; give one label per line")
    return labels
