"""Writing as a whole or not at all."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from dvfl.errors import OutputError
from dvfl.files import atomic_write, check_writable


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_writes_with_the_permissions_of_a_new_file(tmp_path):
    path = tmp_path / "out.bin"
    with atomic_write(path) as stream:
        stream.write(b"abc")
        assert not path.exists()
    (tmp_path / "plain").write_bytes(b"")
    assert path.read_bytes() == b"abc"
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE((tmp_path / "plain").stat().st_mode)
    assert names(tmp_path) == ["out.bin", "plain"]


def test_replaces_an_earlier_file_only_when_all_is_well(tmp_path):
    path = tmp_path / "out.bin"
    path.write_bytes(b"earlier")

    def fail() -> None:
        with atomic_write(path) as stream:
            stream.write(b"half")
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert path.read_bytes() == b"earlier"
    with atomic_write(path) as stream:
        stream.write(b"later")
    assert path.read_bytes() == b"later"
    assert names(tmp_path) == ["out.bin"]


def refused(path) -> str:
    with pytest.raises(OutputError) as error, atomic_write(path) as stream:
        stream.write(b"x")
    assert "\n" not in str(error.value)
    return str(error.value)


def test_missing_folder(tmp_path):
    assert f"the folder {tmp_path / 'none'} does not exist; create it first" in refused(
        tmp_path / "none" / "x"
    )


def test_a_file_in_place_of_the_folder(tmp_path):
    (tmp_path / "file").write_text("")
    assert "does not exist" in refused(tmp_path / "file" / "x")


def test_a_folder_in_place_of_the_file(tmp_path):
    assert "is not a regular file" in refused(tmp_path)


def test_a_device_is_never_replaced():
    assert "is not a regular file" in refused(os.devnull)
    assert stat.S_ISCHR(os.stat(os.devnull).st_mode)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_folder_without_permission(tmp_path):
    tmp_path.chmod(0o500)
    try:
        assert "Permission denied" in refused(tmp_path / "x")
    finally:
        tmp_path.chmod(0o700)


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="needs /proc, where even root cannot write")
def test_folder_that_nobody_can_write():
    assert "/proc/self/x: cannot be written" in refused("/proc/self/x")


FULL = """
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
from dvfl.errors import OutputError
from dvfl.files import atomic_write
try:
    with atomic_write("out.bin") as stream:
        stream.write(b"x" * 5000)
except OutputError as error:
    print(error)
"""


def test_folder_that_is_full(tmp_path):
    # A limit on the size of files is how a disk without room looks to a process.
    done = subprocess.run(
        [sys.executable, "-c", FULL], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout == "out.bin: cannot be written: File too large; choose another place or make room\n"
    assert names(tmp_path) == []


def test_a_place_that_cannot_be_written_is_refused_before_the_work(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="does not exist"):
        check_writable(tmp_path / "missing" / "out.bin")
    with pytest.raises(OutputError, match="not a regular file"):
        check_writable(tmp_path)


def test_asking_whether_a_place_can_be_written_leaves_it_as_it_was(tmp_path: Path) -> None:
    kept = tmp_path / "kept.bin"
    kept.write_bytes(b"kept")
    check_writable(kept)
    check_writable(tmp_path / "new.bin")
    assert [path.name for path in tmp_path.iterdir()] == ["kept.bin"]
    assert kept.read_bytes() == b"kept"
