"""A folder that appears whole, or not at all."""

from __future__ import annotations

import errno
import os
import stat

import pytest

from dvfl.errors import OutputError
from dvfl_converter.staging import staged_folder


def bundle_at(path, content="old"):
    path.mkdir()
    (path / "manifest.json").write_text(content)
    (path / "stale.bin").write_text("from before")
    return path


def read(folder):
    return {path.name: path.read_text() for path in folder.iterdir()}


def test_the_folder_appears_when_the_block_ends(tmp_path):
    out = tmp_path / "bundle"
    with staged_folder(out, replace=False) as staging:
        assert staging.parent == tmp_path
        (staging / "manifest.json").write_text("new")
        assert not out.exists()
    assert read(out) == {"manifest.json": "new"}
    assert os.listdir(tmp_path) == ["bundle"]


def test_missing_parents_are_made(tmp_path):
    with staged_folder(tmp_path / "a" / "b" / "bundle", replace=False):
        pass
    assert (tmp_path / "a" / "b" / "bundle").is_dir()


def test_others_may_read_it_as_far_as_the_umask_allows(tmp_path):
    old = os.umask(0o027)
    try:
        with staged_folder(tmp_path / "bundle", replace=False):
            pass
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "bundle").stat().st_mode) == 0o750


@pytest.mark.parametrize("error", [ValueError("a bug"), KeyboardInterrupt(), OSError(errno.ENOENT, "gone")])
def test_nothing_is_left_when_the_block_fails(tmp_path, error):
    with pytest.raises(type(error)), staged_folder(tmp_path / "bundle", replace=False) as staging:  # noqa: PT012
        (staging / "half.bin").write_text("half")
        raise error
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EACCES, errno.EROFS, errno.EDQUOT, errno.EFBIG])
def test_a_full_or_closed_place_is_one_line(tmp_path, code):
    out = tmp_path / "bundle"
    with pytest.raises(OutputError) as error, staged_folder(out, replace=False):
        raise OSError(code, os.strerror(code))
    assert str(error.value) == (
        f"{out}: cannot be written: {os.strerror(code)}; choose another place or make room"
    )
    assert os.listdir(tmp_path) == []


def test_an_existing_bundle_is_not_replaced_unasked(tmp_path):
    out = bundle_at(tmp_path / "bundle")
    with pytest.raises(OutputError, match="already exists; choose another --out, or replace it with --force"):
        staged_folder(out, replace=False).__enter__()
    assert read(out)["manifest.json"] == "old"


def test_an_existing_bundle_is_replaced_whole(tmp_path):
    out = bundle_at(tmp_path / "bundle")
    with staged_folder(out, replace=True) as staging:
        (staging / "manifest.json").write_text("new")
        assert read(out)["manifest.json"] == "old"
    assert read(out) == {"manifest.json": "new"}
    assert os.listdir(tmp_path) == ["bundle"]


def test_an_existing_bundle_is_kept_when_the_block_fails(tmp_path):
    out = bundle_at(tmp_path / "bundle")
    with pytest.raises(ValueError, match="a bug"), staged_folder(out, replace=True) as staging:  # noqa: PT012
        (staging / "manifest.json").write_text("new")
        raise ValueError("a bug")
    assert read(out) == {"manifest.json": "old", "stale.bin": "from before"}
    assert os.listdir(tmp_path) == ["bundle"]


def test_an_existing_bundle_is_kept_when_the_new_one_cannot_take_its_name(tmp_path, monkeypatch):
    out = bundle_at(tmp_path / "bundle")
    rename = os.rename

    def fails_for_the_new_one(source, target):
        if str(source).endswith(".unfinished"):
            raise OSError(errno.EACCES, "Permission denied")
        rename(source, target)

    monkeypatch.setattr(os, "rename", fails_for_the_new_one)
    with pytest.raises(OutputError, match="Permission denied"), staged_folder(out, replace=True):
        pass
    assert read(out)["manifest.json"] == "old"
    assert os.listdir(tmp_path) == ["bundle"]


def test_force_does_not_replace_a_folder_of_other_things(tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "holiday.jpg").write_text("precious")
    with pytest.raises(OutputError, match="is not a bundle, so --force does not replace it"):
        staged_folder(tmp_path / "photos", replace=True).__enter__()
    assert read(tmp_path / "photos") == {"holiday.jpg": "precious"}


def test_force_does_not_replace_a_file(tmp_path):
    (tmp_path / "notes").write_text("precious")
    with pytest.raises(OutputError, match="is not a bundle"):
        staged_folder(tmp_path / "notes", replace=True).__enter__()
    assert (tmp_path / "notes").read_text() == "precious"


def test_force_takes_an_empty_folder(tmp_path):
    (tmp_path / "empty").mkdir()
    with staged_folder(tmp_path / "empty", replace=True) as staging:
        (staging / "manifest.json").write_text("new")
    assert read(tmp_path / "empty") == {"manifest.json": "new"}


def test_a_parent_that_is_a_file_is_one_line(tmp_path):
    (tmp_path / "notes").write_text("a file")
    with pytest.raises(OutputError, match=r"cannot be written: .*; choose another place"):
        staged_folder(tmp_path / "notes" / "bundle", replace=False).__enter__()


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="needs a place that nobody may write")
def test_a_place_that_cannot_be_written_is_one_line():
    from pathlib import Path

    with pytest.raises(OutputError, match="/proc/self/bundle: cannot be written: "):
        staged_folder(Path("/proc/self/bundle"), replace=False).__enter__()
