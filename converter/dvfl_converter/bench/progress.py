"""What a bench shows while it runs."""

from __future__ import annotations

from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn


class StillBar:
    """A progress bar that draws only between measurements.

    :class:`dvfl_converter.progress.Steps` animates, which takes processor time from what is measured.
    """

    def __init__(self, total: int) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        self._console = Console(stderr=True, highlight=False)
        self._bar = Progress(*columns, console=self._console, transient=True, auto_refresh=False)
        self._task = self._bar.add_task("starting", total=total)
        self._begun = 0

    def __enter__(self) -> StillBar:
        # Off a terminal, rich shows no bar but leaves an empty line where it would have been.
        if self._console.is_interactive:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._console.is_interactive:
            self._bar.stop()

    def doing(self, text: str) -> None:
        """Names the step that begins; the one before is done."""
        self._bar.update(
            self._task, description=text, completed=self._begun, refresh=self._console.is_interactive
        )
        self._begun += 1

    def say(self, line: str) -> None:
        """A line that stays."""
        self._console.print(line, soft_wrap=True, markup=False)


def not_timed(line: str) -> str:
    """How a failure is shown."""
    return f"not timed: {line}"
