"""The manifest of a data set: one row per readable clip, and beside it what the rows mean.

``NAME.csv`` has the columns ``path,label,group,split,frames,fps``; ``NAME.json`` names the classes in the
order of the labels, says what mirroring does to them, which clips were left out and why, and the sha256 of
the rows, so that the two files cannot be taken for a pair when they are not.
"""

from __future__ import annotations

import csv
import io
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from hashlib import sha256
from itertools import combinations
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from dvfl.files import atomic_write, check_writable
from dvfl_training.errors import DataError

COLUMNS = ("path", "label", "group", "split", "frames", "fps")


class Split(StrEnum):
    """What a clip is for. ``VALIDATION`` chooses between models; ``TEST`` is looked at once, at the end."""

    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"


@dataclass(frozen=True)
class Entry:
    """One clip.

    Attributes:
        path: relative to the manifest's root, with forward slashes.
        label: index of its class.
        group: clips of one group were cut from one recording or show one person; a group lies in one split.
        split: what it is for.
        frames: number of frames that decode, at least 2.
        fps: frames per second.
    """

    path: str
    label: int
    group: str
    split: Split
    frames: int
    fps: float


class Excluded(BaseModel):
    """A clip that was left out: its path relative to the root, and the reason in one line."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    path: str
    reason: str


class Header(BaseModel):
    """What the rows mean.

    Attributes:
        schema_version: of this format.
        dataset: its name, such as ``ucf101``.
        variant: which of its official divisions, such as ``split 1``.
        root: the folder that paths are relative to; absolute, or relative to the manifest's folder.
        classes: names in the order of the labels.
        mirror: what a left-right mirrored clip shows: for each class the class it becomes (classes that
            are not named stay); ``None`` if clips must not be mirrored, because labels would be wrong.
        excluded: unreadable clips.
        rows_sha256: of the .csv file's bytes.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    schema_version: Literal[1] = 1
    dataset: str
    variant: str = ""
    root: str
    classes: tuple[str, ...] = Field(min_length=2, strict=False)
    mirror: dict[str, str] | None = Field(default_factory=dict)
    excluded: tuple[Excluded, ...] = Field(default=(), strict=False)
    rows_sha256: str = ""

    @model_validator(mode="after")
    def _check(self) -> Header:
        doubled = [name for name, count in Counter(self.classes).items() if count > 1]
        if doubled:
            raise ValueError(f"class {doubled[0]!r} is named twice")
        for name, other in (self.mirror or {}).items():
            if name not in self.classes or other not in self.classes:
                raise ValueError(f"mirror: {name!r} -> {other!r} is not a pair of classes")
            if (self.mirror or {}).get(other, other) != name:
                raise ValueError(
                    f"mirror: {name!r} becomes {other!r}, but {other!r} does not become {name!r}"
                )
        return self


@dataclass(frozen=True)
class Manifest:
    """A data set whose rows and header were checked against each other.

    Attributes:
        header: what the rows mean.
        entries: every readable clip.
        folder: where the manifest lies; a relative root starts here.
    """

    header: Header
    entries: tuple[Entry, ...]
    folder: Path

    @property
    def root(self) -> Path:
        """The folder that the paths of the entries are relative to."""
        return self.folder / self.header.root

    @property
    def classes(self) -> tuple[str, ...]:
        """Names in the order of the labels."""
        return self.header.classes

    @cached_property
    def mirrored_labels(self) -> tuple[int, ...] | None:
        """For each label the label of the mirrored clip; ``None`` if clips must not be mirrored."""
        if self.header.mirror is None:
            return None
        return tuple(self.classes.index(self.header.mirror.get(name, name)) for name in self.classes)

    def of(self, split: Split) -> tuple[Entry, ...]:
        """The entries of a split, in the order of the file.

        Raises:
            DataError: there are none, or for training a class has none.
        """
        entries = tuple(entry for entry in self.entries if entry.split is split)
        if not entries:
            raise DataError(
                f"{self.header.dataset}: no clip is for {split}; prepare the data set with that split"
            )
        if split is Split.TRAIN and (gap := self.gap(split)):
            raise DataError(f"{self.header.dataset}: {gap}; add clips or remove the class")
        return entries

    def without(self, split: Split) -> tuple[str, ...]:
        """The classes that have no clip for ``split``."""
        labels = {entry.label for entry in self.entries if entry.split is split}
        return tuple(name for label, name in enumerate(self.classes) if label not in labels)

    def gap(self, split: Split) -> str:
        """Which classes have no clip for ``split``, in words; empty if all have some."""
        names = self.without(split)
        if len(names) > 1:
            return f"{len(names)} classes, such as '{names[0]}', have no clip for {split}"
        return f"class '{names[0]}' has no clip for {split}" if names else ""

    def file(self, entry: Entry) -> Path:
        """Where a clip lies."""
        return self.root / entry.path


def read_manifest(path: Path) -> Manifest:
    """Reads ``NAME.csv`` with its ``NAME.json`` and checks both.

    Raises:
        DataError: a file is missing or malformed, they are no pair, a label is out of range, a clip occurs
            twice, or a group lies in several splits; the message names the first.
    """
    if path.suffix == ".json":
        raise DataError(f"{path}: is the description; give the {path.with_suffix('.csv').name} beside it")
    try:
        data = path.read_bytes()
    except OSError as error:
        hint = "make it with: dvfl data prepare NAME --root DIR --out " + str(path)
        raise DataError(f"{path}: cannot be read ({error.strerror}); {hint}") from None
    header = _read_header(path.with_suffix(".json"))
    if sha256(data).hexdigest() != header.rows_sha256:
        raise DataError(
            f"{path}: is not the file that {path.with_suffix('.json').name} describes; prepare it again"
        )
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise DataError(f"{path}: is no text; prepare the data set again") from None
    entries = _read_rows(text, path)
    _check_rows(entries, header, path)
    return Manifest(header, entries, path.parent)


def write_manifest(path: Path, header: Header, entries: Iterable[Entry]) -> Manifest:
    """Writes ``NAME.csv`` and ``NAME.json``, after the checks of :func:`read_manifest`.

    Raises:
        DataError: the rows contradict the header or each other.
        OutputError: a file cannot be written.
    """
    rows = tuple(entries)
    _check_rows(rows, header, path)
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in rows:
        writer.writerow((row.path, row.label, row.group, row.split.value, row.frames, f"{row.fps:.6g}"))
    data = text.getvalue().encode("utf-8")
    complete = header.model_copy(update={"rows_sha256": sha256(data).hexdigest()})
    described = path.with_suffix(".json")
    check_writable(described)
    with atomic_write(path) as stream:
        stream.write(data)
    with atomic_write(described) as stream:
        stream.write(complete.model_dump_json(indent=2).encode("utf-8") + b"\n")
    return Manifest(complete, rows, path.parent)


def leaking_groups(entries: Iterable[Entry]) -> Mapping[tuple[Split, Split], int]:
    """How many clips of the second split share a group with a clip of the first; without zeros."""
    by_split: defaultdict[Split, Counter[str]] = defaultdict(Counter)
    for entry in entries:
        by_split[entry.split][entry.group] += 1
    found = {
        (first, second): sum(count for group, count in by_split[second].items() if group in by_split[first])
        for first, second in combinations(Split, 2)
    }
    return {pair: count for pair, count in found.items() if count}


def _read_header(path: Path) -> Header:
    try:
        return Header.model_validate_json(path.read_bytes())
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); it belongs beside the .csv") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise DataError(f"{path}: {where}: {first['msg']}; prepare the data set again") from None


def _read_rows(text: str, path: Path) -> tuple[Entry, ...]:
    lines = csv.reader(io.StringIO(text, newline=""))
    if tuple(next(lines, ())) != COLUMNS:
        raise DataError(f"{path}: line 1 must be '{','.join(COLUMNS)}'")
    return tuple(_entry(values, lines.line_num, path) for values in lines)


def _entry(values: list[str], line: int, path: Path) -> Entry:
    try:
        name, label, group, split, frames, fps = values
        entry = Entry(name, int(label), group, Split(split), int(frames), float(fps))
    except ValueError as error:
        raise DataError(f"{path}: line {line}: {error}; expected {','.join(COLUMNS)}") from None
    return entry


def _check_rows(entries: tuple[Entry, ...], header: Header, path: Path) -> None:
    seen: set[str] = set()
    for number, entry in enumerate(entries, start=2):
        if not 0 <= entry.label < len(header.classes):
            raise DataError(
                f"{path}: line {number}: label {entry.label} is out of range; "
                f"{header.dataset} has {len(header.classes)} classes, 0 to {len(header.classes) - 1}"
            )
        if entry.path in seen:
            raise DataError(f"{path}: line {number}: {entry.path} occurs twice; keep one row per clip")
        if entry.frames < 2 or not 0 < entry.fps < float("inf"):
            raise DataError(f"{path}: line {number}: {entry.frames} frames at {entry.fps} fps is no video")
        seen.add(entry.path)
    for (first, second), count in leaking_groups(entries).items():
        known = {entry.group for entry in entries if entry.split is first}
        group = next(entry.group for entry in entries if entry.split is second and entry.group in known)
        raise DataError(
            f"{path}: {count} clips of {second} share a group with {first}, such as '{group}': they are cut "
            "from the same recordings, so accuracy would be too high; put every group into one split only, "
            "as official, group-aware divisions do"
        )
