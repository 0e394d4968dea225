"""The search for a quantisation plan: what it tried, and the plot of time against accuracy."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from dvfl_converter.report.evidence import PlanTrial, SearchEvidence
from dvfl_converter.report.figures import BOTTOM, LEFT, RIGHT, TOP, Tick, linear_ticks

_MARGIN = 0.08


@dataclass(frozen=True)
class TrialDot:
    """One plan of the plot."""

    x: float
    y: float
    trial: PlanTrial
    label: str


@dataclass(frozen=True)
class SearchPlot:
    """Time against fp32 to the right, signal-to-noise ratio upwards; ``frontier`` is a polyline."""

    artifact: str
    dots: tuple[TrialDot, ...]
    frontier: str
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]


def search_plot(evidence: SearchEvidence) -> SearchPlot | None:
    """The plot of the timed trials; ``None`` if there is none."""
    timed = [trial for trial in evidence.trials if trial.time_ratio is not None]
    if not timed:
        return None
    across = _span([_ratio(trial) for trial in timed])
    upwards = _span([trial.snr_db for trial in timed])
    dots = tuple(
        TrialDot(
            x=_place(_ratio(trial), across, LEFT, RIGHT),
            y=_place(trial.snr_db, upwards, BOTTOM, TOP),
            trial=trial,
            label=f"{trial.name}: {_ratio(trial):.2f} x fp32's time, {trial.snr_db:.1f} dB",
        )
        for trial in timed
    )
    line = sorted((dot for dot in dots if dot.trial.best), key=lambda dot: dot.x)
    return SearchPlot(
        artifact=evidence.artifact,
        dots=dots,
        frontier=" ".join(f"{dot.x:.1f},{dot.y:.1f}" for dot in line),
        x_ticks=tuple(linear_ticks(*across, LEFT, RIGHT)),
        y_ticks=tuple(linear_ticks(*upwards, BOTTOM, TOP)),
    )


def _ratio(trial: PlanTrial) -> float:
    return math.nan if trial.time_ratio is None else trial.time_ratio


def _span(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    margin = (high - low) * _MARGIN or 0.1 * abs(high) or 1.0
    return low - margin, high + margin


def _place(value: float, span: tuple[float, float], start: float, end: float) -> float:
    return start + (value - span[0]) / (span[1] - span[0]) * (end - start)
