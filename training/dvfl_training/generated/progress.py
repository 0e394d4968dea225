"""A bar over clips: how many are there, clips per second, time left."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


@contextmanager
def clip_bar(clips: int) -> Iterator[Callable[[int], None]]:
    """A function that takes the number of clips that are there, and shows it on stderr."""
    columns = (
        TextColumn("rendering"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("clips  {task.description}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("", total=clips)

        def show(done: int) -> None:
            speed = progress.tasks[task].speed
            progress.update(task, completed=done, description=f"{speed:.1f}/s" if speed else "")

        yield show
