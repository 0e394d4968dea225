"""Operators by where they run, and what each artifact costs in bytes and milliseconds."""

from __future__ import annotations

from dataclasses import dataclass

from dvfl.manifest import Artifact, OperatorReport, OperatorUse, Placement
from dvfl_converter.report.evidence import Evidence, Latency
from dvfl_converter.report.formats import file_size, milliseconds, percent, plural
from dvfl_converter.report.verdict import title

_PLACEMENTS: tuple[Placement, ...] = ("delegate", "native", "portable", "unsupported")
_NAMES: dict[Placement, str] = {
    "delegate": "delegate",
    "native": "runtime's own kernel",
    "portable": "portable kernel (slow)",
    "unsupported": "unsupported",
}


@dataclass(frozen=True)
class Segment:
    """One part of a stacked bar; ``width`` in percent."""

    placement: Placement
    name: str
    width: float
    text: str


@dataclass(frozen=True)
class Delegation:
    """Where one artifact's operators run. ``outside`` lists what the delegate does not take."""

    title: str
    summary: str
    by_macs: tuple[Segment, ...]
    by_count: tuple[Segment, ...]
    outside: tuple[OperatorUse, ...]


@dataclass(frozen=True)
class Cost:
    """One row of the size and latency table; widths in percent of the largest of the column."""

    title: str
    size: str
    size_width: float
    p50: str
    p90: str
    load: str
    p50_width: float
    p90_width: float
    speed: str


def delegations(artifacts: tuple[Artifact, ...]) -> list[Delegation]:
    """One per artifact whose operators are recorded."""
    return [
        _delegation(title(artifact), artifact.operators)
        for artifact in artifacts
        if artifact.operators is not None
    ]


def costs(evidence: Evidence) -> list[Cost]:
    """PyTorch first, then the artifacts, then any other engine that was timed."""
    manifest = evidence.manifest
    timed = {latency.engine: latency for latency in evidence.latencies}
    names = {artifact.name: title(artifact) for artifact in manifest.artifacts}
    sizes = {artifact.name: artifact.bytes for artifact in manifest.artifacts}
    reference = next((name for name in timed if name not in names and name.startswith("torch")), None)
    if reference is not None:
        names = {reference: "PyTorch reference"} | names
        if manifest.reference is not None:
            sizes[reference] = manifest.reference.bytes
    names |= {name: name for name in timed if name not in names}
    base = timed[reference].p50_ms if reference else None
    slowest = max((latency.p90_ms for latency in evidence.latencies), default=0) or 1
    largest = max(sizes.values(), default=0) or 1
    return [
        _cost(shown, sizes.get(name), largest, timed.get(name), slowest, None if name == reference else base)
        for name, shown in names.items()
    ]


def conditions(latencies: tuple[Latency, ...]) -> str:
    """``20 runs after warm-up, 2 threads``, for all engines or, where they differ, from least to most."""
    runs, threads = (
        {latency.runs for latency in latencies},
        {latency.threads for latency in latencies},
    )
    return f"{_span(runs, 'run')} after warm-up, {_span(threads, 'thread')}"


def _span(values: set[int], noun: str) -> str:
    low, high = min(values), max(values)
    return plural(low, noun) if low == high else f"{low} to {plural(high, noun)}"


def _delegation(name: str, report: OperatorReport) -> Delegation:
    # Without a delegate the runtime's own operators are the fast place, not what is left over.
    inside: Placement = "native" if report.delegate is None else "delegate"
    outside = tuple(use for use in report.operators if use.placement not in ("delegate", inside))
    counts: dict[Placement, float] = {placement: report.count(placement) for placement in _PLACEMENTS}
    macs: dict[Placement, float] = {placement: report.macs_share(placement) for placement in _PLACEMENTS}
    total = int(sum(counts.values()))
    return Delegation(
        title=name,
        summary=_summary(
            report, total, sum(use.count for use in outside), macs[inside], sum(macs.values()) > 0
        ),
        by_macs=_segments(macs, report.delegate, counted=False),
        by_count=_segments(counts, report.delegate, counted=True),
        outside=outside,
    )


def _summary(report: OperatorReport, total: int, left: int, share: float, has_macs: bool) -> str:
    if report.delegate is None:
        place = "No delegate: the runtime places its own operators on the device"
    else:
        place = f"{report.delegate} takes {percent(share)} of the MACs" if has_macs else report.delegate
        place += f" in {plural(report.delegate_calls, 'call')}"
    stays = "nothing stays out" if left == 0 else f"{left} of {plural(total, 'operator')} stay out"
    return f"{place}; {stays}."


def _segments(parts: dict[Placement, float], delegate: str | None, counted: bool) -> tuple[Segment, ...]:
    total = sum(parts.values())
    return tuple(
        Segment(
            placement,
            delegate if placement == "delegate" and delegate else _NAMES[placement],
            100 * value / total,
            plural(int(value), "operator") if counted else percent(min(1.0, value)),
        )
        for placement, value in parts.items()
        if value > 0
    )


def _cost(
    name: str, size: int | None, largest: int, latency: Latency | None, slowest: float, base: float | None
) -> Cost:
    return Cost(
        title=name,
        size="not stored" if size is None else file_size(size),
        size_width=100 * (size or 0) / largest,
        p50=milliseconds(latency.p50_ms) if latency else "not timed",
        p90=milliseconds(latency.p90_ms) if latency else "not timed",
        load=milliseconds(latency.load_ms) if latency else "not timed",
        p50_width=100 * latency.p50_ms / slowest if latency else 0.0,
        p90_width=100 * latency.p90_ms / slowest if latency else 0.0,
        speed=f"{base / latency.p50_ms:.2g}\N{MULTIPLICATION SIGN} PyTorch's speed"
        if latency and base
        else "",
    )
