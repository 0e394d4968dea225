"""Holding Python's cycle collector back while graphs are rewritten."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """No cycles are looked for inside: millions of objects that stay alive would be walked again and again.

    Converting ``nano`` takes ExecuTorch 25 instead of 32 s, LiteRT 17 instead of 22 s.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
