"""Runtimes written in C++ print to stderr; this keeps their chatter out and their reasons in."""

from __future__ import annotations

import os
import re
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from typing import BinaryIO

_redirection = threading.Lock()


class NativeLog:
    """What was printed on the process's stderr since :func:`captured_log` began."""

    def __init__(self, file: BinaryIO, noise: str) -> None:
        self._file = file
        self._noise = noise

    def lines(self) -> list[str]:
        """The lines that are not chatter."""
        self._file.seek(0)
        text = self._file.read().decode("utf-8", "replace")
        return [line for line in text.splitlines() if line and not re.search(self._noise, line)]

    def explain(self, error: Exception) -> str:
        """An exception's text on one line, with the last line that the runtime printed about it."""
        said = self.lines()[-1:]
        return " ".join(" ".join([str(error), *(f"({line})" for line in said)]).split())


@contextmanager
def captured_log(noise: str) -> Iterator[NativeLog]:
    """Holds back the process's stderr; afterwards prints the lines that do not match ``noise``.

    The redirection is the process's own, so it is kept short: around loading a model, never around
    running one. After an exception nothing is printed: the caller has put the reason in its message.
    """
    with _redirection, tempfile.TemporaryFile() as file:
        log = NativeLog(file, noise)
        try:
            saved = os.dup(2)
        except OSError:
            # A process without stderr has nobody to spare the chatter.
            yield log
            return
        _flush()
        os.dup2(file.fileno(), 2)
        try:
            # Some runtimes print through Python's sys.stderr, which need not be descriptor 2.
            with os.fdopen(os.dup(file.fileno()), "w") as python_side, redirect_stderr(python_side):
                yield log
        finally:
            _flush()
            os.dup2(saved, 2)
            os.close(saved)
        for line in log.lines():
            print(line, file=sys.stderr)


def _flush() -> None:
    if sys.stderr is not None:
        sys.stderr.flush()
