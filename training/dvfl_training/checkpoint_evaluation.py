"""A checkpoint held against a split of a data set."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import torch

from dvfl.model.checkpoint import load_checkpoint
from dvfl_training.config import ClipConfig
from dvfl_training.data.clips import input_spec
from dvfl_training.data.loader import EvaluationLoader, ViewBatch
from dvfl_training.data.manifest import Manifest, Split
from dvfl_training.engine.released import read_trained_on
from dvfl_training.engine.teacher import check_classes
from dvfl_training.evaluation import Evaluation, Share, evaluate

_WORST = 20


def evaluate_checkpoint(
    path: Path,
    manifest: Manifest,
    split: Split,
    clip: ClipConfig,
    views: tuple[int, int],
    batch: int,
    workers: int,
    device: torch.device,
    watch: Callable[[EvaluationLoader], Iterable[ViewBatch]],
) -> Evaluation:
    """Runs a checkpoint over a split.

    Args:
        views: in time and in space.
        watch: passes the batches on, and may count them.

    Raises:
        CheckpointError: the file is no checkpoint of this family.
        TrainingError: its classes are not those of the data set.
        DataError: the split is empty, or a clip cannot be read.
    """
    checkpoint = load_checkpoint(path)
    named, rows = read_trained_on(path).classes, checkpoint.architecture.num_classes
    check_classes(path, named, rows, manifest.classes)
    loader = EvaluationLoader(manifest, split, clip, views=views, batch=batch, workers=workers)
    network = checkpoint.network().to(device)
    return evaluate(network, watch(loader), manifest.classes, device)


def clip_of(path: Path, frames: int | None, size: int | None) -> ClipConfig:
    """What the checkpoint at ``path`` was trained to see, or the published input; both can be overruled.

    Another size keeps the proportion of short side to size, as ``dvfl convert`` does.

    Raises:
        CheckpointError: the file cannot be read, or names an impossible clip.
    """
    spec = input_spec(read_trained_on(path).clip or ClipConfig()).with_clip(frames, size)
    return ClipConfig(frames=spec.temporal.frames, size=spec.crop.size, short_side=spec.resize.short_side)


def as_json(found: Evaluation, manifest: Manifest, split: Split, views: tuple[int, int]) -> dict[str, Any]:
    """Plain values: shares with intervals, every class, the confusion matrix, the worst clips."""
    entries = manifest.of(split)
    return {
        "dataset": manifest.header.dataset,
        "split": split.value,
        "views": list(views),
        "clips": len(found.labels),
        "top1": _share(found.top(1)),
        "top5": _share(found.top(5)),
        "per_class": {
            name: _share(share) for name, share in zip(found.classes, found.per_class, strict=True)
        },
        "confusion": found.confusion.tolist(),
        "worst": [
            {
                "path": entries[int(found.indices[row])].path,
                "label": found.classes[int(found.labels[row])],
                "prediction": found.classes[int(found.predictions[row])],
                "probability_of_label": float(found.probabilities[row, found.labels[row]]),
            }
            for row in found.worst(_WORST)
        ],
    }


def _share(share: Share) -> dict[str, Any]:
    return {"right": share.right, "of": share.total, "share": share.value, "interval": list(share.interval)}
