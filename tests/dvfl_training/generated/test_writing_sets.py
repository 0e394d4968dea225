"""Writing a generated data set: the same bytes however it is made, and nothing half-written looks whole."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import cv2
import pytest

from dvfl.errors import OutputError
from dvfl.video import frame_count
from dvfl_training.data.manifest import Split, read_manifest
from dvfl_training.generated import writing
from dvfl_training.generated.journal import JOURNAL
from dvfl_training.generated.registry import GENERATED
from dvfl_training.generated.writing import MANIFEST, SHEET, Recipe, write_set

CLIPS = {Split.TRAIN: 1, Split.VALIDATION: 0, Split.TEST: 1}
RECIPE = Recipe("camera-motion", CLIPS, seed=3)
RUN = """
import sys, click
from dvfl_training.cli.generate import generate
generate.main(sys.argv[1:], standalone_mode=False)
"""
ARGUMENTS = ["camera-motion", "--seed", "3", "--train", "1", "--validation", "0", "--test", "1"]


@pytest.fixture(scope="module")
def written(tmp_path_factory) -> Path:
    """The whole set, by one process."""
    folder = tmp_path_factory.mktemp("set") / "one"
    write_set(RECIPE, folder, workers=1)
    return folder


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*.*"))}


def test_two_workers_write_the_bytes_that_one_writes(written: Path, tmp_path: Path) -> None:
    write_set(RECIPE, tmp_path / "two", workers=2)
    assert bytes_of(tmp_path / "two") == bytes_of(written)


def test_another_process_renders_an_action_to_the_same_bytes(tmp_path: Path) -> None:
    task = Recipe("mocap-actions", {Split.TRAIN: 1}, seed=2).tasks()[8]
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        there = pool.submit(writing._write_clip, task, tmp_path / "there").result()
    assert writing._write_clip(task, tmp_path / "here") == there
    assert bytes_of(tmp_path / "here") == bytes_of(tmp_path / "there")


def test_the_manifest_is_that_of_the_files(written: Path) -> None:
    manifest = read_manifest(written / MANIFEST)
    assert manifest.classes == GENERATED["camera-motion"].classes
    assert manifest.header.dataset == "camera-motion"
    assert manifest.mirrored_labels is not None
    assert manifest.classes[manifest.mirrored_labels[manifest.classes.index("pan_left")]] == "pan_right"
    assert len(manifest.of(Split.TRAIN)) == len(manifest.of(Split.TEST)) == 10
    for entry in manifest.entries[::6]:
        assert entry.path == f"{entry.split}/{manifest.classes[entry.label]}/00000.mp4"
        assert frame_count(manifest.file(entry)) == entry.frames
    assert {path.name for path in written.iterdir()} == {"train", "test", MANIFEST, "manifest.json", SHEET}


def test_the_sheet_has_a_row_for_every_class(written: Path) -> None:
    sheet = cv2.imread(str(written / SHEET))
    assert sheet.shape[0] == 10 * (88 + 4)
    assert sheet.shape[1] == 2 * (6 * 88 + 4)
    assert sheet.std() > 20


def test_mirrored_classes_that_are_not_rendered_are_not_named() -> None:
    mirror = writing._header(Recipe("camera-motion", {Split.TRAIN: 1})).mirror
    assert mirror is not None
    assert set(mirror) == {"pan_left", "pan_right", "roll_clockwise", "roll_counterclockwise"}


def test_the_first_clips_of_a_larger_set_are_those_of_a_smaller(written: Path) -> None:
    larger = Recipe("camera-motion", {Split.TRAIN: 9, Split.TEST: 2}, seed=3).tasks()
    assert set(RECIPE.tasks()) < set(larger)


def test_an_interrupted_run_goes_on_and_ends_with_the_same_bytes(written: Path, tmp_path: Path) -> None:
    folder = tmp_path / "set"
    command = [sys.executable, "-c", RUN, *ARGUMENTS, "--workers", "1", "--out", str(folder)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
    wait_for_lines(folder / JOURNAL, 6)
    # As a terminal does: to the whole group.
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert "is not complete. The same command goes on from here" in said
    assert "Traceback" not in said.split("stopped;")[0]
    assert not (folder / MANIFEST).exists()
    there = len((folder / JOURNAL).read_text().splitlines()) - 1
    assert 5 <= there < 20
    seen: list[int] = []
    write_set(RECIPE, folder, workers=1, report=seen.append)
    assert seen == list(range(there, 21))
    assert bytes_of(folder) == bytes_of(written)


def wait_for_lines(path: Path, count: int) -> None:
    deadline = time.monotonic() + 60
    while not (path.exists() and len(path.read_text().splitlines()) >= count):
        assert time.monotonic() < deadline, "nothing was written"
        time.sleep(0.02)


@pytest.fixture
def unfinished(written: Path, tmp_path: Path) -> Path:
    """As a kill leaves it: one clip missing, one half-written, one noted by half a line."""
    folder = shutil.copytree(written, tmp_path / "unfinished")
    manifest = read_manifest(folder / MANIFEST)
    for name in (MANIFEST, "manifest.json", SHEET):
        (folder / name).unlink()
    lines = [json.dumps(RECIPE.settings(), sort_keys=True)]
    for entry in manifest.entries[:-1]:
        lines.append(json.dumps({**entry.__dict__}))
    (folder / JOURNAL).write_text("\n".join(lines) + '\n{"path": "test/wal')
    (folder / manifest.entries[0].path).unlink()
    (folder / manifest.entries[-1].path).unlink()
    (folder / "test" / ".00000.mp4.0123abcd.part").write_bytes(b"half")
    return folder


def test_what_a_kill_leaves_is_mended(written: Path, unfinished: Path) -> None:
    seen: list[int] = []
    write_set(RECIPE, unfinished, workers=1, report=seen.append)
    assert seen == [18, 19, 20]
    assert bytes_of(unfinished) == bytes_of(written)


def test_other_settings_do_not_go_on_with_an_unfinished_set(unfinished: Path) -> None:
    other = Recipe("camera-motion", RECIPE.clips, seed=4)
    with pytest.raises(OutputError, match=r"unfinished data set of other settings.*remove the folder"):
        write_set(other, unfinished, workers=1)


def test_a_folder_that_holds_something_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(OutputError, match="is not empty; give a new folder"):
        write_set(RECIPE, tmp_path, workers=1)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_finished_set_is_not_written_over(written: Path) -> None:
    with pytest.raises(OutputError, match="is not empty"):
        write_set(RECIPE, written, workers=1)


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=r"cannot be written: .*; choose another place") as caught:
        write_set(RECIPE, tmp_path / "file" / "set", workers=1)
    assert "\n" not in str(caught.value)


def test_a_full_disk_is_one_line_and_leaves_no_half_clip(tmp_path: Path, monkeypatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match="cannot be written: No space left on device") as caught:
        writing._write_clip(RECIPE.tasks()[0], tmp_path)
    assert "\n" not in str(caught.value)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_full_disk_in_a_worker_ends_the_run_with_that_line(tmp_path: Path) -> None:
    limited = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n" + RUN
    command = [sys.executable, "-c", limited, *ARGUMENTS, "--workers", "2", "--out", str(tmp_path / "set")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode != 0
    last = done.stderr.strip().splitlines()[-1]
    assert "OutputError" in last
    assert ".mp4: cannot be written: File too large" in last
    assert not (tmp_path / "set" / MANIFEST).exists()
    assert not list((tmp_path / "set").rglob("*.part"))
