"""Geometry of the parity plots; the template draws it as SVG."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dvfl.manifest import Artifact, ClipParity, Gate
from dvfl_converter.report.evidence import ClipEvidence
from dvfl_converter.report.formats import scientific

WIDTH, HEIGHT = 264, 226
LEFT, RIGHT, TOP, BOTTOM = 52, 256, 10, 184
# Points closer than this many pixels are drawn once.
_MERGE = 2
_MOST_DECADE_LABELS = 6
_COSINE_ERROR, _RANGE_ERROR = "1 \N{MINUS SIGN} cosine", "error / logit range"
_LETTER_WIDTH, _LINE_HEIGHT = 6.6, 13


@dataclass(frozen=True)
class Tick:
    """A position along an axis and its text."""

    at: float
    text: str


@dataclass(frozen=True)
class Scatter:
    """Artifact logits against reference logits.

    ``band`` is half the tolerance band's height in pixels, for the clip with the smallest logit range.
    """

    points: str
    outside: str
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    diagonal: tuple[float, float, float, float]
    band: float | None
    count: int
    outside_count: int


@dataclass(frozen=True)
class Dot:
    """One clip of an error plot."""

    x: float
    y: float
    clip: str
    value: str
    beyond: bool
    worst: bool


@dataclass(frozen=True)
class GateLine:
    """A horizontal line, and where its name is least in the way of the dots."""

    at: float
    text: str
    text_x: float
    text_y: float
    anchor: str


@dataclass(frozen=True)
class ErrorPlot:
    """One error figure per clip, on a logarithmic axis, with the gate's lines."""

    figure: str
    dots: tuple[Dot, ...]
    ticks: tuple[Tick, ...]
    gates: tuple[GateLine, ...]


@dataclass(frozen=True)
class ErrorScale:
    """The figure an error plot shows, and the decades of its axis."""

    figure: str
    low: int
    high: int


def scatter(artifact: Artifact, clips: Sequence[ClipEvidence]) -> Scatter | None:
    """The plot of an executed artifact, or ``None`` if no clip has finite logits of it."""
    pairs = [
        (np.asarray(clip.reference, np.float64), np.asarray(clip.logits[artifact.name], np.float64))
        for clip in clips
        if artifact.name in clip.logits and np.isfinite(clip.logits[artifact.name]).all()
    ]
    if not pairs:
        return None
    reference = np.concatenate([pair[0] for pair in pairs])
    artifact_logits = np.concatenate([pair[1] for pair in pairs])
    low, high = _padded(
        min(reference.min(), artifact_logits.min()), max(reference.max(), artifact_logits.max())
    )
    limit = artifact.parity.gate.max_error_of_range
    beyond = np.concatenate([_beyond(*pair, limit) for pair in pairs])
    tolerance = None if limit is None else limit * min(float(np.ptp(pair[0])) for pair in pairs)
    x = LEFT + (reference - low) / (high - low) * (RIGHT - LEFT)
    y = BOTTOM - (artifact_logits - low) / (high - low) * (BOTTOM - TOP)
    return Scatter(
        points=_merged(x[~beyond], y[~beyond]),
        outside=_merged(x[beyond], y[beyond]),
        x_ticks=tuple(linear_ticks(low, high, LEFT, RIGHT)),
        y_ticks=tuple(linear_ticks(low, high, BOTTOM, TOP)),
        diagonal=(LEFT, BOTTOM, RIGHT, TOP),
        band=None if tolerance is None else tolerance / (high - low) * (BOTTOM - TOP),
        count=len(reference),
        outside_count=int(beyond.sum()),
    )


def error_scales(artifacts: Sequence[Artifact]) -> dict[str, ErrorScale]:
    """One axis per figure, shared by all artifacts that are judged by it, by artifact name."""
    groups: dict[str, list[Artifact]] = {}
    for artifact in artifacts:
        if artifact.parity.clips:
            groups.setdefault(_figure(artifact.parity.gate), []).append(artifact)
    scales = {}
    for figure, members in groups.items():
        values = [_value(figure, clip) for member in members for clip in member.parity.clips]
        values += [line for member in members for _, line in _gate_lines(figure, member.parity.gate)]
        positive = [value for value in values if value > 0] or [1.0]
        low = math.floor(math.log10(min(positive)) - 0.1)
        high = max(low + 1, math.ceil(math.log10(max(positive)) + 0.1))
        scales.update({member.name: ErrorScale(figure, low, high) for member in members})
    return scales


def error_plot(artifact: Artifact, scale: ErrorScale) -> ErrorPlot:
    """The error of every clip in the manifest's order."""
    clips, gate = artifact.parity.clips, artifact.parity.gate
    values = [_value(scale.figure, clip) for clip in clips]
    limit = _per_clip_limit(scale.figure, gate)
    worst = max(range(len(values)), key=lambda index: values[index])
    dots = [
        Dot(
            x=LEFT + (index + 0.5) / len(clips) * (RIGHT - LEFT),
            y=_height(value, scale),
            clip=clip.clip,
            value=scientific(value),
            beyond=limit is not None and value > limit,
            worst=index == worst,
        )
        for index, (clip, value) in enumerate(zip(clips, values, strict=True))
    ]
    gates = [
        _gate_line(_height(value, scale), f"{name} {scientific(value)}", dots)
        for name, value in _gate_lines(scale.figure, gate)
    ]
    return ErrorPlot(scale.figure, tuple(dots), tuple(_decade_ticks(scale)), tuple(gates))


def _figure(gate: Gate) -> str:
    judged_by_cosine = gate.min_worst_cosine is not None or gate.min_mean_cosine is not None
    return _COSINE_ERROR if judged_by_cosine and gate.max_error_of_range is None else _RANGE_ERROR


def _value(figure: str, clip: ClipParity) -> float:
    # float64 rounding may put a cosine a hair above 1.
    return max(0.0, 1 - clip.cosine) if figure == _COSINE_ERROR else clip.error_of_range


def _per_clip_limit(figure: str, gate: Gate) -> float | None:
    if figure != _COSINE_ERROR:
        return gate.max_error_of_range
    return None if gate.min_worst_cosine is None else 1 - gate.min_worst_cosine


def _gate_lines(figure: str, gate: Gate) -> list[tuple[str, float]]:
    lines = []
    if (limit := _per_clip_limit(figure, gate)) is not None:
        lines.append(("gate", limit))
    if figure == _COSINE_ERROR and gate.min_mean_cosine is not None:
        lines.append(("gate of the mean", 1 - gate.min_mean_cosine))
    return lines


def _gate_line(at: float, text: str, dots: Sequence[Dot]) -> GateLine:
    width = len(text) * _LETTER_WIDTH
    places = [
        (GateLine(at, text, x, at + below, anchor), left, at + below)
        for below in (-5, _LINE_HEIGHT + 1)
        for x, anchor, left in ((RIGHT - 3, "end", RIGHT - 3 - width), (LEFT + 3, "start", LEFT + 3))
        if TOP + _LINE_HEIGHT <= at + below <= BOTTOM
    ]

    def covered(left: float, base: float) -> int:
        return sum(
            left - 6 <= dot.x <= left + width + 6 and base - _LINE_HEIGHT - 4 <= dot.y <= base + 6
            for dot in dots
        )

    return min(places, key=lambda place: covered(place[1], place[2]))[0]


def _height(value: float, scale: ErrorScale) -> float:
    if value <= 0:
        return BOTTOM
    return BOTTOM - (math.log10(value) - scale.low) / (scale.high - scale.low) * (BOTTOM - TOP)


def _decade_ticks(scale: ErrorScale) -> list[Tick]:
    step = math.ceil((scale.high - scale.low) / _MOST_DECADE_LABELS)
    return [
        Tick(_height(10.0**power, scale), f"1e{power}") for power in range(scale.low, scale.high + 1, step)
    ]


def _beyond(
    reference: NDArray[np.float64], logits: NDArray[np.float64], limit: float | None
) -> NDArray[np.bool_]:
    if limit is None:
        return np.zeros(len(reference), np.bool_)
    return np.asarray(np.abs(logits - reference) > limit * np.ptp(reference))


def _merged(x: NDArray[np.float64], y: NDArray[np.float64]) -> str:
    cells = np.stack([x, y], axis=1) / _MERGE
    points = np.unique(np.rint(cells).astype(np.int64), axis=0) * _MERGE
    # A zero-length stroke with round caps is a dot: one path draws them all.
    return "".join(f"M{px} {py}h0" for px, py in points.tolist())


def _padded(low: float, high: float) -> tuple[float, float]:
    margin = (high - low) * 0.04 or 1.0
    return float(low - margin), float(high + margin)


def linear_ticks(low: float, high: float, start: float, end: float) -> list[Tick]:
    step = _round_step((high - low) / 4)
    first = math.ceil(low / step)
    values = [index * step for index in range(first, math.floor(high / step) + 1)]
    return [Tick(start + (value - low) / (high - low) * (end - start), f"{value:.6g}") for value in values]


def _round_step(step: float) -> float:
    power = 10.0 ** math.floor(math.log10(step))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= step)
