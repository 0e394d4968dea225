"""The worker process: one subject, its own runtime and thread pool, asleep until the bench asks.

Started as ``python -m dvfl_converter.bench.worker DESCRIPTOR`` and not with ``multiprocessing``, whose
children import the parent's main module: that would count as the subject's memory.
"""

from __future__ import annotations

import importlib
import sys
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from time import perf_counter, process_time, sleep
from typing import cast

from dvfl.errors import DvflError
from dvfl_converter.bench.messages import START, Job, Refused, Sampled, Started, Subject

_STATUS = Path("/proc/self/status")
_GLANCE_S = 0.002
_QUIET_SHARE = 0.25
_PATIENCE_S = 0.25


def main(descriptor: int) -> None:
    """Answers the bench until it closes the pipe."""
    channel = Connection(descriptor)
    # The bench ending, in whatever way, is the signal to end.
    with suppress(EOFError, BrokenPipeError, ConnectionResetError):
        job = cast(Job, channel.recv())
        worker = _Worker(job)
        while True:
            request = channel.recv()
            channel.send(worker.answer(request))


class _Worker:
    def __init__(self, job: Job) -> None:
        self._job = job
        self._subject: Subject | None = None
        self._asleep_at = process_time()

    def answer(self, request: str) -> Started | Sampled | Refused:
        idle = process_time() - self._asleep_at
        try:
            reply = self._start() if request == START else self._sample(idle * 1e3)
        except Exception as error:
            return Refused(_one_line(error))
        _settle()
        self._asleep_at = process_time()
        return reply

    def _start(self) -> Started:
        module, _, name = self._job.factory.partition(":")
        subject = cast(Subject, getattr(importlib.import_module(module), name)(**self._job.arguments))
        subject.prepare()
        prepared = peak_memory()
        begin = perf_counter()
        subject.load()
        loaded = perf_counter()
        logits = subject.run()
        ran = perf_counter()
        self._subject = subject
        return Started(
            prepared_bytes=prepared,
            peak_bytes=peak_memory(),
            load_ms=(loaded - begin) * 1e3,
            first_ms=(ran - loaded) * 1e3,
            logits=None if logits is None else tuple(float(value) for value in logits),
        )

    def _sample(self, idle_cpu_ms: float) -> Sampled:
        assert self._subject is not None, "sampled before it was started"
        return Sampled(self._subject.sample(), idle_cpu_ms, peak_memory())


def peak_memory() -> int | None:
    """The most bytes this process ever had resident, file pages included; ``None`` off Linux.

    ``getrusage`` would give the parent's size where that is larger: its figure outlives ``exec``.
    """
    if not _STATUS.is_file():
        return None
    for line in _STATUS.read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return None


def _settle() -> None:
    """Waits until the runtime's threads sleep, so that they do not spin into another worker's turn.

    OpenMP's threads look for more work for some milliseconds after a parallel region.
    """
    patience = perf_counter() + _PATIENCE_S
    while perf_counter() < patience:
        before, begin = process_time(), perf_counter()
        sleep(_GLANCE_S)
        if process_time() - before < _QUIET_SHARE * (perf_counter() - begin):
            return


def _one_line(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text if isinstance(error, DvflError) else f"{type(error).__name__}: {text}"


if __name__ == "__main__":
    main(int(sys.argv[1]))
