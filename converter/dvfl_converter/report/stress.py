"""The clips made to hurt: each artifact's worst, against its gate for them."""

from __future__ import annotations

from dataclasses import dataclass

from dvfl.manifest import ClipParity, Gate, Manifest
from dvfl_converter.report.evidence import StressEvidence
from dvfl_converter.report.formats import cosine, scientific
from dvfl_converter.report.verdict import WORDS, Tone, title


@dataclass(frozen=True)
class StressRow:
    """One artifact on the clip that it bears worst, as text."""

    artifact: str
    tone: Tone
    word: str
    clip: str
    error: str
    cosine: str
    snr: str
    limit: str


def stress_rows(manifest: Manifest, stress: StressEvidence) -> list[StressRow]:
    """One per artifact that was executed on clips made to hurt, in the manifest's order."""
    rows = []
    for artifact in manifest.artifacts:
        parity = stress.parity.get(artifact.name)
        if parity is not None and parity.worst is not None:
            rows.append(_row(title(artifact), parity.status, parity.worst, parity.gate))
    return rows


def _row(name: str, tone: Tone, worst: ClipParity, gate: Gate) -> StressRow:
    return StressRow(
        name,
        tone,
        WORDS[tone],
        worst.clip,
        scientific(worst.error_of_range),
        cosine(worst.cosine),
        f"{worst.snr_db:.0f} dB",
        _limit(gate),
    )


def _limit(gate: Gate) -> str:
    limits = []
    if gate.max_error_of_range is not None:
        limits.append(f"error ≤ {scientific(gate.max_error_of_range)}")
    if gate.min_worst_cosine is not None:
        limits.append(f"cosine ≥ {gate.min_worst_cosine}")
    return ", ".join(limits)
