"""Subjects for the bench's workers, with faults planted in them; no runtime, so that they start fast."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from dataclasses import dataclass

from dvfl.errors import EngineError
from dvfl_converter.bench.messages import Job

STEPS = ("prepare", "load", "run", "sample")


def job(name: str, *, starts: int = 1, **arguments: object) -> Job:
    """A planted subject as a job; the worker must find this module on PYTHONPATH."""
    return Job(name, "planted_jobs:Planted", arguments, starts)


@dataclass
class Planted:
    """Does ``fault`` at the ``at_call``-th call of the step ``at``.

    A sample gives its own begin and end on the system's clock, in ms, and its process id.
    """

    fault: str = ""
    at: str = "sample"
    at_call: int = 1
    works_s: float = 0.002
    megabytes: int = 0
    spins_s: float = 0.0

    def __post_init__(self) -> None:
        self._calls = dict.fromkeys(STEPS, 0)

    def prepare(self) -> None:
        self._reach("prepare")

    def load(self) -> None:
        self._reach("load")
        # Ones, not zeros: pages that nobody wrote to are not resident.
        self._held = b"\1" * (self.megabytes << 20)

    def run(self) -> list[float]:
        self._reach("run")
        return [1.0, 2.0, 3.0]

    def sample(self) -> tuple[float, ...]:
        self._reach("sample")
        begin = time.monotonic()
        time.sleep(self.works_s)
        end = time.monotonic()
        if self.spins_s:
            threading.Thread(target=spin, args=(self.spins_s,), daemon=True).start()
        return (begin * 1e3, end * 1e3, os.getpid())

    def _reach(self, step: str) -> None:
        self._calls[step] += 1
        if step == self.at and self._calls[step] == self.at_call and self.fault:
            FAULTS[self.fault]()


def spin(seconds: float) -> None:
    """Burns processor time, as a thread pool does that looks for work."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass


def _crash() -> None:
    print("kernel.cc:12 assertion failed", file=sys.stderr, flush=True)
    os.kill(os.getpid(), signal.SIGSEGV)


def _refuse() -> None:
    raise EngineError("model.tflite: cannot be loaded;\nconvert again")


def _chat() -> None:
    os.write(1, b"a runtime's banner\n")
    os.write(2, b"a runtime's banner\n")


FAULTS = {
    "crash": _crash,
    "exit": lambda: os._exit(3),
    "hang": lambda: time.sleep(600),
    "refuse": _refuse,
    "bug": lambda: 1 / 0,
    "chat": _chat,
}
