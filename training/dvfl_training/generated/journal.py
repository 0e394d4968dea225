"""What was already written of a data set that is not finished, so that an interrupted run can go on.

The journal lies in the data set's folder: a line for what is being made, then one for each clip that is
there. It is removed when the manifest is written; a folder that has one is not whole.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from dvfl.errors import OutputError
from dvfl_training.data.manifest import Entry, Split

JOURNAL = "unfinished.jsonl"


class Journal:
    """The clips that are there, and a way to add one."""

    def __init__(self, path: Path, done: Mapping[str, Entry]) -> None:
        self._path = path
        self.done = dict(done)

    def add(self, entry: Entry) -> None:
        """Notes that a clip is there, so that it outlives the process."""
        self.done[entry.path] = entry
        with _refusing(self._path), self._path.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(asdict(entry)) + "\n")

    def close(self) -> None:
        """The data set is whole."""
        with _refusing(self._path):
            self._path.unlink()


def opened(folder: Path, settings: Mapping[str, Any]) -> Journal:
    """A new folder's journal, or that of a run with the same ``settings`` that was interrupted there.

    Raises:
        OutputError: the folder holds something else, or cannot be written.
    """
    path = folder / JOURNAL
    first = json.dumps(dict(settings), sort_keys=True)
    with _refusing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        if not any(folder.iterdir()):
            path.write_text(first + "\n", encoding="utf-8")
            return Journal(path, {})
        if not path.is_file():
            raise OutputError(f"{folder}: is not empty; give a new folder, or remove this one first")
        lines = path.read_text("utf-8").splitlines()
        if lines and lines[0] != first:
            raise OutputError(
                f"{folder}: holds an unfinished data set of other settings ({lines[0]}); "
                "repeat that command, or remove the folder"
            )
        # The last line may be cut off, and then a new one must not be added to it.
        entries = [entry for entry in map(_entry, lines[1:]) if entry and (folder / entry.path).is_file()]
        kept = [first, *(json.dumps(asdict(entry)) for entry in entries)]
        path.write_text("".join(f"{line}\n" for line in kept), encoding="utf-8")
    _sweep(folder)
    return Journal(path, {entry.path: entry for entry in entries})


def _entry(line: str) -> Entry | None:
    try:
        values = json.loads(line)
        return Entry(**{**values, "split": Split(values["split"])})
    except (ValueError, TypeError, KeyError):
        return None


def _sweep(folder: Path) -> None:
    """Removes what a killed process had not finished writing."""
    for path in folder.rglob(".*.part"):
        with _refusing(path):
            path.unlink()


@contextmanager
def _refusing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or error
        raise OutputError(
            f"{path}: cannot be written: {reason}; choose another place or make room"
        ) from error
