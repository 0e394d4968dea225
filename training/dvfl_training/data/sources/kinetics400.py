"""Kinetics-400: csv files ``label,youtube_id,time_start,time_end,split`` and ten seconds of a video each.

Clips lie in class folders or in one folder, and are called ``ID_000010_000020.mp4`` or ``ID.mp4``. Videos
vanish from their site, so no two copies of the data set are alike: the header lists what a copy lacks.
Published accuracies are mostly those of the official validation clips: these are for testing here.
"""

from __future__ import annotations

import csv
import io
from pathlib import Path

from dvfl_training.data.manifest import Split
from dvfl_training.data.sources.listing import (
    DataSource,
    Listed,
    Listing,
    Request,
    VideoFiles,
    find_lists,
    read_text,
)
from dvfl_training.errors import DataError

_FOLDERS = ("annotations", "splits", "csv")
_COLUMNS = ("label", "youtube_id", "time_start", "time_end")
_VALIDATION = ("val.csv", "validate.csv", "validation.csv", "kinetics_val.csv", "kinetics_400_val.csv")


def parse_kinetics400(request: Request) -> Listing:
    """Clips of the training and validation csv, classes in alphabetical order of the training csv.

    Raises:
        DataError: a file is missing or malformed, or names a class that has no clip for training.
    """
    train, validation = _find(request)
    rows = [(Split.TRAIN, train, _read(train)), (Split.TEST, validation, _read(validation))]
    classes = tuple(sorted({row["label"] for row in rows[0][2]}))
    labels = {name: label for label, name in enumerate(classes)}
    files = VideoFiles(request.root)
    clips = []
    for split, path, listed in rows:
        for row in listed:
            if row["label"] not in labels:
                raise DataError(f"{path}: class '{row['label']}' has no clip in {train.name}")
            clips.append(_clip(row, labels[row["label"]], split, files))
    note = "the official validation clips are the test split, as in published results"
    return Listing(classes, tuple(clips), {}, "official", (note,))


def _find(request: Request) -> tuple[Path, Path]:
    for name in _VALIDATION:
        training = name.replace("validation", "train").replace("validate", "train").replace("val", "train")
        try:
            folder = find_lists(request, name, _FOLDERS, KINETICS400.obtain)
        except DataError:
            continue
        return folder / training, folder / name
    folder = find_lists(request, _VALIDATION[0], _FOLDERS, KINETICS400.obtain)
    return folder / "train.csv", folder / _VALIDATION[0]


def _read(path: Path) -> list[dict[str, str]]:
    rows = csv.DictReader(io.StringIO(read_text(path), newline=""))
    missing = [name for name in _COLUMNS if name not in (rows.fieldnames or ())]
    if missing:
        raise DataError(
            f"{path}: line 1 lacks the column '{missing[0]}'; expected {','.join(_COLUMNS)},split"
        )
    listed = []
    for row in rows:
        if not all(row[name] for name in _COLUMNS):
            raise DataError(f"{path}: line {rows.line_num}: a value of {','.join(_COLUMNS)} is missing")
        listed.append(row)
    return listed


def _clip(row: dict[str, str], label: int, split: Split, files: VideoFiles) -> Listed:
    video = row["youtube_id"]
    name = f"{video}_{int(float(row['time_start'])):06d}_{int(float(row['time_end'])):06d}"
    return Listed(f"{name}.mp4", files.anywhere(name) or files.anywhere(video), label, video, split)


KINETICS400 = DataSource(
    name="kinetics400",
    title="Kinetics-400, 400 actions, about 240,000 clips for training and 20,000 for validation",
    obtain="DeepMind published the csv files; the CVD Foundation hosts copies of them and of the clips; "
    "unpack the clips into one folder, with train.csv and val.csv in it",
    parse=parse_kinetics400,
    classes=400,
)
