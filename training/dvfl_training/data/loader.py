"""Batches of clips for training and evaluation, decoded in worker processes.

What a clip looks like depends on (seed, epoch, position) alone and how a pair is mixed on (seed, epoch, step,
pair), so batches are the same whatever the number of workers, processes and accumulated parts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from dvfl.errors import DvflError
from dvfl.spec import PreprocessingSpec
from dvfl_training.config import ClipConfig, TrainConfig
from dvfl_training.data.clips import (
    Integers,
    PairKey,
    evaluation_views,
    generator_of_order,
    input_spec,
    training_pair,
)
from dvfl_training.data.manifest import Manifest, Split
from dvfl_training.errors import ConfigError, DataError

_LOOKED_FOR = 100


@dataclass(frozen=True)
class Batch:
    """One part of a training batch of one process; tensors on the CPU.

    Attributes:
        clips: uint8 [B, T, size, size, 3] RGB, augmented, mixed in pairs (2j, 2j+1).
        targets: float32 [B, K]: soft targets, smoothed and mixed; rows sum to 1.
        labels: int64 [B] of the clip before mixing; mirroring is taken into account.
        indices: int64 [B]: positions in ``manifest.of(Split.TRAIN)``.
        variants: int64 [B]: number of the fixed augmentation; 0 if there are none.
    """

    clips: Tensor
    targets: Tensor
    labels: Tensor
    indices: Tensor
    variants: Tensor


@dataclass(frozen=True)
class ViewBatch:
    """Clips to evaluate; tensors on the CPU.

    Attributes:
        clips: uint8 [B, V, T, size, size, 3] RGB: V views of each video.
        labels: int64 [B].
        indices: int64 [B]: positions in ``manifest.of(split)``.
    """

    clips: Tensor
    labels: Tensor
    indices: Tensor


class TrainingLoader:
    """Augmented, mixed batches of ``manifest.of(Split.TRAIN)`` in a new order each epoch.

    Args:
        rank, world: this process and how many there are.

    Raises:
        DataError: there are fewer clips than a batch has, a class has none, or clips are not on disk.
        ConfigError: a batch doesn't divide into whole pairs for each part of each process.
    """

    def __init__(self, manifest: Manifest, config: TrainConfig, *, rank: int = 0, world: int = 1) -> None:
        run = config.run
        if run.batch % (2 * world * run.accumulate):
            raise ConfigError(
                f"run.batch {run.batch} does not divide into whole pairs for {world} processes of "
                f"{run.accumulate} parts; take a multiple of {2 * world * run.accumulate}"
            )
        clips = len(manifest.of(Split.TRAIN))
        self.steps_per_epoch = clips // run.batch
        if not self.steps_per_epoch:
            raise DataError(
                f"{manifest.header.dataset}: {clips} clips for training are less than one batch of "
                f"{run.batch}; set run.batch to {max(clips // 2 * 2, 2)} or less"
            )
        _look_for_files(manifest, Split.TRAIN)
        self._config = config
        self._clips = clips
        self._parts = range(rank * run.accumulate, (rank + 1) * run.accumulate)
        self._part_pairs = run.batch // (2 * world * run.accumulate)
        self._dataset = _Pairs(manifest, config)

    def batches(self, epoch: int, first_step: int = 0) -> Iterator[Batch]:
        """``run.accumulate`` parts for each step of an epoch from ``first_step`` on.

        The batch of step s holds positions ``order[s*batch:(s+1)*batch]``; it is cut into as many contiguous
        parts as there are over all processes, and this process gets its own.

        Raises:
            DataError: a clip does not decode; the message names it.
        """
        order = generator_of_order(self._config.run.seed, epoch).permutation(self._clips)
        keys = [
            self._keys(order, epoch, step, part)
            for step in range(first_step, self.steps_per_epoch)
            for part in self._parts
        ]
        for tensors in _load(self._dataset, keys, self._config.run.workers):
            yield Batch(*tensors)

    def _keys(self, order: Integers, epoch: int, step: int, part: int) -> list[PairKey]:
        first = part * self._part_pairs
        keys = []
        for pair in range(first, first + self._part_pairs):
            at = step * self._config.run.batch + 2 * pair
            keys.append(PairKey(epoch, step, pair, int(order[at]), int(order[at + 1])))
        return keys


class EvaluationLoader:
    """Clips of a split without augmentation, in the order of the manifest.

    ``views=(1, 1)`` is the phone's preprocessing. ``(t, 1)`` shifts it in time; ``(t, 3)`` makes the short
    side ``clip.size`` and takes three crops along the long side. Views are ordered by time, then by place.

    Args:
        views: temporal and spatial views per video.
        batch: videos per batch.
        workers: processes that decode; 0 for this one.
        rank, world: this process takes every ``world``-th video from ``rank`` on.

    Raises:
        DataError: the split has no clips, clips are not on disk, or ``views`` is not defined.
    """

    def __init__(
        self,
        manifest: Manifest,
        split: Split,
        clip: ClipConfig,
        *,
        views: tuple[int, int] = (1, 1),
        batch: int = 16,
        workers: int = 2,
        rank: int = 0,
        world: int = 1,
    ) -> None:
        if views[0] < 1 or views[1] not in (1, 3):
            raise DataError(
                f"views {views[0]} x {views[1]} are not defined; give 1 or more in time, and 1 or 3 in space"
            )
        _look_for_files(manifest, split)
        self._dataset = _Views(manifest, split, clip, views)
        indices = range(rank, len(manifest.of(split)), world)
        self._keys = [list(indices[at : at + batch]) for at in range(0, len(indices), batch)]
        self._workers = workers

    def __len__(self) -> int:
        """The number of batches of this process."""
        return len(self._keys)

    def __iter__(self) -> Iterator[ViewBatch]:
        """Raises DataError where a clip does not decode; the message names it."""
        for tensors in _load(self._dataset, self._keys, self._workers):
            yield ViewBatch(*tensors)


def _look_for_files(manifest: Manifest, split: Split) -> None:
    """Some clips stand for all: what goes wrong is that the whole folder was moved, and disks may be slow."""
    entries = manifest.of(split)
    for entry in entries[:: max(1, len(entries) // _LOOKED_FOR)]:
        if not manifest.file(entry).exists():
            raise DataError(
                f"{manifest.file(entry)}: no such file; put the clips back, or prepare the data set again"
            )


def to_input(clips: Tensor, device: torch.device | str) -> Tensor:
    """uint8 [B, T, H, W, 3] -> float32 [B, T, 3, H, W] on ``device``: ``(x - mean) / std`` per channel."""
    rule = PreprocessingSpec.default().normalization
    mean = torch.tensor(rule.mean, device=device).view(3, 1, 1)
    std = torch.tensor(rule.std, device=device).view(3, 1, 1)
    moved = clips.to(device, non_blocking=True).permute(0, 1, 4, 2, 3).contiguous()
    return (moved.float() - mean) / std


@dataclass(frozen=True)
class _Failure:
    """What went wrong with a clip; torch would wrap an exception of a worker in its traceback."""

    message: str


class _Pairs(Dataset[Any]):
    def __init__(self, manifest: Manifest, config: TrainConfig) -> None:
        self._manifest = manifest
        self._entries = manifest.of(Split.TRAIN)
        self._config = config
        self._spec = input_spec(config.clip)

    def __getitem__(self, key: PairKey) -> Any:
        try:
            return training_pair(key, self._manifest, self._entries, self._config, self._spec)
        except DvflError as error:
            return _Failure(str(error))


class _Views(Dataset[Any]):
    def __init__(self, manifest: Manifest, split: Split, clip: ClipConfig, views: tuple[int, int]) -> None:
        self._manifest = manifest
        self._entries = manifest.of(split)
        self._clip = clip
        self._views = views

    def __getitem__(self, index: int) -> Any:
        entry = self._entries[index]
        try:
            clips = evaluation_views(self._manifest.file(entry), entry.frames, self._clip, self._views)
        except DvflError as error:
            return _Failure(str(error))
        return clips[np.newaxis], np.array([entry.label]), np.array([index])


def _collate(items: list[Any]) -> tuple[Tensor, ...] | _Failure:
    for item in items:
        if isinstance(item, _Failure):
            return item
    return tuple(torch.from_numpy(np.concatenate(arrays)) for arrays in zip(*items, strict=True))


def _load(dataset: Dataset[Any], keys: list[Any], workers: int) -> Iterator[tuple[Tensor, ...]]:
    batches = DataLoader(
        dataset,
        batch_sampler=keys,
        collate_fn=_collate,
        num_workers=workers,
        worker_init_fn=_start_worker,
        # Without its own generator it would draw from torch's global one, which a resumed run must find
        # as the first run left it.
        generator=torch.Generator(),
    )
    try:
        for batch in batches:
            if isinstance(batch, _Failure):
                raise DataError(batch.message)
            yield batch
    except RuntimeError as error:
        if "worker" not in str(error):
            raise
        raise DataError(
            "a process that decodes clips ended unexpectedly, probably for want of memory; "
            "lower run.workers or run.batch"
        ) from error


def _start_worker(_: int) -> None:
    torch.set_num_threads(1)
    cv2.setNumThreads(0)
