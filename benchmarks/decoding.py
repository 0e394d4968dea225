"""How fast the training loader's decoding is, against decoding whole files.

python benchmarks/decoding.py FOLDER [SECONDS]

Each worker process takes clips of FOLDER over and over for SECONDS (default 10): the eight frames of a
training clip by seeking, the same frames by decoding from the start to the last of them, and whole files;
then complete training clips, augmented at 8 x 224 x 224. Prints clips per second, and per second
of CPU time, which other work on the machine disturbs less. The files should fit into the page cache, so that
the disk isn't measured.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from itertools import cycle
from pathlib import Path

import cv2
import numpy as np

from dvfl.resize import resized_size
from dvfl.spec import PreprocessingSpec
from dvfl.video import frame_count, iter_frames
from dvfl_training.config import AugmentationConfig
from dvfl_training.data.augmentation import apply_change, draw_change
from dvfl_training.data.decoding import decode_frames, decode_in_order
from dvfl_training.data.sampling import random_indices
from dvfl_training.data.sources.listing import VideoFiles

SPEC = PreprocessingSpec.default()
Work = Callable[[Path, int, np.random.Generator], object]


def seek(path: Path, frames: int, rng: np.random.Generator) -> object:
    """The frames of a training clip, as the loader decodes them."""
    return decode_frames(path, random_indices(frames, SPEC.temporal, rng), frames, SPEC)


def in_order(path: Path, frames: int, rng: np.random.Generator) -> object:
    """The same from the first frame on."""
    return decode_in_order(path, sorted(set(random_indices(frames, SPEC.temporal, rng))), SPEC)


def whole(path: Path, frames: int, rng: np.random.Generator) -> object:
    """Every frame."""
    return sum(1 for _ in iter_frames(path, SPEC))


def training_clip(path: Path, frames: int, rng: np.random.Generator) -> object:
    """Decoded by seeking, then augmented."""
    indices = random_indices(frames, SPEC.temporal, rng)
    found = decode_frames(path, indices, frames, SPEC)
    chosen = [found[index] for index in indices]
    size = resized_size(*chosen[0].upright_size, SPEC.resize)
    change = draw_change(rng, AugmentationConfig(), *size, may_mirror=True)
    return apply_change(chosen, change, SPEC)


def measure(work: Work, clips: list[tuple[Path, int]], seconds: float, seed: int) -> tuple[float, float]:
    """Clips per second, and per second of CPU time, of one process."""
    cv2.setNumThreads(0)
    rng = np.random.default_rng(seed)
    start, cpu_start = time.perf_counter(), time.process_time()
    done, endless = 0, cycle(clips)
    while (passed := time.perf_counter() - start) < seconds:
        work(*next(endless), rng)
        done += 1
    return done / passed, done / (time.process_time() - cpu_start)


def main(folder: Path, seconds: float) -> None:
    """Prints a row per way of decoding and number of workers."""
    paths = [folder / path for path in VideoFiles(folder).paths]
    if not paths:
        sys.exit(f"{folder}: holds no video; give a folder of clips")
    clips = [(path, frame_count(path)) for path in paths]
    mean = sum(frames for _, frames in clips) / len(clips)
    print(f"{len(clips)} files of {mean:.0f} frames on average")
    print(f"{'':14} workers  clips/s  clips per CPU second")
    for work in (seek, in_order, whole, training_clip):
        for workers in (1, 2):
            tasks = [(work, clips, seconds, number) for number in range(workers)]
            with ProcessPoolExecutor(workers) as pool:
                rates = list(pool.map(measure, *zip(*tasks, strict=True)))
            wall, cpu = sum(rate for rate, _ in rates), sum(rate for _, rate in rates) / workers
            print(f"{work.__name__:14} {workers:7} {wall:8.1f} {cpu:21.1f}", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]) if len(sys.argv) > 2 else 10.0)
