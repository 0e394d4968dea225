"""An environment per released runtime: made by pip, then thrown away or kept in the user's cache folder."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from platformdirs import user_cache_path

from dvfl.errors import ConversionError

READY = ".ready"


@contextmanager
def environment(
    requirements: Sequence[str], *, alone: Sequence[str] = (), keep: bool, root: Path | None = None
) -> Iterator[Path]:
    """The Python of an environment that has the requirements and nothing of this project.

    One that was kept before is used as it is, and stays.

    Args:
        alone: installed without what they depend on.
        keep: leave it in ``root``, by default the user's cache folder.

    Raises:
        ConversionError: pip cannot install them; the last line of what it says is the reason.
    """
    name = hashlib.sha256("\n".join((*requirements, "", *alone)).encode()).hexdigest()[:16]
    folder = (root or user_cache_path("dvfl") / "runtimes") / name
    kept = (folder / READY).exists()
    try:
        if not kept:
            shutil.rmtree(folder, ignore_errors=True)
            _install(folder, requirements, alone)
        if keep and not kept:
            (folder / READY).write_text("\n".join((*requirements, *alone)) + "\n")
        yield folder / "bin" / "python"
    finally:
        if not (folder / READY).exists():
            shutil.rmtree(folder, ignore_errors=True)


def _install(folder: Path, requirements: Sequence[str], alone: Sequence[str]) -> None:
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    pip.append("--only-binary=:all:")
    commands = [[sys.executable, "-m", "venv", str(folder)], [*pip, *requirements]]
    for command in [*commands, *([[*pip, "--no-deps", *alone]] if alone else [])]:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            said = done.stderr.strip() or done.stdout.strip() or f"exit code {done.returncode}"
            raise ConversionError(
                f"{', '.join((*requirements, *alone))}: cannot be installed: {said.splitlines()[-1][:300]}"
            )
