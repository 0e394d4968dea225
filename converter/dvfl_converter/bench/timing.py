"""Interleaved timing: every engine runs once per round, so that a slow moment hits them alike."""

from __future__ import annotations

import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Timing:
    """Milliseconds per call after one call that is not counted.

    Attributes:
        first_ms: the first call, which allocates and packs weights.
        runs_ms: the counted calls, in order.
    """

    first_ms: float
    runs_ms: tuple[float, ...]

    @property
    def p50_ms(self) -> float:
        """Median."""
        return statistics.median(self.runs_ms)

    @property
    def p90_ms(self) -> float:
        """90th percentile (nearest rank)."""
        ordered = sorted(self.runs_ms)
        return ordered[min(len(ordered) - 1, max(0, -(-9 * len(ordered) // 10) - 1))]

    @property
    def min_ms(self) -> float:
        """Fastest call: the figure least touched by other work on the machine."""
        return min(self.runs_ms)


def interleaved(calls: Mapping[str, Callable[[], object]], runs: int) -> dict[str, Timing]:
    """Times each call ``runs`` times, round by round."""
    first = {name: _milliseconds(call) for name, call in calls.items()}
    counted: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(runs):
        for name, call in calls.items():
            counted[name].append(_milliseconds(call))
    return {name: Timing(first[name], tuple(counted[name])) for name in calls}


def machine() -> str:
    """The processor, its cores and the system, for the report."""
    return f"{processor()}, {os.cpu_count()} cores, {platform.system()} {platform.machine()}"


def processor() -> str:
    """The processor's name, as the system tells it."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        for line in cpuinfo.read_text(errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _milliseconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return (time.perf_counter() - start) * 1e3
