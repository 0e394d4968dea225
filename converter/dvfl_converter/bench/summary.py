"""From what the workers measured to the figures of the results."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

import numpy as np

from dvfl.bundle import Bundle
from dvfl.manifest import Artifact
from dvfl_converter.bench import gemm
from dvfl_converter.bench.messages import Started
from dvfl_converter.bench.ratios import paired_ratio
from dvfl_converter.bench.results import (
    BenchResults,
    Engine,
    Gemm,
    Latency,
    Machine,
    Memory,
    Model,
    NotRun,
    Preprocessing,
    Product,
    Ratio,
    Settings,
    Start,
    label,
)
from dvfl_converter.bench.rounds import Outcome, Series
from dvfl_converter.bench.timing import processor
from dvfl_converter.parity.metrics import cosine

Conversion = Literal["lowered", "plain"]
PREPROCESSING = "preprocessing"
_PACKAGES = (
    "dvfl",
    "ai-edge-litert",
    "ai-edge-quantizer",
    "executorch",
    "litert-torch",
    "coremltools",
    "numpy",
    "torch",
    "torchao",
)


@dataclass(frozen=True)
class Entry:
    """An artifact to time at a number of threads; ``None`` where the runtime chooses."""

    bundle: Bundle
    artifact: Artifact
    conversion: Conversion
    threads: int | None

    @property
    def name(self) -> str:
        """``litert-fp32``, or ``litert-plain-fp32`` for a baseline."""
        middle = "-plain-" if self.conversion == "plain" else "-"
        return f"{self.artifact.target}{middle}{self.artifact.precision}"

    @property
    def label(self) -> str:
        """Unique within a bench."""
        return label(self.name, self.threads)


def gemm_label(threads: int) -> str:
    """The name of the matrix product's job."""
    return label("matrix product", threads)


def load_average() -> float | None:
    """How many processes wanted to run in the last minute; ``None`` where the system does not say."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else None


def results(
    bundle: Bundle,
    settings: Settings,
    *,
    entries: Sequence[Entry],
    outcome: Outcome,
    elsewhere: Sequence[tuple[Artifact, str]],
    failures: Sequence[str],
    clip: Path | None,
    command: str,
    load_before: float | None,
) -> BenchResults:
    """All figures of one run; an entry that failed is missing, as is whatever is compared with it."""
    measured = [entry for entry in entries if entry.label in outcome.series]
    rates = {threads: _gemm(bundle, threads, outcome.series) for threads in settings.threads}
    return BenchResults(
        command=command,
        machine=_machine(load_before),
        versions=_versions(),
        model=model_of(bundle),
        settings=settings,
        engines=tuple(_engine(bundle, entry, measured, outcome.series, rates) for entry in measured),
        gemm=tuple(rate for rate in rates.values() if rate is not None),
        preprocessing=_preprocessing(clip, outcome.series),
        not_run=tuple(
            NotRun(name=artifact.name, file_bytes=artifact.bytes, reason=reason)
            for artifact, reason in elsewhere
        ),
        failures=tuple(failures),
    )


def _engine(
    bundle: Bundle,
    entry: Entry,
    measured: Sequence[Entry],
    series: dict[str, Series],
    rates: dict[int, Gemm | None],
) -> Engine:
    own = series[entry.label]
    runs = _runs(own)
    macs = gemm.executed_macs(entry.artifact)
    rate = None if entry.threads is None else rates[entry.threads]
    share = gemm.share_of_rate(macs, min(runs), rate.best_gmacs_per_s) if macs and rate else None
    model_macs = bundle.manifest.model.macs
    needed = gemm.share_of_rate(model_macs, min(runs), rate.best_gmacs_per_s) if rate else None
    operators = entry.artifact.operators
    return Engine(
        name=entry.name,
        target=entry.artifact.target,
        precision=entry.artifact.precision,
        conversion=entry.conversion,
        threads=entry.threads,
        file_bytes=entry.artifact.bytes,
        macs=macs,
        delegate_calls=None if operators is None else operators.delegate_calls,
        starts=tuple(map(_start, own.starts)),
        memory=_memory(own),
        runs_ms=runs,
        latency_ms=Latency.of(runs),
        idle_cpu_ms=tuple(sample.idle_cpu_ms for sample in own.samples),
        cosine=_cosine(bundle, own.starts[-1]),
        ratios=tuple(
            Ratio(baseline=base.name, **asdict(paired_ratio(runs, _runs(series[base.label]))))
            for base in _baselines(entry, measured)
        ),
        gemm_share=share,
        times_the_limit=None if needed is None else 1 / needed,
    )


def _baselines(entry: Entry, measured: Sequence[Entry]) -> Iterator[Entry]:
    """The same runtime's plain conversions at the same threads: fp32, then the entry's own precision."""
    for precision in dict.fromkeys(("fp32", entry.artifact.precision)):
        for other in measured:
            same_runtime = (other.artifact.target, other.threads) == (entry.artifact.target, entry.threads)
            is_plain = other.conversion == "plain" and other.artifact.precision == precision
            if same_runtime and is_plain and other != entry:
                yield other


def _runs(series: Series) -> tuple[float, ...]:
    return tuple(sample.ms[0] for sample in series.samples)


def _start(started: Started) -> Start:
    return Start(
        load_ms=started.load_ms,
        first_ms=started.first_ms,
        prepared_bytes=started.prepared_bytes,
        peak_bytes=started.peak_bytes,
    )


def _memory(series: Series) -> Memory | None:
    peak, imports = series.samples[-1].peak_bytes, series.starts[-1].prepared_bytes
    if peak is None or imports is None:
        return None
    return Memory(peak_bytes=peak, above_imports_bytes=peak - imports)


def _cosine(bundle: Bundle, started: Started) -> float | None:
    vectors = bundle.manifest.reference_vectors
    if not vectors or started.logits is None:
        return None
    return cosine(np.array(vectors[0].logits, np.float64), np.array(started.logits, np.float64))


def _gemm(bundle: Bundle, threads: int, series: dict[str, Series]) -> Gemm | None:
    if gemm_label(threads) not in series:
        return None
    samples = series[gemm_label(threads)].samples
    calls = [(name, shape) for name in gemm.libraries() for shape in gemm.shapes(bundle.manifest.model)]
    products = tuple(
        Product(library=name, m=m, k=k, n=n, runs_ms=tuple(sample.ms[index] for sample in samples))
        for index, (name, (m, k, n)) in enumerate(calls)
    )
    best = max(product.best for product in products)
    return Gemm(threads=threads, products=products, best_gmacs_per_s=best)


def _preprocessing(clip: Path | None, series: dict[str, Series]) -> Preprocessing | None:
    if clip is None or PREPROCESSING not in series:
        return None
    runs = _runs(series[PREPROCESSING])
    return Preprocessing(video=clip.name, runs_ms=runs, latency_ms=Latency.of(runs))


def _machine(load_before: float | None) -> Machine:
    after = load_average()
    return Machine(
        processor=processor(),
        cores=os.cpu_count() or 1,
        system=f"{platform.system()} {platform.machine()}",
        load=None if load_before is None or after is None else (load_before, after),
    )


def model_of(bundle: Bundle) -> Model:
    """What a manifest says of its model."""
    card = bundle.manifest.model
    return Model(
        name=card.name,
        parameters=card.parameters,
        macs=card.macs,
        frames=card.frames,
        size=card.size,
        classes=len(bundle.manifest.labels),
        manifest_sha256=bundle.manifest_sha256,
    )


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
