"""Soft targets, and mixing two clips by Mixup (arXiv 1710.09412) or CutMix (arXiv 1905.04899)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from dvfl.frame import Pixels
from dvfl_training.config import AugmentationConfig
from dvfl_training.data.augmentation import Box

Target = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Mix:
    """How a pair is mixed.

    Attributes:
        share: what each clip keeps of itself, 0 to 1; 1 leaves the pair alone.
        box: for CutMix, the part that the two clips swap in all frames; None for Mixup.
    """

    share: float
    box: Box | None = None


def draw_mix(rng: np.random.Generator, config: AugmentationConfig, size: int) -> Mix:
    """A random mix for clips of ``size`` x ``size`` pixels.

    CutMix places a box of ``1 - share`` of the area, centred anywhere and cut off at the edges, and corrects
    the share to what is left.
    """
    if rng.random() >= config.mix:
        return Mix(1.0)
    if rng.random() >= config.cutmix_share:
        return Mix(float(rng.beta(config.mixup_alpha, config.mixup_alpha)))
    share = float(rng.beta(config.cutmix_alpha, config.cutmix_alpha))
    side = int(size * math.sqrt(1 - share))
    x, y = (int(value) for value in rng.integers(size, size=2))
    left, right = (min(max(edge, 0), size) for edge in (x - side // 2, x - side // 2 + side))
    top, bottom = (min(max(edge, 0), size) for edge in (y - side // 2, y - side // 2 + side))
    box = Box(left, top, right - left, bottom - top)
    return Mix(1 - box.width * box.height / size**2, box)


def mix_clips(first: Pixels, second: Pixels, mix: Mix) -> tuple[Pixels, Pixels]:
    """Both clips uint8 [T, H, W, 3], each mixed with the other; Mixup rounds to the nearest integer."""
    if mix.share == 1.0:
        return first, second
    if mix.box is None:
        return _blended(first, second, mix.share), _blended(second, first, mix.share)
    rows = slice(mix.box.top, mix.box.top + mix.box.height)
    columns = slice(mix.box.left, mix.box.left + mix.box.width)
    mixed, other = first.copy(), second.copy()
    mixed[:, rows, columns] = second[:, rows, columns]
    other[:, rows, columns] = first[:, rows, columns]
    return mixed, other


def soft_target(label: int, classes: int, smoothing: float) -> Target:
    """float32 [K]: ``smoothing / K`` everywhere and ``1 - smoothing`` more at the label; sums to 1."""
    target = np.full(classes, smoothing / classes, np.float32)
    target[label] += 1 - smoothing
    return target


def mix_targets(first: Target, second: Target, mix: Mix) -> tuple[Target, Target]:
    """The targets of the mixed clips: ``share`` of its own, the rest of the other's."""
    keep, give = np.float32(mix.share), np.float32(1 - mix.share)
    return keep * first + give * second, keep * second + give * first


def _blended(own: Pixels, other: Pixels, share: float) -> Pixels:
    # OpenCV takes up to four channels, so a clip goes through as one flat row.
    blended = cv2.addWeighted(own.reshape(1, -1), share, other.reshape(1, -1), 1 - share, 0)
    return np.asarray(blended, np.uint8).reshape(own.shape)
