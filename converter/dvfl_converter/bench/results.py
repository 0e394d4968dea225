"""What a bench measured: the file that ``dvfl bench --json`` writes.

Every run's milliseconds are in it, so that whoever doubts a figure works it out again; the figures
themselves are checked against those runs when the file is read.
"""

from __future__ import annotations

import statistics
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from dvfl.manifest import Precision, Sha256
from dvfl_converter.bench.gemm import gmacs_per_s
from dvfl_converter.bench.timing import Timing

SCHEMA_VERSION: Literal[1] = 1

Text = Annotated[str, Field(min_length=1)]
Milliseconds = Annotated[float, Field(gt=0)]
Positive = Annotated[float, Field(gt=0)]
Bytes = Annotated[int, Field(ge=0)]
Threads = Annotated[int, Field(ge=1)]
Runs = Annotated[tuple[Milliseconds, ...], Field(min_length=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Machine(_Strict):
    """Where it ran. ``load`` is the system's one-minute load average before and after, where it has one."""

    processor: Text
    cores: Threads
    system: Text
    load: tuple[float, float] | None


class Model(_Strict):
    """The bundle's model; ``macs`` as PyTorch's reference does them."""

    name: Text
    parameters: int
    macs: int
    frames: int
    size: int
    classes: int
    manifest_sha256: Sha256

    @property
    def title(self) -> str:
        """``nano, 8 x 224 x 224, 101 classes``: tells models of one file of results apart."""
        return f"{self.name}, {self.frames} x {self.size} x {self.size}, {self.classes} classes"


class Settings(_Strict):
    """What was asked for. ``seed`` gives the order within the rounds, and the bootstrap."""

    runs: int = Field(ge=1)
    starts: int = Field(ge=1)
    threads: tuple[Threads, ...]
    baseline: bool
    seed: int
    timeout_s: Positive


class Start(_Strict):
    """A fresh process: imported and nothing else, then loaded, then run once; memory at its peak so far."""

    load_ms: Milliseconds
    first_ms: Milliseconds
    prepared_bytes: Bytes | None
    peak_bytes: Bytes | None


class Latency(_Strict):
    """Of the counted runs; ``p90`` is the nearest rank."""

    p50: Milliseconds
    p90: Milliseconds
    min: Milliseconds

    @classmethod
    def of(cls, runs_ms: tuple[float, ...]) -> Latency:
        """From the runs."""
        timing = Timing(0.0, runs_ms)
        return cls(p50=timing.p50_ms, p90=timing.p90_ms, min=timing.min_ms)


class Ratio(_Strict):
    """Time over a baseline's at the same threads; see :class:`dvfl_converter.bench.ratios.PairedRatio`."""

    baseline: Text
    median: Positive
    low: Positive | None
    high: Positive | None
    of_medians: Positive
    of_minima: Positive


class Memory(_Strict):
    """Of the process that ran all rounds: its peak, and how much of it came after the imports."""

    peak_bytes: Bytes
    above_imports_bytes: Bytes


class Engine(_Strict):
    """One artifact at one number of threads, in its own process.

    Attributes:
        name: ``target-precision``, or ``target-plain-precision`` for a baseline.
        conversion: ``lowered`` is this project's, ``plain`` the runtime's own of the plain model.
        threads: ``None`` where the runtime chooses.
        macs: multiply-accumulates of one run as its operators do them.
        delegate_calls: 1 means the whole network runs in one delegate.
        runs_ms: one per round; the n-th of every engine is of the n-th round.
        idle_cpu_ms: processor time that it used in each round while others were measured.
        cosine: of its logits and the reference's, on the clip that was timed; ``None`` without one.
        gemm_share: its multiply-accumulates per second over the machine's best fp32 matrix product's.
        times_the_limit: its fastest run over the time of the model's matrix products alone, as the reference
            does them.
    """

    name: Text
    target: Text
    precision: Precision
    conversion: Literal["lowered", "plain"]
    threads: Threads | None
    file_bytes: Bytes
    macs: int | None
    delegate_calls: int | None
    starts: tuple[Start, ...] = Field(min_length=1)
    memory: Memory | None
    runs_ms: Runs
    latency_ms: Latency
    idle_cpu_ms: tuple[float, ...]
    cosine: float | None
    ratios: tuple[Ratio, ...]
    gemm_share: Positive | None
    times_the_limit: Positive | None

    @property
    def label(self) -> str:
        """What messages call it."""
        return label(self.name, self.threads)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.latency_ms != Latency.of(self.runs_ms):
            raise ValueError(f"{self.label}: latency_ms is not that of runs_ms")
        return self


class Product(_Strict):
    """``[m, k] x [k, n]``, fp32, by one library; each figure the fastest product of a round."""

    library: Text
    m: int
    k: int
    n: int
    runs_ms: Runs

    @property
    def best(self) -> float:
        """GMAC/s of the fastest product of all rounds."""
        return gmacs_per_s((self.m, self.k, self.n), min(self.runs_ms))

    @property
    def typical(self) -> float:
        """GMAC/s of the median round."""
        return gmacs_per_s((self.m, self.k, self.n), statistics.median(self.runs_ms))


class Gemm(_Strict):
    """The machine's matrix product at one number of threads, measured in the same rounds."""

    threads: Threads
    products: tuple[Product, ...] = Field(min_length=1)
    best_gmacs_per_s: Positive

    @property
    def fastest(self) -> Product:
        """The product whose best rate is the machine's."""
        return max(self.products, key=lambda product: product.best)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.best_gmacs_per_s != self.fastest.best:
            raise ValueError("best_gmacs_per_s is not that of the products")
        return self


class Preprocessing(_Strict):
    """One clip's frames to the model's input, decoding left out, in the same rounds."""

    video: Text
    runs_ms: Runs
    latency_ms: Latency


class NotRun(_Strict):
    """An artifact without a runtime on this machine."""

    name: Text
    file_bytes: Bytes
    reason: Text


class BenchResults(_Strict):
    """The whole file. ``failures`` are lines about what should have run and did not."""

    schema_version: Literal[1] = SCHEMA_VERSION
    command: Text
    machine: Machine
    versions: dict[str, str]
    model: Model
    settings: Settings
    engines: tuple[Engine, ...]
    gemm: tuple[Gemm, ...]
    preprocessing: Preprocessing | None
    not_run: tuple[NotRun, ...]
    failures: tuple[Text, ...]

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        labels = [engine.label for engine in self.engines]
        if len(set(labels)) != len(labels):
            raise ValueError("an engine occurs twice at the same number of threads")
        if {len(engine.runs_ms) for engine in self.engines} - {self.settings.runs}:
            raise ValueError(f"an engine has not one run for each of the {self.settings.runs} rounds")
        return self

    def gemm_at(self, threads: int | None) -> Gemm | None:
        """The matrix product at a number of threads, if it was measured."""
        return next((gemm for gemm in self.gemm if gemm.threads == threads), None)


def label(name: str, threads: int | None) -> str:
    """``litert-fp32 at 2 threads``."""
    if threads is None:
        return name
    return f"{name} at {threads} thread{'s' if threads > 1 else ''}"
