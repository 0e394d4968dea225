"""Accuracy on held-out photographs, per class, with a confidence interval."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from dvfl.spec import PreprocessingSpec
from dvfl_training.generated.camera_motion.motions import LABELS
from dvfl_training.generated.camera_motion.rendering import RenderOptions, render_clip
from dvfl_training.generated.photographs import Picture

HELD_OUT_SEED = 20_000
_BATCH = 50
_Z95 = 1.959964


@dataclass(frozen=True)
class Accuracy:
    """Right answers out of all, per class in the order of the labels."""

    right: tuple[int, ...]
    total: tuple[int, ...]

    @property
    def top1(self) -> float:
        """Share of all clips."""
        return sum(self.right) / sum(self.total)

    @property
    def per_class(self) -> dict[str, float]:
        """Share of each class's clips."""
        return {label: r / n for label, r, n in zip(LABELS, self.right, self.total, strict=True)}

    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval of the top-1 accuracy (Wilson, 1927)."""
        n, p = sum(self.total), self.top1
        centre = (p + _Z95**2 / (2 * n)) / (1 + _Z95**2 / n)
        half = _Z95 / (1 + _Z95**2 / n) * math.sqrt(p * (1 - p) / n + _Z95**2 / (4 * n**2))
        return centre - half, centre + half


def held_out_clips(
    pictures: Sequence[Picture], per_class: int, size: int = 64
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Clips uint8 ``[N, 8, size, size, 3]`` and labels ``[N]``; clip i is the same whatever N is."""
    labels = np.arange(per_class * len(LABELS)) % len(LABELS)
    options = RenderOptions()
    clips = [
        render_clip(int(label), pictures, np.random.default_rng(HELD_OUT_SEED + index), options, size=size)
        for index, label in enumerate(labels)
    ]
    return np.stack(clips), labels


def to_input(clips: NDArray[np.uint8]) -> Tensor:
    """Normalised float32 ``[B, T, 3, H, W]`` of uint8 clips ``[B, T, H, W, 3]``."""
    normalization = PreprocessingSpec.default().normalization
    pixels = torch.from_numpy(clips).float()
    normalised = (pixels - torch.tensor(normalization.mean)) / torch.tensor(normalization.std)
    return normalised.permute(0, 1, 4, 2, 3).contiguous()


def evaluate(model: nn.Module, clips: NDArray[np.uint8], labels: NDArray[np.int64]) -> Accuracy:
    """Runs a model in eval mode over clips."""
    training = model.training
    model.eval()
    with torch.inference_mode():
        answers = np.concatenate(
            [model(to_input(clips[i : i + _BATCH])).argmax(1).numpy() for i in range(0, len(clips), _BATCH)]
        )
    model.train(training)
    right = np.bincount(labels[answers == labels], minlength=len(LABELS))
    total = np.bincount(labels, minlength=len(LABELS))
    return Accuracy(tuple(map(int, right)), tuple(map(int, total)))
