"""``dvfl data prepare`` on real videos, from the command line to the two files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from small_sets import noisy_video

from dvfl.errors import DvflError
from dvfl_training.cli.data import data
from dvfl_training.data.manifest import Split, read_manifest
from dvfl_training.data.prepare import Options
from dvfl_training.data.prepare import prepare as prepare_set
from dvfl_training.data.probing import Probed, probe_all, probe_clip
from dvfl_training.data.sources.listing import Request
from dvfl_training.data.sources.registry import source_named
from dvfl_training.errors import DataError


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two classes of six good clips each, and three that cannot be used."""
    root = tmp_path_factory.mktemp("sets") / "clips"
    for label, name in enumerate(("jump", "walk")):
        for number in range(6):
            noisy_video(root / name / f"{number}.mp4", seed=10 * label + number, frames=6 + number)
    whole = (root / "walk" / "5.mp4").read_bytes()
    (root / "walk" / "cut.mp4").write_bytes(whole[: len(whole) // 2])
    (root / "walk" / "empty.mp4").write_bytes(b"")
    noisy_video(root / "walk" / "photo.mp4", seed=5, frames=1)
    return root


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(data, ["prepare", *map(str, arguments)])


def prepare(root: Path, out: Path, *more: object) -> Result:
    return invoke("folder", "--root", root, "--out", out, *more)


@pytest.mark.parametrize("workers", [0, 2])
def test_clips_are_counted_and_unusable_ones_listed(clips: Path, tmp_path: Path, workers: int) -> None:
    out = tmp_path / "mine.csv"
    result = prepare(clips, out, "--workers", workers)
    assert result.exit_code == 0, result.output
    manifest = read_manifest(out)
    assert {entry.path: entry.frames for entry in manifest.entries} == {
        f"{name}/{number}.mp4": 6 + number for name in ("jump", "walk") for number in range(6)
    }
    assert all(entry.fps == pytest.approx(30, abs=0.01) for entry in manifest.entries)
    assert [len(manifest.of(split)) for split in Split] == [8, 2, 2]
    left_out = {excluded.path: excluded.reason for excluded in manifest.header.excluded}
    assert set(left_out) == {"walk/cut.mp4", "walk/empty.mp4", "walk/photo.mp4"}
    assert left_out["walk/photo.mp4"] == "has only one frame"
    assert all("\n" not in reason and str(clips) not in reason for reason in left_out.values())
    assert manifest.root.resolve() == clips.resolve()
    assert "left out" in result.output
    assert "next: dvfl train" in result.output


def test_a_manifest_beside_its_clips_moves_with_them(clips: Path) -> None:
    out = clips.parent / "beside.csv"
    assert prepare(clips, out, "--workers", 0).exit_code == 0
    assert read_manifest(out).header.root == "clips"
    moved = clips.parent.rename(clips.parent.with_name("moved"))
    try:
        manifest = read_manifest(moved / "beside.csv")
        assert manifest.file(manifest.entries[0]).is_file()
    finally:
        moved.rename(clips.parent)


def test_an_interrupt_leaves_nothing_behind(clips: Path, tmp_path: Path) -> None:
    def interrupted(path: Path) -> Probed:
        if path.name == "3.mp4":
            raise KeyboardInterrupt
        return Probed(10, 30.0)

    options = Options(tmp_path / "a.csv", workers=0)
    with pytest.raises(KeyboardInterrupt):
        prepare_set(source_named("folder"), Request(clips), options, probe=interrupted)
    assert list(tmp_path.iterdir()) == []


def test_an_output_that_cannot_be_written_is_refused_before_decoding(clips: Path, tmp_path: Path) -> None:
    result = prepare(clips, tmp_path / "missing" / "a.csv")
    assert isinstance(result.exception, DvflError)
    assert "does not exist" in str(result.exception)
    result = prepare(clips, tmp_path / "a.txt")
    assert isinstance(result.exception, DataError)
    assert r"must end with .csv" in str(result.exception)


def test_a_missing_folder_says_what_to_do(tmp_path: Path) -> None:
    result = prepare(tmp_path / "nowhere", tmp_path / "a.csv")
    assert isinstance(result.exception, DataError)
    assert "nowhere: is no folder; put the clips into one folder per class" in str(result.exception)


def test_names_are_suggested() -> None:
    wrong = CliRunner().invoke(data, ["prepair"])
    assert "did you mean 'prepare'" in wrong.output
    result = invoke("hmdb_51", "--root", ".", "--out", "a.csv")
    assert "did you mean 'hmdb51'" in str(result.exception)


def test_a_worker_that_dies_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"process was killed at .*0\.mp4 or one of the 3 clips") as caught:
        list(probe_all([tmp_path / f"{n}.mp4" for n in range(4)], 2, _die))
    assert "\n" not in str(caught.value)


def _die(path: Path) -> Probed:
    os._exit(1)


def test_a_video_of_variable_rate_has_its_mean_rate(tmp_path: Path) -> None:
    from videos import numbered_video

    path = numbered_video(tmp_path / "v.mp4", 11, times=[n * n * 20 for n in range(11)], options={"bf": "0"})
    probed = probe_clip(path)
    assert probed.frames == 11
    assert probed.fps == pytest.approx(10 / 2.0, rel=1e-3)


def test_the_help_needs_no_heavy_import() -> None:
    code = (
        "import sys, dvfl_training.cli.data; "
        "print(sorted({'torch', 'cv2', 'av', 'rich', 'pydantic'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_the_description_lies_beside_the_rows(clips: Path, tmp_path: Path) -> None:
    out = tmp_path / "mine.csv"
    prepare(clips, out, "--workers", 0)
    described = json.loads(out.with_suffix(".json").read_text())
    assert described["classes"] == ["jump", "walk"]
    assert described["mirror"] == {}
    assert described["dataset"] == "folder"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine.csv", "mine.json"]
