"""The clips on which quantisation is measured and chosen; never those on which an artifact is proved."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from dvfl.spec import PreprocessingSpec
from dvfl_converter.clips import NamedClip

# More add time and hardly any accuracy: ranges settle after a few dozen clips.
MOST_CALIBRATION = 32
MOST_SELECTION = 32


def split(clips: Sequence[NamedClip]) -> tuple[tuple[NamedClip, ...], tuple[NamedClip, ...]]:
    """(calibration, selection): every other clip, by the digest of what the model sees.

    The order of a folder often follows its classes; that of digests follows nothing, and is always the same.
    At most 32 each; equal clips are used once.
    """
    by_digest = {hashlib.sha256(clip.pixels.tobytes()).digest(): clip for clip in clips}
    ordered = [by_digest[digest] for digest in sorted(by_digest)]
    return tuple(ordered[0::2][:MOST_CALIBRATION]), tuple(ordered[1::2][:MOST_SELECTION])


def selection_patterns(spec: PreprocessingSpec) -> tuple[NamedClip, ...]:
    """Generated clips, for when there are no videos to choose on; others than those that prove."""
    frames, size = spec.temporal.frames, spec.crop.size
    t, y, x = np.meshgrid(np.arange(frames), np.arange(size), np.arange(size), indexing="ij")
    stripes = 127.5 + 127.5 * np.sin((x + y) * (8 * np.pi / size) - t)
    radius = np.hypot(x - size / 2, y - size / 2)
    disc = np.where(radius < size * (t + 1) / (2 * frames), 230.0, 25.0)
    coarse = np.random.default_rng(1).integers(0, 256, (frames, 8, 8, 3)).astype(np.float64)
    blocks = coarse[:, np.arange(size) * 8 // size][:, :, np.arange(size) * 8 // size]
    return (
        NamedClip("pattern: wandering stripes", _bytes(np.stack((stripes, 255 - stripes, stripes), -1))),
        NamedClip("pattern: growing disc", _bytes(np.stack((disc, disc, 255 - disc), -1))),
        NamedClip("pattern: coloured blocks", _bytes(blocks)),
    )


def _bytes(values: np.ndarray) -> np.ndarray:
    return values.round().astype(np.uint8)
