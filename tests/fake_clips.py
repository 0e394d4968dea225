"""Stands in for the data loaders: clips made in memory, whose class is their colour.

As a program it runs a training command on such clips: ``python fake_clips.py train --manifest ...``; the
seconds that FAKE_CLIPS_DELAY names pass before each step.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
import torch

from dvfl_training import checkpoint_evaluation, runs
from dvfl_training.config import ClipConfig, TrainConfig, load_config
from dvfl_training.data.loader import Batch, ViewBatch
from dvfl_training.data.manifest import Entry, Header, Manifest, Split, write_manifest
from dvfl_training.engine.stepping import StepFigures
from dvfl_training.engine.trainer import Validation

CLASSES = ("red", "green", "blue")
TINY = (
    "clip.frames=2",
    "clip.size=32",
    "clip.short_side=32",
    "model.depths=[1, 1, 1, 1]",
    "model.width=8",
    "model.drop_path=0.1",
    "model.start=unit_gain",
    "optimizer.name=adamw",
    "schedule.epochs=2",
    "schedule.warmup_epochs=0",
    "schedule.base_lr=0.003",
    "schedule.min_lr=0",
    "schedule.lr_batch=6",
    "run.batch=6",
    "run.workers=0",
)


def tiny_config(*settings: str) -> TrainConfig:
    return load_config(None, (*TINY, *settings))


def tiny_manifest(
    folder: Path, train: int = 24, validation: int = 12, classes: tuple[str, ...] = CLASSES
) -> Path:
    """The first ``train`` clips are for training, those after them for validation; no file exists."""
    splits = [Split.TRAIN] * train + [Split.VALIDATION] * validation
    rows = [
        Entry(f"{number}.mp4", number % len(classes), f"group {number}", split, 10, 25.0)
        for number, split in enumerate(splits)
    ]
    header = Header(dataset="colours", root=".", classes=classes)
    write_manifest(folder / "colours.csv", header, rows)
    return folder / "colours.csv"


def _pixels(seed: list[int], label: int, clip: ClipConfig) -> np.ndarray:
    dice = np.random.default_rng(seed)
    pixels = dice.integers(60, 120, (clip.frames, clip.size, clip.size, 3), dtype=np.uint8)
    pixels[..., label % 3] += np.uint8(60)
    return pixels


class FakeTrainingLoader:
    def __init__(self, manifest: Manifest, config: TrainConfig, *, rank: int = 0, world: int = 1) -> None:
        self._entries = manifest.of(Split.TRAIN)
        self._classes = len(manifest.classes)
        self._config = config
        self._rank, self._world = rank, world
        self.steps_per_epoch = len(self._entries) // config.run.batch

    def batches(self, epoch: int, first_step: int = 0) -> Iterator[Batch]:
        run = self._config.run
        order = np.random.default_rng([run.seed, epoch]).permutation(len(self._entries))
        size = run.batch // (self._world * run.accumulate)
        for step in range(first_step, self.steps_per_epoch):
            time.sleep(float(os.environ.get("FAKE_CLIPS_DELAY", "0")))
            for part in range(self._rank * run.accumulate, (self._rank + 1) * run.accumulate):
                start = step * run.batch + part * size
                yield self._batch(order[start : start + size], epoch)

    def _batch(self, indices: np.ndarray, epoch: int) -> Batch:
        config = self._config
        variants = [epoch % max(1, config.augmentation.variants) for _ in indices]
        labels = torch.tensor([self._entries[index].label for index in indices])
        seeds = [
            [config.run.seed, variant if config.augmentation.variants else epoch, int(index)]
            for index, variant in zip(indices, variants, strict=True)
        ]
        clips = [_pixels(seed, int(label), config.clip) for seed, label in zip(seeds, labels, strict=True)]
        targets = torch.nn.functional.one_hot(labels, self._classes).float()
        return Batch(
            torch.from_numpy(np.stack(clips)),
            targets * (1 - config.run.label_smoothing) + config.run.label_smoothing / self._classes,
            labels,
            torch.from_numpy(indices.astype(np.int64)),
            torch.tensor(variants),
        )


class FakeEvaluationLoader:
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
        self._entries = list(enumerate(manifest.of(split)))[rank::world]
        self._clip = clip
        self._views = views[0] * views[1]
        self._size = batch

    def __len__(self) -> int:
        return -(-len(self._entries) // self._size)

    def __iter__(self) -> Iterator[ViewBatch]:
        for start in range(0, len(self._entries), self._size):
            part = self._entries[start : start + self._size]
            clips = [
                [_pixels([99, index, view], entry.label, self._clip) for view in range(self._views)]
                for index, entry in part
            ]
            yield ViewBatch(
                torch.from_numpy(np.array(clips)),
                torch.tensor([entry.label for _, entry in part]),
                torch.tensor([index for index, _ in part]),
            )


class Recorder:
    """A listener that remembers; ``at`` maps a step to what then happens."""

    def __init__(self, at: dict[int, Callable[[], object]] | None = None) -> None:
        self.figures: list[StepFigures] = []
        self.validations: list[Validation] = []
        self.said: list[str] = []
        self._at = at or {}

    @property
    def losses(self) -> list[float]:
        return [figures.loss for figures in self.figures]

    def stepped(self, step: int, figures: StepFigures) -> None:
        self.figures.append(figures)
        if step in self._at:
            self._at[step]()

    def validated(self, validation: Validation) -> None:
        self.validations.append(validation)


def run_on_fake_clips(
    monkeypatch: pytest.MonkeyPatch,
    request: runs.Request,
    recorder: Recorder | None = None,
    loader: type[FakeTrainingLoader] = FakeTrainingLoader,
) -> Recorder:
    """Runs ``request`` on one thread; the recorder may be given to be kept after an error."""
    recorder = recorder or Recorder()
    monkeypatch.setattr(runs, "TrainingLoader", loader)
    monkeypatch.setattr(runs, "EvaluationLoader", FakeEvaluationLoader)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        runs.run(request, lambda _: nullcontext(recorder), recorder.said.append)
    finally:
        torch.set_num_threads(threads)
    return recorder


def main() -> None:
    torch.set_num_threads(1)
    from dvfl.cli.group import DebugFlag
    from dvfl_training.cli.distill import distill
    from dvfl_training.cli.evaluate import evaluate
    from dvfl_training.cli.train import train

    checkpoint_evaluation.EvaluationLoader = FakeEvaluationLoader  # type: ignore
    runs.TrainingLoader, runs.EvaluationLoader = FakeTrainingLoader, FakeEvaluationLoader  # type: ignore
    {"train": train, "distill": distill, "evaluate": evaluate}[sys.argv[1]](sys.argv[2:], obj=DebugFlag())


if __name__ == "__main__":
    main()
