"""Stopping between two steps, so that nothing of what was learned is lost."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from dvfl_training.errors import TrainingError

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class StoppedError(TrainingError):
    """A person or the machine asked the run to stop; its state is saved."""


class Interruption:
    """Whether a stop was asked for."""

    def __init__(self) -> None:
        self.requested = False
        self._process = os.getpid()

    def request(self, number: int, _: FrameType | None) -> None:
        """The signal handler; a second Ctrl-C does not wait for the step to end."""
        if os.getpid() != self._process:
            _in_decoding_process(number)
            return
        if self.requested and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.requested = True


def _in_decoding_process(number: int) -> None:
    """Processes that decode inherit the handler. Ctrl-C reaches them too, but their parent ends them."""
    if number == signal.SIGTERM:
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)


@contextmanager
def watch_signals() -> Iterator[Interruption]:
    """Turns SIGINT (Ctrl-C) and SIGTERM into a request while the block runs.

    Outside the main thread, where Python allows no handlers, nothing is watched.
    """
    interruption = Interruption()
    if threading.current_thread() is not threading.main_thread():
        yield interruption
        return
    earlier = {number: signal.signal(number, interruption.request) for number in _SIGNALS}
    try:
        yield interruption
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)
