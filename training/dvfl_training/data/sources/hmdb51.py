"""HMDB51: ``class/name.avi`` and lists ``class_test_splitN.txt`` of lines ``name.avi 0|1|2``.

1 is for training, 2 for testing, 0 for neither in this split. A clip's name ends with the action, what is
seen of the body, camera motion, people, direction, quality and a running number:
``April_09_brush_hair_u_nm_np1_ba_goo_0``. What stands before these tags, action included, names the recording
that it was cut from. So grouped, no official split has a group on both sides. Without the action they have:
of the 1,530 test clips of split 1, 457 are from a film that another class has in training.
"""

from __future__ import annotations

import re

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

_FOLDERS = ("testTrainMulti_7030_splits", "test_train_splits", "annotations", "splits")
_TAGS = re.compile(r"_[fhlu]_(cm|nm)_np\d+_(ba|fr|le|ri)_(bad|goo|med)_\d+$")
_SPLITS = {"1": Split.TRAIN, "2": Split.TEST}


def parse_hmdb51(request: Request) -> Listing:
    """Clips of all ``class_test_splitN.txt``, classes in alphabetical order.

    Raises:
        DataError: lists are missing or malformed.
    """
    ending = f"_test_split{request.split}.txt"
    folder = find_lists(request, f"brush_hair{ending}", _FOLDERS, HMDB51.obtain)
    classes = tuple(sorted(path.name.removesuffix(ending) for path in folder.glob(f"*{ending}")))
    files = VideoFiles(request.root)
    clips: list[Listed] = []
    for label, name in enumerate(classes):
        path = folder / f"{name}{ending}"
        for number, words in read_lines(path):
            if len(words) != 2 or words[1] not in ("0", "1", "2"):
                raise DataError(f"{path}: line {number}: expected 'name.avi 0|1|2'")
            if words[1] != "0":
                clips.append(_clip(words[0], name, label, _SPLITS[words[1]], files))
    return Listing(classes, tuple(clips), {}, f"split {request.split}")


def recording(stem: str) -> str:
    """What a clip was cut from, with the action: its name without tags and number."""
    return _TAGS.sub("", stem)


def _clip(file: str, name: str, label: int, split: Split, files: VideoFiles) -> Listed:
    group = f"{name}/{recording(file.rpartition('.')[0])}"
    return Listed(f"{name}/{file}", files.in_class(name, file), label, group, split)


HMDB51 = DataSource(
    name="hmdb51",
    title="HMDB51, 51 actions, 6,766 clips, of which a split uses 5,100",
    obtain="the Serre lab at Brown University offers the videos (a .rar with a .rar per class) and the three "
    "splits (testTrainMulti_7030_splits) as two archives; unpack both into one folder",
    parse=parse_hmdb51,
    splits=3,
    classes=51,
    published={1: (3570, 1530), 2: (3570, 1530), 3: (3570, 1530)},
)
