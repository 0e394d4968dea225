"""Writing a generated data set: .mp4 files in parallel, their manifest, and a sheet to look at.

Clip ``number`` of a class and a split depends on them and on the seed only, and is encoded by one thread, so
its bytes are the same whatever the number of processes, and whether the run was interrupted or not.
"""

from __future__ import annotations

import itertools
import multiprocessing
import signal
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path

import cv2

import dvfl
from dvfl_training.data.manifest import Entry, Header, Manifest, Split, write_manifest
from dvfl_training.errors import DataError
from dvfl_training.generated.clip import GeneratedSet
from dvfl_training.generated.compression import write_mp4
from dvfl_training.generated.journal import Journal, opened
from dvfl_training.generated.registry import GENERATED
from dvfl_training.generated.sheet import write_sheet

MANIFEST = "manifest.csv"
SHEET = "contact-sheet.jpg"


@dataclass(frozen=True)
class Recipe:
    """What to make.

    Attributes:
        name: of the data set in the registry.
        clips: per class, for each split.
        seed: fixes everything.
        hard: the harder set.
    """

    name: str
    clips: Mapping[Split, int]
    seed: int = 0
    hard: bool = False

    @property
    def generated(self) -> GeneratedSet:
        """The row of the registry."""
        return GENERATED[self.name]

    @property
    def classes(self) -> tuple[str, ...]:
        """Names in the order of the labels."""
        return self.generated.labels(hard=self.hard)

    def tasks(self) -> tuple[Task, ...]:
        """Every clip, split by split and class by class."""
        return tuple(
            Task(self.name, split, label, number, self.seed, self.hard)
            for split, count in self.clips.items()
            for label, number in itertools.product(range(len(self.classes)), range(count))
        )

    def settings(self) -> dict[str, object]:
        """What must be equal for an interrupted run to go on; another release may draw other clips."""
        counts = {str(split): count for split, count in self.clips.items()}
        return {
            "dvfl": dvfl.__version__,
            "dataset": self.name,
            "seed": self.seed,
            "hard": self.hard,
            **counts,
        }


@dataclass(frozen=True)
class Task:
    """One clip to render, in whichever process: its set by name, since functions do not travel."""

    name: str
    split: Split
    label: int
    number: int
    seed: int
    hard: bool

    @property
    def path(self) -> str:
        """Where it goes, relative to the data set's folder."""
        label = GENERATED[self.name].labels(hard=self.hard)[self.label]
        return f"{self.split}/{label}/{self.number:05d}.mp4"


def write_set(
    recipe: Recipe, folder: Path, workers: int, report: Callable[[int], None] = lambda _: None
) -> Manifest:
    """Renders the clips that are not there yet, then writes the manifest and the contact sheet.

    Interrupted at any time, it leaves whole clips and a journal in ``folder`` but no manifest; called again,
    it goes on.

    Args:
        workers: processes that render.
        report: called with the number of clips that are there, first with those of an earlier run.

    Raises:
        OutputError: the folder holds something else, or cannot be written.
        DataError: a process was killed.
    """
    journal = opened(folder, recipe.settings())
    wanted = recipe.tasks()
    report(len(journal.done))
    _render(tuple(task for task in wanted if task.path not in journal.done), folder, workers, journal, report)
    entries = [journal.done[task.path] for task in wanted]
    manifest = write_manifest(folder / MANIFEST, _header(recipe), entries)
    write_sheet(manifest, folder / SHEET)
    journal.close()
    return manifest


def _header(recipe: Recipe) -> Header:
    known = set(recipe.classes)
    mirror = {name: other for name, other in recipe.generated.mirror.items() if {name, other} <= known}
    return Header(
        dataset=recipe.name,
        variant=f"seed {recipe.seed}{', hard' if recipe.hard else ''}",
        root=".",
        classes=recipe.classes,
        mirror=mirror,
    )


def _render(
    tasks: tuple[Task, ...], folder: Path, workers: int, journal: Journal, report: Callable[[int], None]
) -> None:
    # A forked child of a process that runs PyTorch's threads may hang.
    context = multiprocessing.get_context("spawn")
    processes = max(1, min(workers, len(tasks)))
    pool = ProcessPoolExecutor(processes, mp_context=context, initializer=_start_worker)
    try:
        for future in as_completed([pool.submit(_write_clip, task, folder) for task in tasks]):
            journal.add(future.result())
            report(len(journal.done))
    except BrokenProcessPool:
        raise DataError(
            f"{folder}: a process that renders was killed, perhaps for want of memory; "
            "the same command with fewer --workers goes on from here"
        ) from None
    finally:
        pool.shutdown(cancel_futures=True)


def _start_worker() -> None:
    cv2.setNumThreads(1)
    # Ctrl-C reaches the whole group of processes; one of them is to answer.
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _write_clip(task: Task, folder: Path) -> Entry:
    clip = GENERATED[task.name].render(task.split, task.label, task.number, task.seed, hard=task.hard)
    path = folder / task.path
    path.parent.mkdir(parents=True, exist_ok=True)
    write_mp4(clip.frames, path, clip.crf, clip.rate)
    return Entry(task.path, task.label, clip.group, task.split, len(clip.frames), float(clip.rate))
