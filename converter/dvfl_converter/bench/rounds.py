"""Starting the workers, then rounds in which each runs once, alone, in an order shuffled per round."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from dvfl.errors import EngineError
from dvfl_converter.bench.messages import Job, Sampled, Started
from dvfl_converter.bench.process import WorkerProcess

Notice = Callable[[str], None]


@dataclass(frozen=True)
class Series:
    """What one job gave: its starts in order, and one sample per round."""

    starts: tuple[Started, ...]
    samples: tuple[Sampled, ...]


@dataclass(frozen=True)
class Outcome:
    """Jobs by name: those that went through, and why the others did not."""

    series: dict[str, Series]
    failures: dict[str, str]


def measure(
    jobs: Sequence[Job],
    *,
    runs: int,
    seed: int,
    timeout_s: float,
    doing: Notice = lambda text: None,
    failed: Notice = lambda text: None,
) -> Outcome:
    """Runs ``runs`` rounds over all jobs; a job that fails leaves, the others go on.

    Every round has every living job once, so that rounds pair the jobs' figures.

    Args:
        jobs: with unique names.
        runs: rounds that count.
        seed: of the order within each round and each wave of starts.
        timeout_s: for each answer of a worker.
        doing: told before each step.
        failed: told the one line of each failure, when it happens.
    """
    with _workers(timeout_s, failed) as workers:
        dice = random.Random(seed)
        for wave in range(max((job.starts for job in jobs), default=0)):
            for job in _shuffled(dice, [job for job in jobs if wave < job.starts]):
                doing(f"{job.name}: start {wave + 1} of {job.starts}")
                workers.start(job)
        for turn in range(runs):
            doing(f"round {turn + 1} of {runs}")
            for job in _shuffled(dice, jobs):
                workers.sample(job)
        return workers.outcome(jobs)


def steps_of(jobs: Sequence[Job], runs: int) -> int:
    """How many steps :func:`measure` announces when nothing fails."""
    return sum(job.starts for job in jobs) + runs


class _Workers:
    def __init__(self, timeout_s: float, failed: Notice) -> None:
        self._timeout_s = timeout_s
        self._failed = failed
        self._alive: dict[str, WorkerProcess] = {}
        self._starts: dict[str, list[Started]] = {}
        self._samples: dict[str, list[Sampled]] = {}
        self._failures: dict[str, str] = {}

    def start(self, job: Job) -> None:
        if job.name in self._failures:
            return
        if job.name in self._alive:
            self._alive.pop(job.name).close()
        with self._burying(job):
            self._alive[job.name] = WorkerProcess(job, self._timeout_s)
            self._starts.setdefault(job.name, []).append(self._alive[job.name].start())

    def sample(self, job: Job) -> None:
        if job.name in self._alive:
            with self._burying(job):
                self._samples.setdefault(job.name, []).append(self._alive[job.name].sample())

    def outcome(self, jobs: Sequence[Job]) -> Outcome:
        series = {
            job.name: Series(tuple(self._starts[job.name]), tuple(self._samples[job.name]))
            for job in jobs
            if job.name in self._alive
        }
        return Outcome(series, dict(self._failures))

    def close(self) -> None:
        for worker in self._alive.values():
            worker.hang_up()
        for worker in self._alive.values():
            worker.close()

    @contextmanager
    def _burying(self, job: Job) -> Iterator[None]:
        try:
            yield
        except EngineError as error:
            self._alive.pop(job.name, None)
            self._failures[job.name] = str(error)
            self._failed(str(error))


@contextmanager
def _workers(timeout_s: float, failed: Notice) -> Iterator[_Workers]:
    workers = _Workers(timeout_s, failed)
    try:
        yield workers
    finally:
        workers.close()


def _shuffled(dice: random.Random, jobs: Sequence[Job]) -> list[Job]:
    return dice.sample(jobs, len(jobs))
