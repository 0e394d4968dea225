"""The tolerances per precision and of compression, and the verdicts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dvfl.manifest import ClipParity, Gate, ParityReport, Precision

GATES: dict[Precision, Gate] = {
    "fp32": Gate(max_error_of_range=1e-4),
    "fp16": Gate(min_worst_cosine=0.9995),
    "int8": Gate(min_mean_cosine=0.999, min_worst_cosine=0.99, min_top1_agreement=0.99),
}

# On clips made to hurt. What only rounds must bear them like any other; int8, whose ranges are those of
# natural clips, must keep the angle to the reference under 30 degrees: an error of half the logits' norm.
STRESS_GATES: dict[Precision, Gate] = {
    "fp32": GATES["fp32"],
    "fp16": GATES["fp16"],
    "int8": Gate(min_worst_cosine=0.866),
}


@dataclass(frozen=True)
class CompressionGate:
    """What a compressed model must keep of the model before, over clips that it was not fitted on.

    Attributes:
        min_worst_snr_db: of the logits of the worst clip (:func:`dvfl_converter.parity.metrics.snr_db`).
        min_top1_agreement: share of the clips with the same best label.
    """

    min_worst_snr_db: float
    min_top1_agreement: float


# 20 dB is an error of a tenth of the logits' norm; the cosine is then .995 or so, as strict as int8's gate.
COMPRESSION_GATE = CompressionGate(min_worst_snr_db=20.0, min_top1_agreement=0.99)


def compression_misses(clips: Sequence[ClipParity], gate: CompressionGate = COMPRESSION_GATE) -> list[str]:
    """One phrase for each figure outside the gate."""
    if not clips:
        return ["no clip was compared"]
    worst = min(clips, key=lambda clip: clip.snr_db)
    agreement = sum(clip.top1_agrees for clip in clips) / len(clips)
    found = []
    if agreement < gate.min_top1_agreement:
        found.append(f"top-1 agreement {agreement:.1%} < {gate.min_top1_agreement:.0%}")
    if worst.snr_db < gate.min_worst_snr_db:
        found.append(f"worst SNR {worst.snr_db:.1f} dB < {gate.min_worst_snr_db:g} dB ({worst.clip})")
    return found


def judge(gate: Gate, clips: Sequence[ClipParity], note: str | None = None) -> ParityReport:
    """Passed if every gated figure is within its tolerance, and at least one clip was compared.

    ``note`` is the reason of a report that passed: what else a reader must know.
    """
    report = ParityReport(status="passed", gate=gate, clips=tuple(clips), reason=note)
    missed = misses(report)
    if not missed:
        return report
    return report.model_copy(update={"status": "failed", "reason": "; ".join(missed)})


def with_stress(parity: ParityReport, stress: ParityReport) -> ParityReport:
    """The parity on natural clips, failed if that on clips made to hurt is."""
    if stress.status != "failed":
        return parity
    reasons = [parity.reason] if parity.status == "failed" else []
    reason = "; ".join(filter(None, [*reasons, f"on clips made to hurt: {stress.reason}"]))
    return parity.model_copy(update={"status": "failed", "reason": reason})


def not_run(gate: Gate, reason: str) -> ParityReport:
    """The report of an artifact that no runtime here can execute."""
    return ParityReport(status="not_run", reason=reason, gate=gate)


def misses(report: ParityReport) -> list[str]:
    """One phrase for each figure outside the gate."""
    gate = report.gate
    if not report.clips:
        return ["no clip was compared"]
    worst = max(report.clips, key=lambda clip: clip.error_of_range)
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
