"""Something-Something V2: ``ID.webm`` and three .json files; many classes say left or right.

Labels of the official test clips are secret, so published accuracies are those of the official validation
clips: these are for testing here, and clips to choose between models are taken from training. Who filmed a
clip isn't published, so each clip is a group of its own.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

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

_PREFIX = "something-something-v2-"
_FOLDERS = ("labels", "annotations", "splits")


def parse_ssv2(request: Request) -> Listing:
    """Clips of train.json and validation.json, classes in the order of the ids in labels.json.

    Files may have the older names with the prefix ``something-something-v2-``.

    Raises:
        DataError: a file is missing, malformed, or names a template that is no class.
    """
    prefix = _prefix(request)
    folder = find_lists(request, f"{prefix}labels.json", _FOLDERS, SSV2.obtain)
    classes = _read_classes(folder / f"{prefix}labels.json")
    labels = {name: label for label, name in enumerate(classes)}
    files = VideoFiles(request.root)
    clips = [
        clip
        for kind, split in (("train", Split.TRAIN), ("validation", Split.TEST))
        for clip in _read_list(folder / f"{prefix}{kind}.json", labels, files, split)
    ]
    notes = (
        "the official validation clips are the test split, as in published results",
        "clips are never mirrored: 'from left to right' would become false",
    )
    return Listing(classes, tuple(clips), None, "official", notes)


def _prefix(request: Request) -> str:
    try:
        find_lists(request, f"{_PREFIX}labels.json", _FOLDERS, SSV2.obtain)
    except DataError:
        return ""
    return _PREFIX


def _read_classes(path: Path) -> tuple[str, ...]:
    ids = _json(path)
    try:
        by_id = {int(number): str(name) for name, number in ids.items()}
    except (AttributeError, TypeError, ValueError):
        raise DataError(f'{path}: expected {{"Class name": "0", ...}}') from None
    if sorted(by_id) != list(range(len(ids))):
        raise DataError(f"{path}: the ids of {len(ids)} classes must be 0 to {len(ids) - 1}, each once")
    return tuple(by_id[number] for number in range(len(ids)))


def _read_list(path: Path, labels: dict[str, int], files: VideoFiles, split: Split) -> list[Listed]:
    clips = []
    for position, row in enumerate(_json(path)):
        try:
            name, template = str(row["id"]), str(row["template"])
        except (KeyError, TypeError):
            raise DataError(f"{path}: entry {position} has no id and template") from None
        # Templates mark what was replaced, labels don't: 'Holding [something]' is 'Holding something'.
        label = labels.get(template.replace("[", "").replace("]", ""))
        if label is None:
            raise DataError(f"{path}: entry {position}: '{template}' is no class of labels.json")
        clips.append(Listed(f"{name}.webm", files.anywhere(name), label, name, split))
    return clips


def _json(path: Path) -> Any:
    try:
        return json.loads(read_text(path))
    except json.JSONDecodeError as error:
        raise DataError(f"{path}: is no JSON file: {error}") from None


SSV2 = DataSource(
    name="ssv2",
    title="Something-Something V2, 174 actions with things, 220,847 clips, 193,690 of them with labels",
    obtain="Qualcomm's developer site offers the videos in parts that are joined and unpacked to one folder "
    "of ID.webm, and an archive with labels.json, train.json and validation.json",
    parse=parse_ssv2,
    classes=174,
    published={1: (168913, 24777)},
)
