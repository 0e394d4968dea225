"""Own clips: ``class/clip.mp4``, divided by groups, or ``train|validation|test/class/clip.mp4`` as given."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath

from dvfl_training.data.manifest import Split
from dvfl_training.data.sources.listing import DataSource, Listed, Listing, Request, VideoFiles
from dvfl_training.errors import DataError

_SPLITS = {
    "train": Split.TRAIN,
    "training": Split.TRAIN,
    "val": Split.VALIDATION,
    "validation": Split.VALIDATION,
    "test": Split.TEST,
    "testing": Split.TEST,
}
_SIDE = re.compile(r"left|right", re.IGNORECASE)


def parse_folder(request: Request) -> Listing:
    """Clips found on disk, classes in alphabetical order.

    A group is the sub-folder of the class that a clip lies in, or what ``request.group_pattern`` finds in the
    clip's path; else each clip is its own. Unless there are folders for train and test, ``request.test`` of
    the groups of each class will be for testing.

    Raises:
        DataError: there are no class folders, or a group is not found in a path.
    """
    paths = [PurePosixPath(path) for path in VideoFiles(request.root).paths]
    divided = _is_divided(paths, request)
    depth = 1 if divided else 0
    loose = [path for path in paths if len(path.parts) < depth + 2]
    if not paths or loose:
        found = f"{loose[0]} lies in no class folder" if loose else "holds no video"
        raise DataError(f"{request.root}: {found}; {FOLDER.obtain}")
    classes = tuple(sorted({path.parts[depth] for path in paths}))
    if len(classes) < 2:
        raise DataError(f"{request.root}: only class '{classes[0]}' has a video; {FOLDER.obtain}")
    group_of = _Grouping(request.group_pattern)
    clips = [
        Listed(
            str(path),
            str(path),
            classes.index(path.parts[depth]),
            group_of(path, depth),
            _SPLITS[path.parts[0].lower()] if divided else Split.TRAIN,
        )
        for path in paths
    ]
    mirror, notes = mirror_rule(classes)
    notes = (*notes, *(f"{folder} holds no video" for folder in _empty_folders(request.root, paths, depth)))
    variant = "folders" if divided else f"{request.test:g} of the groups for testing, seed {request.seed}"
    return Listing(classes, tuple(clips), mirror, variant, notes, test=0.0 if divided else request.test)


def mirror_rule(classes: tuple[str, ...]) -> tuple[dict[str, str] | None, tuple[str, ...]]:
    """What mirrored clips show, guessed from the names, and notes for a person.

    A class whose name says left or right becomes the class that says the other; if there is none, clips are
    not mirrored at all.
    """
    pairs = {name: _SIDE.sub(_other_side, name) for name in classes if _SIDE.search(name)}
    without = [name for name, other in pairs.items() if other not in classes]
    if without:
        note = f"clips are not mirrored: '{without[0]}' names a side and '{pairs[without[0]]}' is no class"
        return None, (note,)
    notes = tuple(
        f"a mirrored clip of '{name}' counts as '{other}'" for name, other in pairs.items() if name < other
    )
    return pairs, notes


def _empty_folders(root: Path, paths: list[PurePosixPath], depth: int) -> list[Path]:
    """Folders in the place of a class without any of the videos ``paths``."""
    full = {root.joinpath(*path.parts[: depth + 1]) for path in paths}
    folders = root.glob("/".join(["[!.]*"] * (depth + 1)))
    return sorted(folder for folder in folders if folder.is_dir() and folder not in full)


def _is_divided(paths: list[PurePosixPath], request: Request) -> bool:
    tops = {path.parts[0] for path in paths}
    splits = {name for name in tops if name.lower() in _SPLITS}
    if len(splits) > 1 and splits != tops:
        raise DataError(
            f"{request.root}: '{min(tops - splits)}' lies beside '{min(splits)}'; give class folders, or "
            "folders train, validation and test with class folders in them"
        )
    return bool(splits) and splits == tops


def _other_side(match: re.Match[str]) -> str:
    side = match[0]
    other = "right" if side.lower() == "left" else "left"
    if side.isupper():
        return other.upper()
    return other.capitalize() if side[0].isupper() else other


class _Grouping:
    """A clip's path, and how many of its parts name the split -> the name of its group."""

    def __init__(self, pattern: str | None) -> None:
        try:
            self._pattern = re.compile(pattern) if pattern is not None else None
        except re.error as error:
            raise DataError(f"--group-pattern {pattern}: is no regular expression: {error}") from None

    def __call__(self, whole: PurePosixPath, depth: int) -> str:
        path = PurePosixPath(*whole.parts[depth:])
        if self._pattern is not None:
            match = self._pattern.search(str(path))
            if match is None:
                raise DataError(
                    f"{path}: --group-pattern {self._pattern.pattern} finds no group in it; widen the pattern"
                )
            return match[1] if self._pattern.groups else match[0]
        # Numbering starts anew in many people's split folders: equal names there are no equal clips.
        return str(path.parent) if len(path.parts) > 2 else str(whole)


FOLDER = DataSource(
    name="folder",
    title="your own clips",
    obtain="put the clips into one folder per class, class/clip.mp4, and clips of one recording or person "
    "into one sub-folder, class/recording/clip.mp4",
    parse=parse_folder,
)
