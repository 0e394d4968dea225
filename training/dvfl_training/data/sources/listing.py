"""What a source tells about a data set before any clip is opened, and how clips are found on disk."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from dvfl_training.data.manifest import Split
from dvfl_training.errors import DataError

VIDEO_SUFFIXES = frozenset(
    (".avi", ".mp4", ".m4v", ".mov", ".mkv", ".webm", ".mpg", ".mpeg", ".ts", ".3gp", ".wmv", ".flv")
)


@dataclass(frozen=True)
class Request:
    """What a person asked for.

    Attributes:
        root: the folder of the clips.
        splits: a folder or file of the official lists, where it isn't under ``root`` or beside it.
        split: number of the official division, from 1.
        group_pattern: for own clips: a regular expression; what its first group (or all of it) matches in a
            clip's path is the clip's group.
        test: for own clips: share of the groups for testing.
        seed: of every random choice.
    """

    root: Path
    splits: Path | None = None
    split: int = 1
    group_pattern: str | None = None
    test: float = 0.2
    seed: int = 0


@dataclass(frozen=True)
class Listed:
    """A clip that should exist.

    Attributes:
        name: as the official list calls it.
        path: where it was found, relative to the root, with forward slashes; None if it wasn't.
        label: index of its class.
        group: see :class:`dvfl_training.data.manifest.Entry`.
        split: what the official division, or the request, uses it for.
    """

    name: str
    path: str | None
    label: int
    group: str
    split: Split


@dataclass(frozen=True)
class Listing:
    """All clips of a data set.

    Attributes:
        classes: names in the order of the labels.
        clips: in a fixed order.
        mirror: see :class:`dvfl_training.data.manifest.Header`.
        variant: which division, such as ``split 1``.
        notes: what a person should know, one line each.
        test: share of the training groups that is yet to be chosen for testing.
    """

    classes: tuple[str, ...]
    clips: tuple[Listed, ...]
    mirror: Mapping[str, str] | None
    variant: str = ""
    notes: tuple[str, ...] = ()
    test: float = 0.0


@dataclass(frozen=True)
class DataSource:
    """A kind of data set.

    Attributes:
        name: what people type.
        title: in words.
        obtain: what to download, and how the folder looks afterwards.
        parse: lists the clips; raises DataError.
        splits: how many official divisions there are; 1 if there is no choice.
        classes: how many there should be; None if any.
        published: by number of the division, how many clips its authors list for training and for testing.
    """

    name: str
    title: str
    obtain: str
    parse: Callable[[Request], Listing]
    splits: int = 1
    classes: int | None = None
    published: Mapping[int, tuple[int, int]] = field(default_factory=dict)


class VideoFiles:
    """The video files under a folder, found by name whatever their case and suffix.

    People convert, rename and nest: ``Class/name.avi`` of a list may be ``videos/class/name.mp4``. Of several
    files of one name the first by path is taken.
    """

    def __init__(self, root: Path) -> None:
        self.paths = tuple(sorted(_videos(root)))
        self._by_stem: dict[str, str] = {}
        self._by_class: dict[tuple[str, str], str] = {}
        for text in self.paths:
            path = PurePosixPath(text)
            stem = path.stem.lower()
            self._by_stem.setdefault(stem, text)
            self._by_class.setdefault((path.parent.name.lower(), stem), text)

    def in_class(self, folder: str, name: str) -> str | None:
        """The file of that name, with any suffix, in a folder of that name."""
        return self._by_class.get((folder.lower(), _stem(name).lower()))

    def anywhere(self, stem: str) -> str | None:
        """The file of that name without suffix, in any folder."""
        return self._by_stem.get(stem.lower())


def read_text(path: Path) -> str:
    """A list file as text.

    Raises:
        DataError: it cannot be read or is no text.
    """
    try:
        return path.read_text("utf-8-sig")
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise DataError(f"{path}: is no text file in UTF-8") from None


def read_lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    """(line number, words) of the lines that are not empty; see :func:`read_text`."""
    for number, line in enumerate(read_text(path).splitlines(), start=1):
        if line.strip():
            yield number, line.split()


def find_lists(request: Request, file: str, folders: tuple[str, ...], obtain: str) -> Path:
    """The folder that holds ``file``: ``request.splits``, or a usual place under or beside the root.

    Raises:
        DataError: it is in none of them.
    """
    if request.splits is not None:
        places = [request.splits, *(request.splits / name for name in folders)]
    else:
        near = (request.root, request.root.parent)
        places = [place for base in near for place in (base, *(base / name for name in folders))]
    for place in places:
        if (place / file).is_file():
            return place
    where = request.splits or f"{request.root} or beside it"
    raise DataError(f"{file}: not found in {where}; give its folder with --splits ({obtain})")


def _videos(root: Path) -> Iterator[str]:
    if not root.is_dir():
        raise DataError(f"{root}: is no folder; give the folder of the clips with --root")
    for folder, below, files in os.walk(root, followlinks=True):
        below[:] = [name for name in below if not name.startswith(".")]
        for name in files:
            if Path(name).suffix.lower() in VIDEO_SUFFIXES and not name.startswith("."):
                yield Path(folder, name).relative_to(root).as_posix()


def _stem(name: str) -> str:
    return name[: -len(suffix)] if (suffix := PurePosixPath(name).suffix).lower() in VIDEO_SUFFIXES else name
