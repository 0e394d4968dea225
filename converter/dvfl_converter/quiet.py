"""Keeps the chatter of native converters off the user's terminal, and returns it when they fail."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import tempfile
import warnings
from collections.abc import Iterator

_TAIL_BYTES = 4000


class CapturedOutput:
    """What a silenced block printed; filled when the block ends."""

    text: str = ""


@contextlib.contextmanager
def quiet_native() -> Iterator[CapturedOutput]:
    """Redirects file descriptors 1 and 2, Python's logging and warnings while a converter runs.

    Descriptor-level, because the converters print from C++.
    """
    captured = CapturedOutput()
    sys.stdout.flush()
    sys.stderr.flush()
    saved = os.dup(1), os.dup(2)
    previous_level = logging.root.manager.disable
    with tempfile.TemporaryFile() as sink:
        try:
            os.dup2(sink.fileno(), 1)
            os.dup2(sink.fileno(), 2)
            logging.disable(logging.WARNING)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                yield captured
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os.dup2(saved[0], 1)
            os.dup2(saved[1], 2)
            os.close(saved[0])
            os.close(saved[1])
            logging.disable(previous_level)
            sink.seek(max(0, sink.seek(0, os.SEEK_END) - _TAIL_BYTES))
            captured.text = sink.read().decode(errors="replace")
