"""UCF101 and UCF50, in the published format and size."""

from __future__ import annotations

from pathlib import Path

import pytest

from dvfl_training.data.manifest import Split
from dvfl_training.errors import DataError

# The real class 37 has this spelling in the lists and another in the folder of the videos.
CLASSES = [f"Action{n:03d}" for n in range(36)] + ["HandStandPushups"] + [f"Sport{n:03d}" for n in range(64)]
TEST, TRAIN = 3783, 9537


def spread(total: int, groups: list[int]) -> list[tuple[int, int, int]]:
    """(class, group, clip) such that classes and groups share ``total`` evenly."""
    cells = [(label, group) for label in range(101) for group in groups]
    each, more = divmod(total, len(cells))
    return [
        (label, group, clip + 1)
        for index, (label, group) in enumerate(cells)
        for clip in range(each + (index < more))
    ]


def name_of(cell: tuple[int, int, int]) -> str:
    label, group, clip = cell
    return f"{CLASSES[label]}/v_{CLASSES[label]}_g{group:02d}_c{clip:02d}.avi"


@pytest.fixture
def lists(tmp_path: Path) -> tuple[Path, list[str]]:
    """The root with its lists, and all names."""
    folder = tmp_path / "ucfTrainTestlist"
    folder.mkdir()
    train, test = spread(TRAIN, list(range(8, 26))), spread(TEST, list(range(1, 8)))
    folder.joinpath("classInd.txt").write_bytes(
        "".join(f"{n} {name}\r\n" for n, name in enumerate(CLASSES, start=1)).encode()
    )
    folder.joinpath("trainlist01.txt").write_bytes(
        "".join(f"{name_of(cell)} {cell[0] + 1}\r\n" for cell in train).encode()
    )
    folder.joinpath("testlist01.txt").write_text("".join(f"{name_of(cell)}\n" for cell in test))
    return tmp_path, [name_of(cell) for cell in (*train, *test)]


def test_the_official_split_has_its_published_size_and_no_leak(lists, pretend, run, counts) -> None:
    root, names = lists
    pretend(f"UCF-101/{name}" for name in names)
    prepared = run("ucf101", root)
    manifest = prepared.manifest
    made = counts(manifest)
    assert made["test"] == TEST
    assert made["train"] + made["validation"] == TRAIN
    assert prepared.notes == ()
    assert manifest.classes == tuple(CLASSES)
    assert manifest.mirrored_labels == tuple(range(101))
    assert manifest.header.variant == "split 1"


def test_validation_takes_whole_groups_of_every_class(lists, pretend, run) -> None:
    root, names = lists
    pretend(names)
    manifest = run("ucf101", root, share=0.1).manifest
    validation = manifest.of(Split.VALIDATION)
    groups = {entry.group for entry in validation}
    # Two of eighteen groups.
    assert len(groups) == 2 * 101
    assert not groups & {entry.group for entry in manifest.of(Split.TRAIN)}


def test_folders_may_spell_and_convert_differently(lists, pretend, run) -> None:
    root, names = lists
    pretend(name.replace("HandStandPushups/", "HandstandPushups/").replace(".avi", ".mp4") for name in names)
    entries = run("ucf101", root).manifest.entries
    assert any(entry.path.startswith("HandstandPushups/v_HandStandPushups") for entry in entries)


def test_missing_clips_are_counted_and_named_in_one_error(lists, pretend, run) -> None:
    root, names = lists
    pretend(names[5:])
    with pytest.raises(DataError, match=r"5 of 13320 listed clips are missing \(Action000/v_.*--allow-miss"):
        run("ucf101", root)
    prepared = run("ucf101", root, allow_missing=True)
    assert len(prepared.manifest.entries) == 13315
    assert [excluded.reason for excluded in prepared.manifest.header.excluded] == ["is not on disk"] * 5


def test_the_wrong_folder_is_said_to_hold_nothing(lists, pretend, run) -> None:
    root, _ = lists
    pretend(["holiday.mp4"])
    with pytest.raises(DataError, match="holds none of the 13320 listed clips"):
        run("ucf101", root, allow_missing=True)


def test_lists_that_contradict_each_other_are_refused(lists, pretend, run) -> None:
    root, names = lists
    pretend(names)
    path = root / "ucfTrainTestlist" / "trainlist01.txt"
    path.write_text(path.read_text().replace(" 2\n", " 3\n"))
    with pytest.raises(DataError, match=r"trainlist01.txt: line \d+: says class 3, but classInd.txt says 2"):
        run("ucf101", root)


def test_a_leaking_list_is_refused(lists, pretend, run) -> None:
    root, names = lists
    pretend(names)
    test = root / "ucfTrainTestlist" / "testlist01.txt"
    train = root / "ucfTrainTestlist" / "trainlist01.txt"
    moved, rest = train.read_text().split("\n", 1)
    train.write_text(rest)
    test.write_text(test.read_text() + moved + "\n")
    with pytest.raises(DataError, match="share a group with train"):
        run("ucf101", root, share=0.0)


def test_missing_lists_and_splits_say_what_to_do(tmp_path: Path, pretend, run) -> None:
    pretend([])
    with pytest.raises(DataError, match=r"classInd.txt: not found.*--splits"):
        run("ucf101", tmp_path)
    with pytest.raises(DataError, match="splits 1 to 3, not 4"):
        run("ucf101", tmp_path, split=4)


@pytest.mark.parametrize(("split", "tested"), [(1, range(1, 8)), (2, range(8, 15)), (3, range(15, 22))])
def test_ucf50_is_divided_by_groups(tmp_path: Path, pretend, run, split: int, tested: range) -> None:
    names = [
        f"UCF50/Sport{label:02d}/v_Sport{label:02d}_g{group:02d}_c{clip:02d}.avi"
        for label in range(50)
        for group in range(1, 26)
        for clip in range(1, 6)
    ]
    pretend(names)
    prepared = run("ucf50", tmp_path, split=split)
    manifest = prepared.manifest
    assert len(manifest.classes) == 50
    assert {int(entry.group[-2:]) for entry in manifest.of(Split.TEST)} == set(tested)
    assert "no official split" in prepared.notes[0]


def test_a_folder_that_is_not_ucf50_is_refused(tmp_path: Path, pretend, run) -> None:
    pretend(["a/b.mp4"])
    with pytest.raises(DataError, match=r"holds no Class/v_Class_g01_c01\.avi"):
        run("ucf50", tmp_path)
