"""Results made by hand, from which tests take away and to which they add."""

from __future__ import annotations

from dvfl_converter.bench.gemm import gmacs_per_s
from dvfl_converter.bench.results import (
    BenchResults,
    Engine,
    Gemm,
    Latency,
    Machine,
    Memory,
    Model,
    NotRun,
    Product,
    Ratio,
    Settings,
    Start,
)

RUNS = (10.0, 12.0, 11.0)
PLAIN = Ratio(baseline="litert-plain-fp32", median=0.75, low=0.7, high=0.8, of_medians=0.74, of_minima=0.73)


def engine(name: str = "litert-fp32", threads: int | None = 1, **changes: object) -> Engine:
    """One engine; ``name`` decides its target, precision and conversion."""
    target, *_, precision = name.split("-")
    runs = changes.get("runs_ms", RUNS)
    figures = {
        "name": name,
        "target": target,
        "precision": precision,
        "conversion": "plain" if "-plain-" in name else "lowered",
        "threads": threads,
        "file_bytes": 10_000_000,
        "macs": 252_000_000,
        "delegate_calls": 1,
        "starts": tuple(
            Start(load_ms=load, first_ms=9.0, prepared_bytes=50_000_000, peak_bytes=80_000_000)
            for load in (5.0, 7.0, 6.0)
        ),
        "memory": Memory(peak_bytes=82_000_000, above_imports_bytes=32_000_000),
        "runs_ms": runs,
        "latency_ms": Latency.of(runs),
        "idle_cpu_ms": (0.1,) * len(runs),
        "cosine": 0.99998,
        "ratios": (),
        "gemm_share": 0.5,
        "times_the_limit": 2.0,
    }
    return Engine(**(figures | changes))


def results(*engines: Engine, **changes: object) -> BenchResults:
    """A whole file."""
    product = Product(library="oneDNN", m=128, k=128, n=512, runs_ms=(0.1, 0.2, 0.3))
    slower = Product(library="MKL", m=128, k=128, n=512, runs_ms=(0.4, 0.5, 0.6))
    figures = {
        "command": "dvfl bench demo/bundle --baseline",
        "machine": Machine(processor="CPU", cores=2, system="Linux x86_64", load=(0.5, 1.5)),
        "versions": {"python": "3.11.7", "torch": "2.13.0"},
        "model": Model(
            name="nano-w32",
            parameters=2_486_888,
            macs=251_988_480,
            frames=8,
            size=64,
            classes=10,
            manifest_sha256="a" * 64,
        ),
        "settings": Settings(runs=3, starts=3, threads=(1,), baseline=True, seed=0, timeout_s=300.0),
        "engines": engines or (engine(),),
        "gemm": (
            Gemm(
                threads=1,
                products=(slower, product),
                best_gmacs_per_s=gmacs_per_s((128, 128, 512), 0.1),
            ),
        ),
        "preprocessing": None,
        "not_run": (NotRun(name="coreml-fp16", file_bytes=5_300_000, reason="runs only on macOS"),),
        "failures": (),
    }
    return BenchResults(**(figures | changes))
