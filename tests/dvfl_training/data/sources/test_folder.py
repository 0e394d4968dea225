"""Own clips in folders."""

from __future__ import annotations

from pathlib import Path

import pytest

from dvfl_training.data.manifest import Split
from dvfl_training.data.sources.folder import mirror_rule
from dvfl_training.data.sources.registry import SOURCES, source_named
from dvfl_training.errors import DataError


def test_clips_of_a_sub_folder_stay_together(tmp_path: Path, pretend, run) -> None:
    pretend(
        f"{name}/{person}/{n}.mp4" for name in ("jump", "walk") for person in "abcdefghij" for n in range(5)
    )
    manifest = run("folder", tmp_path).manifest
    assert {split: len(manifest.of(split)) for split in Split} == {
        Split.TRAIN: 70,
        Split.VALIDATION: 10,
        Split.TEST: 20,
    }
    assert {entry.group for entry in manifest.entries} == {
        f"{name}/{person}" for name in ("jump", "walk") for person in "abcdefghij"
    }


def test_a_pattern_finds_groups_across_classes(tmp_path: Path, pretend, run) -> None:
    pretend(f"{name}/p{person}_{n}.mp4" for name in ("jump", "walk") for person in range(10) for n in "abc")
    manifest = run("folder", tmp_path, group_pattern=r"p(\d+)_").manifest
    assert {entry.group for entry in manifest.entries} == set("0123456789")
    assert len({entry.group for entry in manifest.of(Split.TEST)}) == 2
    with pytest.raises(DataError, match="finds no group"):
        run("folder", tmp_path, group_pattern="person")
    with pytest.raises(DataError, match="is no regular expression"):
        run("folder", tmp_path, group_pattern="(")


def test_folders_of_splits_are_honoured(tmp_path: Path, pretend, run, counts) -> None:
    pretend(
        f"{split}/{name}/{split}{n}.mp4"
        for split in ("train", "val", "test")
        for name in ("jump", "walk")
        for n in range(4)
    )
    prepared = run("folder", tmp_path)
    assert counts(prepared.manifest) == {"train": 8, "validation": 8, "test": 8}
    for entry in prepared.manifest.entries:
        assert entry.path.startswith(entry.split.value[:3])


def test_clips_that_are_numbered_anew_in_every_split_are_no_group(tmp_path: Path, pretend, run) -> None:
    pretend(f"{split}/{name}/1.mp4" for split in ("train", "test") for name in ("jump", "walk"))
    groups = [entry.group for entry in run("folder", tmp_path).manifest.entries]
    assert sorted(groups) == [
        f"{split}/{name}/1.mp4" for split in ("test", "train") for name in ("jump", "walk")
    ]


def test_a_group_in_two_folders_of_splits_is_refused(tmp_path: Path, pretend, run) -> None:
    pretend(f"{split}/{name}/ann/1.mp4" for split in ("train", "test") for name in ("jump", "walk"))
    with pytest.raises(DataError, match="2 clips of test share a group with train"):
        run("folder", tmp_path)


def test_a_folder_without_a_video_is_named(tmp_path: Path, run) -> None:
    for name in ("jump/1.mp4", "jump/2.mp4", "walk/1.mp4", "walk/2.mp4"):
        (tmp_path / "clips" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "clips" / name).touch()
    (tmp_path / "clips" / "run").mkdir()
    (tmp_path / "clips" / ".cache").mkdir()
    prepared = run("folder", tmp_path / "clips")
    assert f"{tmp_path / 'clips' / 'run'} holds no video" in prepared.notes
    assert len([note for note in prepared.notes if "holds no video" in note]) == 1


def test_one_class_is_no_choice(tmp_path: Path, pretend, run) -> None:
    pretend(["jump/1.mp4", "jump/2.mp4"])
    with pytest.raises(DataError, match="only class 'jump' has a video"):
        run("folder", tmp_path)


def test_a_class_with_too_few_groups_for_validation_is_noted(tmp_path: Path, pretend, run) -> None:
    pretend([*(f"jump/{n}.mp4" for n in range(9)), "walk/1.mp4", "walk/2.mp4"])
    notes = run("folder", tmp_path).notes
    assert "class 'walk' has no clip for validation: too few groups, or no readable clip" in notes


def test_a_class_that_the_given_test_folder_lacks_is_noted(tmp_path: Path, pretend, run) -> None:
    pretend(["train/jump/1.mp4", "train/walk/1.mp4", "test/jump/2.mp4"])
    notes = run("folder", tmp_path).notes
    assert "class 'walk' has no clip for test: too few groups, or no readable clip" in notes


def test_two_seeds_choose_differently_and_one_seed_alike(tmp_path: Path, pretend, run) -> None:
    pretend(f"{name}/{n}.mp4" for name in ("jump", "walk") for n in range(40))
    chosen = [
        [entry.path for entry in run("folder", tmp_path, seed=seed).manifest.of(Split.TEST)]
        for seed in (0, 0, 1)
    ]
    assert chosen[0] == chosen[1]
    assert chosen[0] != chosen[2]


@pytest.mark.parametrize(
    ("paths", "message"),
    [
        ([], "holds no video"),
        (["a.mp4", "b/c.mp4"], r"a\.mp4 lies in no class folder"),
        (["jump/a.mp4", "jump/b.mp4", "walk/a.mp4"], "'walk' has too few groups"),
        (["train/a/1.mp4", "test/a/2.mp4", "more/3.mp4"], "'more' lies beside 'test'"),
    ],
)
def test_folders_that_cannot_be_used_are_refused(tmp_path: Path, pretend, run, paths, message: str) -> None:
    pretend(paths)
    with pytest.raises(DataError, match=message):
        run("folder", tmp_path)


def test_sides_in_names_are_swapped_by_mirroring() -> None:
    mirror, notes = mirror_rule(("Turn Left", "Turn Right", "wait"))
    assert mirror == {"Turn Left": "Turn Right", "Turn Right": "Turn Left"}
    assert notes == ("a mirrored clip of 'Turn Left' counts as 'Turn Right'",)


def test_a_side_without_its_counterpart_forbids_mirroring() -> None:
    mirror, (note,) = mirror_rule(("turn_left", "wait"))
    assert mirror is None
    assert "'turn_right' is no class" in note


def test_classes_without_sides_may_be_mirrored() -> None:
    assert mirror_rule(("jump", "walk")) == ({}, ())


def test_an_unknown_data_set_gets_a_suggestion() -> None:
    with pytest.raises(DataError, match="did you mean 'ucf101'"):
        source_named("ufc101")
    assert all(name == source.name for name, source in SOURCES.items())
