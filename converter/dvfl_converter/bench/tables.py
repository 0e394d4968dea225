"""The results for people, as rows and lines."""

from __future__ import annotations

import statistics
from collections.abc import Iterator

from dvfl_converter.bench.progress import not_timed
from dvfl_converter.bench.results import BenchResults, Engine, Gemm, Ratio, label

Table = list[tuple[str, ...]]

SPEED = (
    "artifact",
    "thr",
    "p50 ms",
    "p90 ms",
    "min ms",
    "ratio",
    "95 % interval",
    "of minima",
    "of GEMM",
    "x limit",
)
COST = ("artifact", "thr", "file MB", "load ms", "first ms", "peak MB", "above imports", "cosine")
_NOTHING = "-"
# Sleeping workers that use this much of the time show in the figures of those who work.
_DISTURBING_IDLE_SHARE = 0.02
_UNSEEN_IDLE_MS = 1.0


def speed(results: BenchResults) -> Table:
    """One row per engine: milliseconds, the ratio to the plain fp32 conversion, and the share of the GEMM."""
    return [SPEED, *(_speed(engine) for engine in _ordered(results))]


def cost(results: BenchResults) -> Table:
    """One row per engine: file, load, first run and memory."""
    return [COST, *(_cost(engine) for engine in _ordered(results))]


def conditions(results: BenchResults) -> list[str]:
    """The machine and how it was asked."""
    machine, settings = results.machine, results.settings
    load = (
        "" if machine.load is None else f", load {machine.load[0]:.1f} before and {machine.load[1]:.1f} after"
    )
    return [
        f"{machine.processor}, {machine.cores} cores, {machine.system}{load}",
        f"{settings.runs} rounds, each engine in its own process, one at a time, order shuffled per round "
        f"(seed {settings.seed}); load and first run: {_starts(settings.starts)}",
    ]


def remarks(results: BenchResults) -> list[str]:
    """What belongs under the tables: the machine's rate, int8 against int8, what did not run."""
    return [
        *map(_gemm_line, results.gemm),
        *_same_precision(results),
        *_preprocessing(results),
        *_restless(results),
        *(
            f"{row.name} ({_megabytes(row.file_bytes)} MB): not run here: {row.reason}"
            for row in results.not_run
        ),
        *(not_timed(line) for line in results.failures),
    ]


def _ordered(results: BenchResults) -> list[Engine]:
    """By threads, then by runtime, each runtime's plain conversions first."""
    targets = list(dict.fromkeys(engine.target for engine in results.engines))
    return sorted(
        results.engines,
        key=lambda engine: (
            engine.threads or 0,
            targets.index(engine.target),
            engine.conversion != "plain",
        ),
    )


def _speed(engine: Engine) -> tuple[str, ...]:
    latency, ratio = engine.latency_ms, _to_plain_fp32(engine)
    return (
        engine.name,
        _threads(engine),
        *(f"{value:.2f}" for value in (latency.p50, latency.p90, latency.min)),
        _NOTHING if ratio is None else f"{ratio.median:.3f}",
        _NOTHING if ratio is None else _interval(ratio),
        _NOTHING if ratio is None else f"{ratio.of_minima:.3f}",
        _NOTHING if engine.gemm_share is None else f"{engine.gemm_share:.0%}",
        _NOTHING if engine.times_the_limit is None else f"{engine.times_the_limit:.2f}",
    )


def _cost(engine: Engine) -> tuple[str, ...]:
    memory = engine.memory
    return (
        engine.name,
        _threads(engine),
        _megabytes(engine.file_bytes),
        f"{statistics.median(start.load_ms for start in engine.starts):.1f}",
        f"{statistics.median(start.first_ms for start in engine.starts):.1f}",
        _NOTHING if memory is None else _megabytes(memory.peak_bytes),
        _NOTHING if memory is None else _megabytes(memory.above_imports_bytes),
        _NOTHING if engine.cosine is None else f"{engine.cosine:.6f}",
    )


def _threads(engine: Engine) -> str:
    return _NOTHING if engine.threads is None else str(engine.threads)


def _megabytes(count: int) -> str:
    return f"{count / 1e6:.1f}"


def _to_plain_fp32(engine: Engine) -> Ratio | None:
    return next((ratio for ratio in engine.ratios if ratio.baseline == f"{engine.target}-plain-fp32"), None)


def _interval(ratio: Ratio) -> str:
    return _NOTHING if ratio.low is None or ratio.high is None else f"{ratio.low:.3f}-{ratio.high:.3f}"


def _gemm_line(gemm: Gemm) -> str:
    best = gemm.fastest
    others = [
        f"{product.library}: {product.best:.1f}"
        for product in gemm.products
        if (product.m, product.k, product.n) == (best.m, best.k, best.n) and product != best
    ]
    size = f"{best.m} x {best.k} x {best.n}"
    return (
        f"{label('fp32 matrix product', gemm.threads)}: {best.best:.1f} GMAC/s at best, {best.typical:.1f} "
        f"in the median round ({', '.join([best.library, size, *others])})"
    )


def _starts(count: int) -> str:
    return "one fresh process" if count == 1 else f"median of {count} fresh processes"


def _same_precision(results: BenchResults) -> Iterator[str]:
    """int8 against the runtime's own int8: the other ratios are all to fp32."""
    for engine in _ordered(results):
        for ratio in engine.ratios:
            if ratio.baseline == f"{engine.target}-plain-{engine.precision}" and engine.precision != "fp32":
                interval = _interval(ratio)
                sure = "" if interval == _NOTHING else f" ({interval})"
                yield f"{engine.label} takes {ratio.median:.3f}{sure} of the time of {ratio.baseline}"


def _preprocessing(results: BenchResults) -> Iterator[str]:
    if results.preprocessing is not None:
        latency = results.preprocessing.latency_ms
        yield f"preprocessing of one clip: p50 {latency.p50:.2f} ms, p90 {latency.p90:.2f} ms"


def _restless(results: BenchResults) -> Iterator[str]:
    """Engines whose threads did not sleep between their turns."""
    round_ms = sum(engine.latency_ms.p50 for engine in results.engines)
    for engine in results.engines:
        idle = statistics.median(engine.idle_cpu_ms)
        if idle > max(_UNSEEN_IDLE_MS, _DISTURBING_IDLE_SHARE * round_ms):
            yield f"{engine.label} used {idle:.1f} ms of processor time per round while others were measured"
