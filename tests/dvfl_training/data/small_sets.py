"""A prepared data set of tiny videos."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from videos import write_video

from dvfl_training.config import TrainConfig
from dvfl_training.data.manifest import Entry, Header, Manifest, Split, write_manifest

CLASSES = ("turn_left", "turn_right", "wait")
MIRROR = {"turn_left": "turn_right", "turn_right": "turn_left"}
FRAMES = 12


def noisy_video(path: Path, seed: int, frames: int = FRAMES, width: int = 64, height: int = 48) -> Path:
    """Coarse coloured noise that drifts, other in each video."""
    path.parent.mkdir(parents=True, exist_ok=True)
    blocks = np.random.default_rng(seed).integers(0, 256, (height // 8, width // 8, 3), np.uint8)
    picture = np.kron(blocks, np.ones((8, 8, 1), np.uint8))
    return write_video(path, [np.roll(picture, 2 * n, axis=1) for n in range(frames)], options={"g": "5"})


def small_set(folder: Path, per_class: int = 4, mirror: dict[str, str] | None = MIRROR) -> Manifest:
    """``per_class`` training clips and one test clip of each of three classes."""
    entries = []
    for label, name in enumerate(CLASSES):
        for number in range(per_class + 1):
            path = f"{name}/{number}.mp4"
            noisy_video(folder / path, seed=100 * label + number)
            split = Split.TRAIN if number < per_class else Split.TEST
            entries.append(Entry(path, label, path, split, FRAMES, 30.0))
    header = Header(dataset="small", root=".", classes=CLASSES, mirror=mirror)
    return write_manifest(folder / "small.csv", header, entries)


def small_config(**sections: dict[str, object]) -> TrainConfig:
    """Clips of 4 frames of 32 x 32 pixels, batches of 4, one process."""
    values: dict[str, dict[str, object]] = {
        "clip": {"frames": 4, "size": 32, "short_side": 36},
        "run": {"batch": 4, "workers": 0, "seed": 7},
    }
    for name, section in sections.items():
        values[name] = {**values.get(name, {}), **section}
    return TrainConfig.model_validate(values)
