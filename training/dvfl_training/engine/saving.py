"""Writing what :func:`torch.save` makes, whole or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO, cast

import torch

from dvfl.files import atomic_write


def save_tensors(content: Mapping[str, object], path: Path) -> None:
    """Replaces ``path`` when everything is on the disk; an earlier file stays otherwise.

    Raises:
        OutputError: the disk is full or the folder is not writable.
    """
    with atomic_write(path) as stream:
        remembering = _Remembering(stream)
        try:
            torch.save(dict(content), cast(BinaryIO, remembering))
        except RuntimeError:
            # PyTorch's archive writer hides why a write failed behind an error of its own.
            if remembering.error is not None:
                raise remembering.error from None
            raise


class _Remembering:
    """A stream for writing that keeps the error that stopped it."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.error: OSError | None = None

    def write(self, data: bytes) -> int:
        """Writes on, or fails again."""
        try:
            return self._stream.write(data)
        except OSError as error:
            self.error = error
            raise

    def flush(self) -> None:
        """Passed on."""
        self._stream.flush()
