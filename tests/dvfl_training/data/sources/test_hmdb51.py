"""HMDB51, in the published format and size."""

from __future__ import annotations

from pathlib import Path

import pytest

from dvfl_training.data.manifest import Split
from dvfl_training.data.sources.hmdb51 import recording
from dvfl_training.errors import DataError

CLASSES = ["brush_hair", "climb", "climb_stairs"] + [f"move_{n:02d}" for n in range(48)]


def clip(name: str, film: int, number: int) -> str:
    return f"The_Film_{film}_(part_1)_{name}_u_nm_np1_ba_goo_{number}.avi"


@pytest.fixture
def lists(tmp_path: Path) -> tuple[Path, list[str]]:
    """Per class 70 clips to train on, 30 to test on, and some that split 1 doesn't use."""
    folder = tmp_path / "testTrainMulti_7030_splits"
    folder.mkdir()
    names = []
    for name in CLASSES:
        rows = []
        for number in range(132):
            use = 1 if number < 70 else 2 if number < 100 else 0
            rows.append((clip(name, number // 10, number % 10), use))
        for split in (1, 2, 3):
            text = "".join(f"{file} {use} \n" for file, use in rows)
            (folder / f"{name}_test_split{split}.txt").write_text(text)
        names += [f"{name}/{file}" for file, _ in rows]
    return tmp_path, names


def test_a_split_has_its_published_size_and_labels_from_zero(lists, pretend, run, counts) -> None:
    root, names = lists
    pretend(names)
    prepared = run("hmdb51", root)
    made = counts(prepared.manifest)
    assert made["test"] == 1530
    assert made["train"] + made["validation"] == 3570
    assert prepared.notes == ()
    assert prepared.manifest.classes == tuple(sorted(CLASSES))
    assert {entry.label for entry in prepared.manifest.entries} == set(range(51))
    for entry in prepared.manifest.entries:
        assert entry.path.startswith(f"{prepared.manifest.classes[entry.label]}/")


def test_validation_takes_whole_recordings(lists, pretend, run) -> None:
    root, names = lists
    pretend(names)
    manifest = run("hmdb51", root).manifest
    assert len({entry.group for entry in manifest.of(Split.VALIDATION)}) == 51
    assert len(manifest.of(Split.VALIDATION)) == 510


@pytest.mark.parametrize(
    ("stem", "expected"),
    [
        ("April_09_brush_hair_u_nm_np1_ba_goo_0", "April_09_brush_hair"),
        ("50_FIRST_DATES_kick_f_cm_np1_ba_med_19", "50_FIRST_DATES_kick"),
        ("Dad_u_nm_catch_h_nm_np2_le_bad_1", "Dad_u_nm_catch"),
    ],
)
def test_a_recording_is_the_name_without_tags(stem: str, expected: str) -> None:
    assert recording(stem) == expected


def test_a_malformed_line_is_named(lists, pretend, run) -> None:
    root, names = lists
    pretend(names)
    path = root / "testTrainMulti_7030_splits" / "climb_test_split1.txt"
    path.write_text("a.avi 1\na.avi 3\n")
    with pytest.raises(DataError, match=r"climb_test_split1.txt: line 2: expected 'name.avi 0\|1\|2'"):
        run("hmdb51", root)
