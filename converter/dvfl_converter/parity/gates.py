"""The tolerances per precision, and the verdict."""

from __future__ import annotations

from collections.abc import Sequence

from dvfl.manifest import ClipParity, Gate, ParityReport, Precision

GATES: dict[Precision, Gate] = {
    "fp32": Gate(max_error_of_range=1e-4),
    "fp16": Gate(min_worst_cosine=0.9995),
    "int8": Gate(min_mean_cosine=0.999, min_worst_cosine=0.99, min_top1_agreement=0.99),
}


def judge(gate: Gate, clips: Sequence[ClipParity]) -> ParityReport:
    """Passed if every gated figure is within its tolerance, and at least one clip was compared."""
    report = ParityReport(status="passed", gate=gate, clips=tuple(clips))
    missed = misses(report)
    if not missed:
        return report
    return report.model_copy(update={"status": "failed", "reason": "; ".join(missed)})


def not_run(gate: Gate, reason: str) -> ParityReport:
    """The report of an artifact that no runtime here can execute."""
    return ParityReport(status="not_run", reason=reason, gate=gate)


def misses(report: ParityReport) -> list[str]:
    """One phrase for each figure outside the gate."""
    gate, worst = report.gate, report.worst
    if worst is None:
        return ["no clip was compared"]
    worst_cosine = min(report.clips, key=lambda clip: clip.cosine)
    found = []
    if gate.max_error_of_range is not None and worst.error_of_range > gate.max_error_of_range:
        found.append(
            f"error {worst.error_of_range:.2e} of the logit range > {gate.max_error_of_range:.0e} "
            f"({worst.clip})"
        )
    if gate.min_mean_cosine is not None and report.mean_cosine < gate.min_mean_cosine:
        found.append(f"mean cosine {report.mean_cosine:.5f} < {gate.min_mean_cosine}")
    if gate.min_worst_cosine is not None and worst_cosine.cosine < gate.min_worst_cosine:
        found.append(
            f"worst cosine {worst_cosine.cosine:.5f} < {gate.min_worst_cosine} ({worst_cosine.clip})"
        )
    if gate.min_top1_agreement is not None and report.top1_agreement < gate.min_top1_agreement:
        found.append(f"top-1 agreement {report.top1_agreement:.1%} < {gate.min_top1_agreement:.0%}")
    return found
