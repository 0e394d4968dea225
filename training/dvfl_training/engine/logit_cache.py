"""The teacher's logits on disk, for a run whose augmentations are fixed.

Clip ``i`` in its variant ``k`` always looks the same, so the teacher needs to see it once. The folder holds
``logits.npy`` (float32 ``[N, variants, K]``, NaN where the teacher was not asked yet) and ``key.json``:
everything that the logits depend on.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.lib.format import open_memmap, write_array_header_1_0
from numpy.typing import NDArray
from torch import Tensor

from dvfl.errors import OutputError
from dvfl.files import atomic_write
from dvfl_training.config import TrainConfig
from dvfl_training.data.loader import Batch
from dvfl_training.engine.teacher import Teacher
from dvfl_training.errors import ConfigError, TrainingError


@dataclass(frozen=True)
class CacheKey:
    """Everything that the logits depend on.

    Attributes:
        teacher_sha256, data_sha256: of the teacher's file and of the manifest's rows.
        config: of the run; its clips, augmentations, seed and precision count.
        shape: clips, variants, classes.
    """

    teacher_sha256: str
    data_sha256: str
    config: TrainConfig
    shape: tuple[int, int, int]

    def as_json(self) -> dict[str, Any]:
        """Flat, with plain values."""
        return {
            "teacher_sha256": self.teacher_sha256,
            "data_sha256": self.data_sha256,
            "clip": self.config.clip.model_dump(mode="json"),
            "augmentation": self.config.augmentation.model_dump(mode="json"),
            "seed": self.config.run.seed,
            "precision": self.config.run.precision,
            "shape": list(self.shape),
        }


class CachedTeacher:
    """Asks ``teacher`` only about clips that the cache does not know.

    Processes of one run share the file; each writes the clips that it sees.
    """

    def __init__(self, teacher: Teacher, logits: NDArray[np.float32]) -> None:
        self._teacher = teacher
        self._logits = logits

    def answer(self, batch: Batch, clips: Tensor) -> Tensor:
        """See :class:`Teacher`."""
        where = batch.indices.numpy(), batch.variants.numpy()
        known: NDArray[np.float32] = self._logits[where]
        if np.isnan(known).any():
            answer = self._teacher.answer(batch, clips)
            self._logits[where] = answer.cpu().numpy()
            return answer
        return torch.from_numpy(known).to(clips.device)


def open_cache(folder: Path, key: CacheKey) -> NDArray[np.float32]:
    """The logits in ``folder``; made, without any, if there are none.

    Raises:
        ConfigError: the augmentations are not fixed.
        TrainingError: the folder holds the logits of another teacher, data set or augmentation.
        OutputError: the folder cannot be written, or the disk is too small.
    """
    check_fixed(key.config)
    described = folder / "key.json"
    if described.exists():
        _check(described, key)
        return open_memmap(folder / "logits.npy", mode="r+")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be made: {error.strerror or error}") from error
    _write_unknown(folder / "logits.npy", key.shape)
    with atomic_write(described) as stream:
        stream.write(json.dumps(key.as_json(), indent=2).encode())
    return open_memmap(folder / "logits.npy", mode="r+")


def _write_unknown(path: Path, shape: tuple[int, int, int]) -> None:
    """NaN everywhere. Written in full, since a hole in a mapped file kills the process on a full disk."""
    clips, variants, classes = shape
    row = np.full((variants, classes), np.nan, np.float32).tobytes()
    with atomic_write(path) as stream:
        header = {
            "descr": np.lib.format.dtype_to_descr(np.dtype(np.float32)),
            "fortran_order": False,
            "shape": shape,
        }
        write_array_header_1_0(stream, header)
        for _ in range(clips):
            stream.write(row)


def check_fixed(config: TrainConfig) -> None:
    """Only fixed augmentations can be kept.

    Raises:
        ConfigError: each epoch draws its own.
    """
    if not config.augmentation.variants:
        raise ConfigError(
            "--cache-logits needs augmentations that repeat; add --set augmentation.variants=4, four per clip"
        )


def _check(described: Path, key: CacheKey) -> None:
    try:
        saved = json.loads(described.read_bytes())
    except (OSError, ValueError) as error:
        raise TrainingError(f"{described}: cannot be read ({error}); delete the folder") from None
    wanted = key.as_json()
    differing = [name for name in wanted if saved.get(name) != wanted[name]]
    if differing:
        raise TrainingError(
            f"{described.parent}: holds logits for another {differing[0]}; delete it, or give another folder"
        )
