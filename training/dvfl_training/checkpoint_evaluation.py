"""A checkpoint held against a split of a data set."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import torch
from torch import nn

from dvfl.model.checkpoint import load_checkpoint
from dvfl_training.config import ClipConfig
from dvfl_training.data.clips import input_spec
from dvfl_training.data.loader import EvaluationLoader, ViewBatch
from dvfl_training.data.manifest import Manifest, Split
from dvfl_training.engine.released import read_trained_on
from dvfl_training.engine.teacher import check_classes
from dvfl_training.errors import DataError, TrainingError
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
    names: tuple[str, ...] = (),
) -> Evaluation:
    """Runs a checkpoint over a split.

    Args:
        names: of the head's rows, for a checkpoint that does not say; it may be ordered otherwise than the
            data set.
        views: in time and in space.
        watch: passes the batches on, and may count them.

    Raises:
        CheckpointError: the file is no checkpoint of this family.
        TrainingError: its classes are not those of the data set.
        DataError: the split is empty, or a clip cannot be read.
    """
    checkpoint = load_checkpoint(path)
    network = checkpoint.network()
    if names:
        _reorder(network.head, path, names, manifest.classes)
    named = () if names else read_trained_on(path).classes
    check_classes(path, named, network.head.out_features, manifest.classes)
    loader = EvaluationLoader(manifest, split, clip, views=views, batch=batch, workers=workers)
    return evaluate(network.to(device), watch(loader), manifest.classes, device)


def names_classes(path: Path) -> bool:
    """Whether a checkpoint says what the rows of its head mean; only those that were trained here do."""
    return bool(read_trained_on(path).classes)


def read_names(path: Path) -> tuple[str, ...]:
    """One class name per line.

    Raises:
        DataError: the file cannot be read.
    """
    try:
        return tuple(path.read_text(encoding="utf-8-sig").splitlines())
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read as labels ({error}); give one label per line") from None


def _reorder(head: nn.Linear, path: Path, names: tuple[str, ...], classes: tuple[str, ...]) -> None:
    """Puts the rows of a head into the order of a data set's classes."""
    if sorted(names) != sorted(classes) or head.out_features != len(names):
        odd = next((name for name in names if name not in classes), None)
        raise TrainingError(
            f"{path}: has {head.out_features} classes, {len(names)} labels were given, the data set has "
            f"{len(classes)}" + (f" and no '{odd}'" if odd else "") + "; they must be the same"
        )
    rows = [names.index(name) for name in classes]
    with torch.no_grad():
        head.weight.copy_(head.weight[rows].clone())
        head.bias.copy_(head.bias[rows].clone())


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
