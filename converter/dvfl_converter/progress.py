"""Progress on the terminal: one bar for the long job, one line for each thing that is done."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn


class Steps:
    """A progress bar over a known number of steps, written to the real stderr.

    It keeps its own copy of the descriptor, so that it stays visible while native output is silenced.
    """

    def __init__(self, total: int, *, quiet: bool = False) -> None:
        self._stream = os.fdopen(os.dup(2), "w", encoding="utf-8", errors="replace")
        self.console = Console(file=self._stream, quiet=quiet, highlight=False)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=self.console,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._task = self._progress.add_task("starting", total=total)

    def __enter__(self) -> Steps:
        # Off a terminal, rich shows no bar but leaves an empty line where it would have been.
        if self.console.is_interactive:
            self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.console.is_interactive:
            self._progress.stop()
        self._stream.close()

    @contextlib.contextmanager
    def step(self, description: str) -> Iterator[None]:
        """Shows what is being done; counts it when done, failed or not."""
        self._progress.update(self._task, description=description)
        try:
            yield
        finally:
            self._progress.advance(self._task)

    def doing(self, description: str) -> None:
        """Says more exactly what the current step is at."""
        self._progress.update(self._task, description=description)

    def done(self, line: str) -> None:
        """A line that stays."""
        self.console.print(line, soft_wrap=True)
