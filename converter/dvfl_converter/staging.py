"""A folder that appears whole under its final name, or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from dvfl.errors import OutputError

# Of all that can go wrong while a bundle is made, these are about the place it is written to.
_CANNOT_WRITE = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}


@contextlib.contextmanager
def staged_folder(out: Path, *, replace: bool) -> Iterator[Path]:
    """Yields a temporary sibling of ``out`` that takes its name when the block ends without an error.

    Raises:
        OutputError: ``out`` exists and ``replace`` is false, or its parent cannot be written.
    """
    if out.exists() and not replace:
        raise OutputError(f"{out}: already exists; choose another --out, or replace it with --force")
    if out.exists() and not (out.is_dir() and ((out / "manifest.json").is_file() or not any(out.iterdir()))):
        raise OutputError(f"{out}: is not a bundle, so --force does not replace it; choose another --out")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=f".{out.name}.", suffix=".unfinished", dir=out.parent))
    except OSError as error:
        raise OutputError(f"{out}: cannot be written: {error.strerror}; choose another place") from None
    try:
        yield staging
        staging.chmod(0o777 & ~_umask())
        _take_name(staging, out)
    except OSError as error:
        if error.errno not in _CANNOT_WRITE:
            raise
        advice = "choose another place or make room"
        raise OutputError(f"{out}: cannot be written: {error.strerror}; {advice}") from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _take_name(staging: Path, out: Path) -> None:
    if not out.exists():
        os.rename(staging, out)
        return
    old = staging.with_suffix(".old")
    os.rename(out, old)
    try:
        os.rename(staging, out)
    except OSError:
        os.rename(old, out)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
