"""Fixtures that more than one test module uses."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
from pathlib import Path

import pytest

import tiny_bundle as tiny

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def clip_file() -> Path:
    """A real H.264 video."""
    return REPOSITORY / "assets" / "carving_ice.mp4"


@pytest.fixture(scope="session")
def tiny_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small real bundle, built once for all workers of the run; read it, never write to it."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder, unfinished = shared / "tiny_bundle", shared / "tiny_bundle.part"
    with (shared / "tiny_bundle.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            shutil.rmtree(unfinished, ignore_errors=True)
            unfinished.mkdir()
            tiny.build(unfinished)
            unfinished.rename(folder)
    return folder


@pytest.fixture
def bundle_copy(tiny_bundle: Path, tmp_path: Path) -> Path:
    """A copy of the bundle that a test may damage."""
    return shutil.copytree(tiny_bundle, tmp_path / "bundle")


# What runs in the background of a script ignores Ctrl-C, and so would the programs that tests interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)
