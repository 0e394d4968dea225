"""The clips on which artifacts are compared with the reference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dvfl.errors import ConversionError, VideoError
from dvfl.hashing import sha256_file
from dvfl.spec import PreprocessingSpec
from dvfl.video import load_clip

VIDEO_SUFFIXES = frozenset({".mp4", ".mov", ".m4v", ".avi", ".mkv", ".webm", ".3gp"})


@dataclass(frozen=True)
class NamedClip:
    """A preprocessed clip, uint8 ``[T, H, W, 3]``, and where it came from."""

    name: str
    pixels: NDArray[np.uint8]


def read_clips(paths: Sequence[Path], spec: PreprocessingSpec) -> tuple[NamedClip, ...]:
    """Decodes and preprocesses videos; names are made unique by their folder where they must.

    Raises:
        VideoError: a file is no readable video.
    """
    names = [path.name for path in paths]
    unique = [str(path) if names.count(path.name) > 1 else path.name for path in paths]
    return tuple(
        NamedClip(name, load_clip(path, spec).pixels) for name, path in zip(unique, paths, strict=True)
    )


def find_videos(folder: Path) -> list[Path]:
    """The videos below a folder, sorted.

    Raises:
        VideoError: the folder is missing or holds none.
    """
    if not folder.is_dir():
        raise VideoError(f"{folder}: no such folder of clips")
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in VIDEO_SUFFIXES)
    if not found:
        raise VideoError(f"{folder}: holds no video ({', '.join(sorted(VIDEO_SUFFIXES))})")
    return found


def check_unseen(tested: Sequence[Path], calibrating: Sequence[Path]) -> None:
    """Refuses a video that is in both lists, whatever its name.

    Raises:
        ConversionError: what calibrates cannot show how a model does on other clips.
    """
    by_content = {sha256_file(path): path for path in tested}
    for path in calibrating:
        if (same := by_content.get(sha256_file(path))) is not None:
            raise ConversionError(f"{path}: calibrates and tests (--clip {same}); a gate needs unseen clips")


def patterns(spec: PreprocessingSpec) -> tuple[NamedClip, ...]:
    """Generated clips with the structure that noise lacks: gradients, edges and motion.

    A scrambled axis leaves noise as noise; it tears these apart.
    """
    frames, size = spec.temporal.frames, spec.crop.size
    t, y, x = np.meshgrid(np.arange(frames), np.arange(size), np.arange(size), indexing="ij")
    ramp = 255.0 / max(1, size - 1)
    gradient = np.stack((x * ramp, y * ramp, t * 255.0 / max(1, frames - 1)), axis=-1)
    cell = max(2, size // 8)
    board = ((x + 2 * t) // cell + y // cell) % 2 * 255.0
    checkerboard = np.stack((board, 255.0 - board, np.roll(board, cell // 2, axis=2)), axis=-1)
    noise = np.random.default_rng(0).integers(0, 256, (frames, size, size, 3))
    return (
        NamedClip("pattern: moving gradient", gradient.round().astype(np.uint8)),
        NamedClip("pattern: moving checkerboard", checkerboard.astype(np.uint8)),
        NamedClip("pattern: noise", noise.astype(np.uint8)),
    )
