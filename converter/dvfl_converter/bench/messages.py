"""What the bench and its worker processes say to each other, pickled over a pipe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

# What a worker is asked, after it got its job.
START, SAMPLE = "start", "sample"


class Subject(Protocol):
    """What one worker measures; its four steps are called in this order, the last one many times."""

    def prepare(self) -> None:
        """Imports and reads whatever is not the subject's own cost."""
        ...

    def load(self) -> None:
        """Loads it."""
        ...

    def run(self) -> Sequence[float] | None:
        """Runs it once; returns logits, where it has any."""
        ...

    def sample(self) -> tuple[float, ...]:
        """Runs it and times that, in milliseconds; always the same number of figures."""
        ...


@dataclass(frozen=True)
class Job:
    """A subject and how to make it.

    Attributes:
        name: unique within a bench; messages to the user name it.
        factory: ``module:callable`` that returns a :class:`Subject`, imported by the worker alone.
        arguments: its keyword arguments; they are pickled.
        starts: fresh processes, one after the other; the last one stays for the rounds.
    """

    name: str
    factory: str
    arguments: Mapping[str, object] = field(default_factory=dict)
    starts: int = 1


@dataclass(frozen=True)
class Started:
    """One fresh process. Memory in bytes, ``None`` where the system does not tell it.

    Attributes:
        prepared_bytes: peak memory after the imports, before anything was loaded.
        peak_bytes: peak memory after the first run.
        load_ms: loading in a process that never loaded anything; the file is in the page cache.
        first_ms: the first run, which allocates and may pack weights.
        logits: of the first run.
    """

    prepared_bytes: int | None
    peak_bytes: int | None
    load_ms: float
    first_ms: float
    logits: tuple[float, ...] | None


@dataclass(frozen=True)
class Sampled:
    """One worker's part of one round.

    Attributes:
        ms: the figures of :meth:`Subject.sample`.
        idle_cpu_ms: processor time that the worker used between its last answer and this question, when
            it should have slept.
        peak_bytes: peak memory since the process began.
    """

    ms: tuple[float, ...]
    idle_cpu_ms: float
    peak_bytes: int | None


@dataclass(frozen=True)
class Refused:
    """Why the subject could not do what was asked; one line."""

    reason: str
