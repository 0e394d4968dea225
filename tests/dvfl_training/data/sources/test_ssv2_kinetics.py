"""Something-Something V2 and Kinetics-400, in the published formats."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dvfl_training.data.manifest import Split
from dvfl_training.errors import DataError

TEMPLATES = [f"Moving [something] {n} times from left to [something else]" for n in range(174)]
NAMES = [template.replace("[", "").replace("]", "") for template in TEMPLATES]


def write_ssv2(folder: Path, prefix: str, train: int, validation: int) -> None:
    labels = {name: str(number) for number, name in sorted(enumerate(NAMES), reverse=True)}
    (folder / f"{prefix}labels.json").write_text(json.dumps(labels))
    for kind, first, count in (("train", 1, train), ("validation", train + 1, validation)):
        rows = [
            {
                "id": str(number),
                "label": "moving a cup",
                "template": TEMPLATES[number % 174],
                "placeholders": ["a cup"],
            }
            for number in range(first, first + count)
        ]
        (folder / f"{prefix}{kind}.json").write_text(json.dumps(rows))


@pytest.mark.slow
def test_ssv2_has_its_published_size_and_is_never_mirrored(tmp_path: Path, pretend, run, counts) -> None:
    write_ssv2(tmp_path, "something-something-v2-", 168913, 24777)
    pretend(f"{number}.webm" for number in range(1, 168913 + 24777 + 1))
    prepared = run("ssv2", tmp_path)
    made = counts(prepared.manifest)
    assert made["test"] == 24777
    assert made["train"] + made["validation"] == 168913
    assert 0.09 < made["validation"] / 168913 < 0.11
    assert prepared.manifest.mirrored_labels is None
    assert prepared.manifest.classes == tuple(NAMES)
    assert not any("published are" in note for note in prepared.notes)
    assert any("validation clips are the test split" in note for note in prepared.notes)


def test_ssv2s_newer_file_names_are_found_too(tmp_path: Path, pretend, run) -> None:
    (tmp_path / "labels").mkdir()
    write_ssv2(tmp_path / "labels", "", 696, 348)
    pretend(f"20bn-something-something-v2/{number}.webm" for number in range(1, 1045))
    prepared = run("ssv2", tmp_path)
    assert len(prepared.manifest.entries) == 1044
    assert any("696 clips are listed" in note and "168,913" in note for note in prepared.notes)


def test_an_unknown_template_is_named(tmp_path: Path, pretend, run) -> None:
    write_ssv2(tmp_path, "", 174, 174)
    path = tmp_path / "validation.json"
    path.write_text(path.read_text().replace("Moving [something] 3 ", "Moving [something] three "))
    pretend([])
    with pytest.raises(DataError, match=r"validation.json: entry \d+: 'Moving \[something\] three"):
        run("ssv2", tmp_path)


def video(number: int) -> str:
    return f"-{number:05d}_aBcD"


def write_kinetics(folder: Path, train: int, validation: int) -> list[tuple[str, str]]:
    """(class, file name) of all clips; each class name has a space."""
    clips = []
    for file, split, first, count in (("train", "train", 0, train), ("val", "val", train, validation)):
        rows = ["label,youtube_id,time_start,time_end,split,is_cc"]
        for number in range(first, first + count):
            name = f"playing {number % 400:03d}"
            rows.append(f'"{name}",{video(number)},{number % 90},{number % 90 + 10},{split},0')
            clips.append((name, f"{video(number)}_{number % 90:06d}_{number % 90 + 10:06d}.mp4"))
        (folder / f"{file}.csv").write_text("\n".join(rows) + "\n")
    return clips


@pytest.mark.parametrize("layout", ["folders", "flat"])
def test_kinetics_is_found_in_class_folders_or_flat(
    tmp_path: Path, pretend, run, counts, layout: str
) -> None:
    clips = write_kinetics(tmp_path, 8000, 1200)
    pretend(f"{name.replace(' ', '_')}/{file}" if layout == "folders" else file for name, file in clips)
    prepared = run("kinetics400", tmp_path)
    made = counts(prepared.manifest)
    assert (made["test"], made["train"] + made["validation"]) == (1200, 8000)
    assert len(prepared.manifest.classes) == 400
    assert prepared.manifest.classes == tuple(sorted(prepared.manifest.classes))
    assert prepared.manifest.mirrored_labels == tuple(range(400))


def test_kinetics_goes_on_without_dead_links_if_told_to(tmp_path: Path, pretend, run) -> None:
    clips = write_kinetics(tmp_path, 8000, 1200)
    pretend(f"k400/{file}" for _, file in clips[3:])
    with pytest.raises(DataError, match="3 of 9200 listed clips are missing"):
        run("kinetics400", tmp_path)
    prepared = run("kinetics400", tmp_path, allow_missing=True)
    assert len(prepared.manifest.header.excluded) == 3
    assert len(prepared.manifest.entries) == 9197


def test_a_csv_without_a_column_is_refused(tmp_path: Path, pretend, run) -> None:
    write_kinetics(tmp_path, 800, 400)
    path = tmp_path / "train.csv"
    path.write_text(path.read_text().replace("time_end", "end"))
    pretend([])
    with pytest.raises(DataError, match=r"train.csv: line 1 lacks the column 'time_end'"):
        run("kinetics400", tmp_path)


def test_all_clips_of_a_video_stay_on_one_side(tmp_path: Path, pretend, run) -> None:
    clips = write_kinetics(tmp_path, 8000, 1200)
    pretend(file for _, file in clips)
    manifest = run("kinetics400", tmp_path).manifest
    assert {entry.group for entry in manifest.of(Split.TRAIN)}.isdisjoint(
        entry.group for entry in manifest.of(Split.TEST)
    )
