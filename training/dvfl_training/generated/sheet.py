"""A contact sheet: some clips of every class as strips of frames, for a person to look at."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from dvfl.files import atomic_write
from dvfl.spec import PreprocessingSpec
from dvfl.video import load_clip
from dvfl_training.data.manifest import Entry, Manifest

Picture = NDArray[np.uint8]

_GAP = 4
_QUALITY = 88


def write_sheet(manifest: Manifest, path: Path, clips: int = 3, frames: int = 6, side: int = 88) -> None:
    """Writes a .jpg: a row for every class, ``clips`` strips of ``frames`` crops of ``side`` pixels.

    The clips are the first of each split in turn, so training and test lie side by side.

    Raises:
        OutputError: it cannot be written.
        VideoError: a clip cannot be read.
    """
    rows = []
    for label, name in enumerate(manifest.classes):
        strips = [_strip(manifest.file(entry), frames, side) for entry in _chosen(manifest, label, clips)]
        row = np.concatenate(strips, axis=1) if strips else np.zeros((side, 1, 3), np.uint8)
        _write_name(row, name)
        rows.append(row)
    width = max(row.shape[1] for row in rows)
    padded = [np.pad(row, ((0, _GAP), (0, width - row.shape[1]), (0, 0))) for row in rows]
    picture = np.ascontiguousarray(np.concatenate(padded)[..., ::-1])
    encoded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1]
    with atomic_write(path) as stream:
        stream.write(encoded.tobytes())


def _chosen(manifest: Manifest, label: int, count: int) -> list[Entry]:
    """The first clips of a class: one of each split in turn."""
    of_class = [entry for entry in manifest.entries if entry.label == label]
    seen: dict[str, int] = {}
    ranked = []
    for position, entry in enumerate(of_class):
        seen[entry.split] = seen.get(entry.split, 0) + 1
        ranked.append((seen[entry.split], position, entry))
    return [entry for _, _, entry in sorted(ranked, key=lambda item: item[:2])[:count]]


def _strip(path: Path, count: int, side: int) -> Picture:
    """Frames as a model sees them, side by side."""
    clip = load_clip(path, PreprocessingSpec.default().with_clip(frames=count, size=side))
    return np.pad(np.concatenate(list(clip.pixels), axis=1), ((0, 0), (0, _GAP), (0, 0)))


def _write_name(row: Picture, name: str) -> None:
    """The class in the corner, with a dark rim so that it can be read on anything."""
    for colour, thickness in (((0, 0, 0), 3), ((255, 255, 0), 1)):
        cv2.putText(row, name, (4, 13), cv2.FONT_HERSHEY_SIMPLEX, 0.42, colour, thickness, cv2.LINE_AA)
