"""A training bar: loss, accuracy, clips per second, time left."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

_SMOOTHING = 0.98


class TrainingBar:
    """Smooths what single batches make noisy, and prints a line at each evaluation."""

    def __init__(self, progress: Progress, task: TaskID, batch: int) -> None:
        self._progress = progress
        self._task = task
        self._batch = batch
        self._loss: float | None = None
        self._accuracy = 0.0

    def advance(self, loss: float, batch_accuracy: float, held_out: float | None) -> None:
        """One optimizer step is done."""
        first = self._loss is None
        self._loss = loss if self._loss is None else _SMOOTHING * self._loss + (1 - _SMOOTHING) * loss
        self._accuracy = (
            batch_accuracy if first else _SMOOTHING * self._accuracy + (1 - _SMOOTHING) * batch_accuracy
        )
        task = self._progress.tasks[self._task]
        rate = (task.speed or 0.0) * self._batch
        text = f"loss {self._loss:.3f}  accuracy {self._accuracy:.1%}  {rate:.0f} clips/s"
        self._progress.update(self._task, advance=1, description=text)
        if held_out is not None:
            self._progress.console.print(f"step {int(task.completed)}: {text}  held-out {held_out:.1%}")

    def line(self, text: str) -> None:
        """A line that stays, above the bar."""
        self._progress.console.print(text, soft_wrap=True)


@contextmanager
def training_bar(steps: int, batch: int, done: int = 0) -> Iterator[TrainingBar]:
    """A bar over ``steps`` on stderr, of which some may be ``done`` already."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        yield TrainingBar(progress, progress.add_task("training", total=steps, completed=done), batch)
