"""UCF101 and UCF50: ``Class/v_Class_gXX_cYY.avi``; clips of one group gXX of a class come from one recording.

UCF101 has official lists; UCF50 was published for leave-one-group-out only, so groups are divided here as in
UCF101: groups 1-7, 8-14 or 15-21 are for testing in split 1, 2 or 3.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from dvfl_training.data.manifest import Split
from dvfl_training.data.sources.listing import (
    DataSource,
    Listed,
    Listing,
    Request,
    VideoFiles,
    find_lists,
    read_lines,
)
from dvfl_training.errors import DataError

_CLIP = re.compile(r"v_.+_g(\d+)_c\d+", re.IGNORECASE)
_FOLDERS = ("ucfTrainTestlist", "annotations", "splits")
_TEST_GROUPS = 7


def parse_ucf101(request: Request) -> Listing:
    """Clips of classInd.txt, trainlist0N.txt and testlist0N.txt, classes in the order of classInd.txt.

    Raises:
        DataError: a list is missing, malformed, or contradicts classInd.txt.
    """
    folder = find_lists(request, "classInd.txt", _FOLDERS, UCF101.obtain)
    classes = _read_classes(folder / "classInd.txt")
    # Lists and folders spell one class HandstandPushups or HandStandPushups.
    labels = {name.lower(): (label, name) for label, name in enumerate(classes)}
    files = VideoFiles(request.root)
    clips = [
        clip
        for kind, split in (("train", Split.TRAIN), ("test", Split.TEST))
        for clip in _read_list(folder / f"{kind}list{request.split:02d}.txt", labels, files, split)
    ]
    return Listing(classes, tuple(clips), {}, f"split {request.split}")


def parse_ucf50(request: Request) -> Listing:
    """Clips found on disk, classes in alphabetical order.

    Raises:
        DataError: no file is named as UCF50's are.
    """
    found = []
    for path in VideoFiles(request.root).paths:
        match = _CLIP.fullmatch(PurePosixPath(path).stem)
        if match:
            found.append((path, PurePosixPath(path).parent.name, int(match[1])))
    classes = tuple(sorted({name for _, name, _ in found}))
    if not found or "" in classes:
        raise DataError(f"{request.root}: holds no Class/v_Class_g01_c01.avi; {UCF50.obtain}")
    last = request.split * _TEST_GROUPS
    clips = tuple(
        Listed(
            path,
            path,
            classes.index(name),
            f"{name}_g{group:02d}",
            Split.TEST if last - _TEST_GROUPS < group <= last else Split.TRAIN,
        )
        for path, name, group in found
    )
    note = f"UCF50 has no official split: groups {last - _TEST_GROUPS + 1} to {last} are for testing"
    return Listing(classes, clips, {}, f"groups {last - _TEST_GROUPS + 1}-{last}", (note,))


def _read_classes(path: Path) -> tuple[str, ...]:
    names: list[str] = []
    for number, words in read_lines(path):
        if len(words) != 2 or words[0] != str(len(names) + 1):
            raise DataError(f"{path}: line {number}: expected '{len(names) + 1} ClassName'")
        names.append(words[1])
    return tuple(names)


def _read_list(
    path: Path, labels: Mapping[str, tuple[int, str]], files: VideoFiles, split: Split
) -> list[Listed]:
    clips = []
    for number, words in read_lines(path):
        folder, _, clip = words[0].partition("/")
        match = _CLIP.fullmatch(PurePosixPath(clip).stem)
        if not match or folder.lower() not in labels:
            raise DataError(
                f"{path}: line {number}: '{words[0]}' is no v_Class_g01_c01.avi of a class in classInd.txt"
            )
        label, name = labels[folder.lower()]
        if len(words) > 1 and words[1] != str(label + 1):
            raise DataError(
                f"{path}: line {number}: says class {words[1]}, but classInd.txt says {label + 1} for {name}"
            )
        group = f"{name}_g{int(match[1]):02d}"
        clips.append(Listed(words[0], files.in_class(folder, clip), label, group, split))
    return clips


UCF101 = DataSource(
    name="ucf101",
    title="UCF101, 101 actions, 13,320 clips",
    obtain="UCF's Center for Research in Computer Vision offers the videos, and the train/test splits for "
    "action recognition (ucfTrainTestlist) as a second archive; unpack both into one folder",
    parse=parse_ucf101,
    splits=3,
    classes=101,
    published={1: (9537, 3783), 2: (9586, 3734), 3: (9624, 3696)},
)
UCF50 = DataSource(
    name="ucf50",
    title="UCF50, 50 actions",
    obtain="UCF's Center for Research in Computer Vision offers the videos as one archive; unpack it",
    parse=parse_ucf50,
    splits=3,
    classes=50,
)
