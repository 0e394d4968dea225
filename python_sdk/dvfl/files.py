"""Writing files so that nothing half-written is ever left behind."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from dvfl.errors import OutputError


@contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """A binary stream whose bytes appear at ``path`` as a whole, or not at all.

    The bytes go to a hidden file in the same folder, which replaces ``path`` when the block ends without
    an error; after an error it is removed and an earlier file at ``path`` stays as it was.

    Raises:
        OutputError: the folder is missing, not writable or full, or ``path`` is a folder or a device.
    """
    target = Path(path)
    unfinished = _unfinished(target)
    try:
        with unfinished.open("xb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        unfinished.replace(target)
    except OSError as error:
        raise OutputError(f"{target}: cannot be written: {_reason(error, target)}") from error
    finally:
        with suppress(OSError):
            unfinished.unlink()


def check_writable(path: str | os.PathLike[str]) -> None:
    """Fails now as :func:`atomic_write` would later: call it before long work whose result goes to ``path``.

    Raises:
        OutputError: see :func:`atomic_write`.
    """
    target = Path(path)
    probe = _unfinished(target)
    try:
        probe.touch(exist_ok=False)
    except OSError as error:
        raise OutputError(f"{target}: cannot be written: {_reason(error, target)}") from error
    probe.unlink()


def _unfinished(target: Path) -> Path:
    # Replacing a device such as /dev/null would destroy it.
    if target.exists() and not target.is_file():
        raise OutputError(f"{target}: is not a regular file; give the name of a file to write")
    return target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")


def _reason(error: OSError, target: Path) -> str:
    if not target.parent.is_dir():
        return f"the folder {target.parent} does not exist; create it first"
    return f"{error.strerror or error}; choose another place or make room"
