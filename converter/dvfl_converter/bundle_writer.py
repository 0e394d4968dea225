"""Writing a bundle's files and describing them for the manifest."""

from __future__ import annotations

import gzip
import io
import shutil
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from dvfl.bundle import LABELS_FILE, MANIFEST_FILE
from dvfl.hashing import sha256_path, size_of
from dvfl.manifest import Manifest, ReferenceVector, StoredFile
from dvfl.model.checkpoint import Checkpoint
from dvfl_converter.clips import NamedClip

REFERENCE_FILE = "reference/model.pth"
REPORT_FILE = "report.html"
_COMPRESSION = 6


def plan_file(target: str) -> str:
    """Where a bundle keeps the quantisation plan of a target's int8 artifact."""
    return f"quantization/{target}.json"


def stored(root: Path, file: str) -> StoredFile:
    """The manifest's entry for a file or folder that was written."""
    path = root / file
    return StoredFile(file=file, sha256=sha256_path(path), bytes=size_of(path))


def discard(path: Path) -> None:
    """Removes what a failed conversion left behind."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def write_reference(root: Path, checkpoint: Checkpoint) -> StoredFile:
    """Stores the weights alone, float32: a released checkpoint also carries its optimizer."""
    path = root / REFERENCE_FILE
    path.parent.mkdir(parents=True)
    # torch.save reports a full disk as a RuntimeError about positions; a plain write says what it is.
    buffer = io.BytesIO()
    torch.save(checkpoint.weights, buffer)
    path.write_bytes(buffer.getbuffer())
    return stored(root, REFERENCE_FILE)


def write_vector(root: Path, index: int, clip: NamedClip, logits: NDArray[np.float32]) -> ReferenceVector:
    """Stores a clip's bytes, gzip-compressed without a time stamp so that equal input gives equal files."""
    file = f"vectors/{index:03d}.clip.u8.gz"
    path = root / file
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(gzip.compress(np.ascontiguousarray(clip.pixels).tobytes(), _COMPRESSION, mtime=0))
    frames, height, width, channels = clip.pixels.shape
    return ReferenceVector(
        **stored(root, file).model_dump(),
        name=clip.name,
        shape=(frames, height, width, channels),
        logits=tuple(float(value) for value in logits),
    )


def write_manifest(root: Path, manifest: Manifest) -> None:
    """Writes ``manifest.json`` and, for tools that want a plain list, ``labels.txt``."""
    (root / LABELS_FILE).write_text("".join(f"{label}\n" for label in manifest.labels), encoding="utf-8")
    (root / MANIFEST_FILE).write_text(manifest.model_dump_json(indent=2) + "\n", encoding="utf-8")
