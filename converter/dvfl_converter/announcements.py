"""What the terminal says of an artifact and of a search, in rich markup."""

from __future__ import annotations

from collections.abc import Iterator

from rich.markup import escape

from dvfl.manifest import Artifact, ParityReport
from dvfl_converter.report.evidence import PlanTrial, SearchEvidence

_MARKS = {"passed": "[green]✓[/]", "failed": "[red]✗[/]", "not_run": "[yellow]-[/]"}


def artifact_line(artifact: Artifact, stress: ParityReport | None) -> str:
    """Verdict, size and the worst clip of one artifact, and how it bore the clips made to hurt."""
    size = f"{artifact.bytes / 1e6:.1f} MB"
    worst = artifact.parity.worst
    detail = artifact.parity.reason or ""
    if worst is not None and artifact.parity.status == "passed":
        detail = f"worst clip: error {worst.error_of_range:.1e} of the logit range, cosine {worst.cosine:.6f}"
    if stress is not None and stress.worst is not None and stress.status == "passed":
        detail += f"; made to hurt: cosine {stress.worst.cosine:.6f}"
    status = artifact.parity.status.replace("_", " ")
    return f"{_MARKS[artifact.parity.status]} {artifact.name:<17} {size:>9}  {status}  {escape(detail)}"


def search_lines(search: SearchEvidence) -> Iterator[str]:
    """The plans a search timed, fastest first; the chosen one and those on the frontier are marked."""
    clips = f"{search.selection} selection and {search.calibration} calibration clips"
    origin = "remembered from an earlier search" if search.remembered else f"{len(search.trials)} plans tried"
    yield f"  {escape(search.artifact)}: {origin}, {clips}"
    yield "    time/fp32      size   agree     SNR  plan"
    for trial in sorted(search.trials, key=lambda trial: trial.time_ratio or float("inf")):
        yield _trial_line(trial)
    if search.sensitivities:
        kindest = sorted(search.sensitivities, key=lambda item: item.snr_db)
        yield "    alone: " + ", ".join(
            f"{escape(item.group)} {item.scheme} {item.snr_db:.0f} dB" for item in kindest
        )
    if search.calibration == 0:
        yield "    static int8, often the fastest, needs --calibration-clips DIR and was not tried"


def _trial_line(trial: PlanTrial) -> str:
    mark = "▸" if trial.chosen else "·" if trial.best else " "
    time = "       -" if trial.time_ratio is None else f"{trial.time_ratio:8.2f}"
    missed = f"  [dim]{escape(trial.missed)}[/]" if trial.missed else ""
    return (
        f"  {mark} {time}  {trial.bytes / 1e6:6.1f} MB  {trial.agreement:6.1%}  {trial.snr_db:4.1f} dB  "
        f"{escape(trial.name)}{missed}"
    )
