"""``dvfl check``: operator compatibility before converting."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dvfl.cli.options import next_step, print_table
from dvfl.errors import GateError

if TYPE_CHECKING:
    from dvfl_converter.operators.check import Checked
    from dvfl_converter.targets.base import Target

HELP = """Check where each operator of CHECKPOINT, or of any model, would run on a phone.

\b
Placements:
  delegate     the accelerator library of the runtime (XNNPACK): fast
  native       an operator of the runtime itself
  portable     ExecuTorch's plain kernels: correct, often 10-100 times slower
  unsupported  nothing runs it; conversion would fail

\b
Examples:
  dvfl check student.pth
  dvfl check student.pth --target executorch --json report.json
  dvfl check --model torchvision.models.video:r3d_18 --input 1,3,8,112,112 --target executorch
  dvfl check student.pth --max-portable-share 0.01

Exit codes: 0; 1 if an operator is unsupported or the budget is exceeded; 2 wrong usage.
"""

if TYPE_CHECKING:
    _Sizes = click.ParamType[tuple[int, ...]]
else:
    # Older releases of click know no type argument.
    _Sizes = click.ParamType


class Shape(_Sizes):
    """Comma-separated positive sizes."""

    name = "N,C,..."

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, ...]:
        """The sizes."""
        if isinstance(value, tuple):
            return value
        try:
            sizes = tuple(int(part) for part in str(value).split(","))
        except ValueError:
            sizes = ()
        if not sizes or min(sizes) < 1:
            self.fail(f"'{value}' is no shape; write e.g. 1,3,8,112,112", param, ctx)
        return sizes


@click.command("check", help=HELP, short_help="Where each operator would run, before converting.")
@click.argument("checkpoint", required=False, type=click.Path(path_type=Path))
@click.option(
    "--model", metavar="PACKAGE.MODULE:FACTORY", help="Check any torch model instead of a checkpoint."
)
@click.option(
    "--input",
    "shape",
    type=Shape(),
    default="1,3,8,112,112",
    show_default=True,
    help="Input shape of --model.",
)
@click.option(
    "--target",
    "targets",
    multiple=True,
    metavar="TARGET",
    help="executorch, coreml or litert; repeatable.  [default: all]",
)
@click.option("--frames", default=8, show_default=True, help="Frames per clip of a checkpoint.")
@click.option("--size", default=224, show_default=True, help="Height and width of a checkpoint's input.")
@click.option(
    "--max-portable-share",
    type=click.FloatRange(0, 1),
    help="Fail if more than this share of the MACs runs off the delegate or nowhere.",
)
@click.option(
    "--json", "json_file", type=click.Path(path_type=Path), help="Also write the reports to this file."
)
def check(
    checkpoint: Path | None,
    model: str | None,
    shape: tuple[int, ...],
    targets: tuple[str, ...],
    frames: int,
    size: int,
    max_portable_share: float | None,
    json_file: Path | None,
) -> None:
    """Prints a table per target."""
    if (checkpoint is None) == (model is None):
        raise click.UsageError("give either CHECKPOINT or --model PACKAGE.MODULE:FACTORY")
    from dvfl.files import atomic_write
    from dvfl_converter.operators import check as checking
    from dvfl_converter.plan import plan_conversions
    from dvfl_converter.progress import Steps

    rows: list[Target] = list({c.target.name: c.target for c in plan_conversions(targets, ())}.values())
    results: list[Checked] = []
    with Steps(total=len(rows)) as steps:
        for target in rows:
            with steps.step(f"{target.name}: placing operators"):
                results.append(
                    checking.check_model(model, target, shape)
                    if model is not None
                    else checking.check_checkpoint(checkpoint or Path(), target, frames, size)
                )
    for result in results:
        _print(result)
    if json_file is not None:
        with atomic_write(json_file) as stream:
            stream.write(json.dumps({r.target: _as_json(r) for r in results}, indent=2).encode())
    _gate(results, max_portable_share)
    if checkpoint is not None:
        next_step(f"dvfl convert {checkpoint} --labels LABELS.txt --out BUNDLE")


def _print(result: Checked) -> None:
    click.echo(f"\n{result.target}")
    if result.report is None:
        click.echo(f"  {result.error}")
        return
    report = result.report
    if report.delegate:
        click.echo(f"  {report.delegate} delegate: {report.delegate_calls} call(s), ", nl=False)
        click.echo(f"{report.macs_share('delegate'):.1%} of the MACs")
    table = [("operator", "runs on", "count", "MACs", "why", "line")]
    table += [
        (use.operator, use.where, str(use.count), f"{use.macs_share:.1%}", use.reason, use.source or "")
        for use in report.operators
    ]
    print_table(table, right=(2, 3))


def _gate(results: list[Checked], budget: float | None) -> None:
    problems = []
    for result in results:
        if not result.convertible:
            problems.append(f"{result.target}: {result.error or _first_unsupported(result)}")
        elif budget is not None and result.slow_share() > budget:
            problems.append(
                f"{result.target}: {result.slow_share():.1%} of the MACs off the delegate, "
                f"budget {budget:.1%}"
            )
    if problems:
        raise GateError("; ".join(problems))


def _first_unsupported(result: Checked) -> str:
    assert result.report is not None
    use = next(use for use in result.report.operators if use.placement == "unsupported")
    return f"unsupported operator {use.operator} ({use.source or 'line unknown'})"


def _as_json(result: Checked) -> dict[str, Any]:
    return {
        "convertible": result.convertible,
        "error": result.error,
        "report": result.report.model_dump() if result.report else None,
    }
