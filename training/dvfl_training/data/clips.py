"""One item of a batch: two augmented, mixed training clips, or all views of a video to evaluate.

Random generators are seeded by what they are for: a clip of an epoch by [seed, epoch, position]; the order of
an epoch and the mix of a pair by [seed, epoch] and [seed, epoch, step, pair] with a spawn key each, because
numpy pads seeds with zeros and would give [1, 2] and [1, 2, 0] the same stream.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from dvfl.errors import VideoError
from dvfl.frame import Frame, Pixels
from dvfl.preprocess import preprocess_frame
from dvfl.resize import resized_size
from dvfl.spec import PreprocessingSpec
from dvfl_training.config import ClipConfig, TrainConfig
from dvfl_training.data.augmentation import Box, apply_change, cut_box, draw_change
from dvfl_training.data.decoding import decode_frames
from dvfl_training.data.manifest import Entry, Manifest
from dvfl_training.data.mixing import Mix, Target, draw_mix, mix_clips, mix_targets, soft_target
from dvfl_training.data.sampling import random_indices, view_indices
from dvfl_training.errors import DataError

_ORDER, _MIX = 1, 2

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class PairKey:
    """Which pair: its number in the batch of a step of an epoch, and the positions of its two clips."""

    epoch: int
    step: int
    pair: int
    first: int
    second: int


def generator_of_order(seed: int, epoch: int) -> np.random.Generator:
    """Draws the order of an epoch."""
    return np.random.default_rng(np.random.SeedSequence([seed, epoch], spawn_key=(_ORDER,)))


def generator_of_mix(seed: int, key: PairKey) -> np.random.Generator:
    """Draws how a pair is mixed."""
    entropy = [seed, key.epoch, key.step, key.pair]
    return np.random.default_rng(np.random.SeedSequence(entropy, spawn_key=(_MIX,)))


def input_spec(clip: ClipConfig) -> PreprocessingSpec:
    """The phone's contract for the clip's length, size and short side."""
    return PreprocessingSpec.default().with_clip(clip.frames, clip.size, clip.short_side)


def training_pair(
    key: PairKey,
    manifest: Manifest,
    entries: Sequence[Entry],
    config: TrainConfig,
    spec: PreprocessingSpec,
) -> tuple[Pixels, Target, Integers, Integers, Integers]:
    """Two clips of the training split, mixed with each other.

    Returns:
        clips uint8 [2, T, size, size, 3], targets float32 [2, K], labels, positions and variants int64 [2].

    Raises:
        DataError: a clip does not decode; the message names it.
    """
    count = config.augmentation.variants
    # Fixed augmentations have the teacher's logits kept for them, so nothing else may vary.
    variant = key.epoch % count if count else 0
    draw = variant if count else key.epoch
    positions = (key.first, key.second)
    (one, label), (other, other_label) = (
        training_clip(manifest, entries[at], np.random.default_rng([config.run.seed, draw, at]), config, spec)
        for at in positions
    )
    rng = generator_of_mix(config.run.seed, key)
    mix = Mix(1.0) if count else draw_mix(rng, config.augmentation, spec.crop.size)
    target, other_target = (
        soft_target(each, len(manifest.classes), config.run.label_smoothing) for each in (label, other_label)
    )
    return (
        np.stack(mix_clips(one, other, mix)),
        np.stack(mix_targets(target, other_target, mix)),
        np.array([label, other_label], np.int64),
        np.array(positions, np.int64),
        np.full(2, variant, np.int64),
    )


def training_clip(
    manifest: Manifest,
    entry: Entry,
    rng: np.random.Generator,
    config: TrainConfig,
    spec: PreprocessingSpec,
) -> tuple[Pixels, int]:
    """An augmented clip uint8 [T, size, size, 3] and its label, that of the mirrored clip if it was mirrored.

    Raises:
        DataError: it does not decode.
    """
    indices = random_indices(entry.frames, spec.temporal, rng)
    frames = _frames(manifest.file(entry), indices, entry.frames, spec)
    width, height = resized_size(*frames[0].upright_size, spec.resize)
    mirror = manifest.mirrored_labels
    change = draw_change(rng, config.augmentation, width, height, may_mirror=mirror is not None)
    label = mirror[entry.label] if change.mirrored and mirror is not None else entry.label
    return apply_change(frames, change, spec), label


def evaluation_views(path: Path, count: int, clip: ClipConfig, views: tuple[int, int]) -> Pixels:
    """All views of a video, by time and then by place: uint8 [V, T, size, size, 3] RGB.

    Three places are the crops of ``size`` at the start, middle and end of the long side after a resize of
    the short side to ``size``; the middle starts at m = (long - size) // 2, the end at 2 * m. One place is
    the phone's centre crop after a resize to ``short_side``.

    Args:
        count: the number of frames that decode.
        views: temporal and spatial views, the latter 1 or 3.

    Raises:
        DataError: the video does not decode.
    """
    temporal, spatial = views
    spec = input_spec(clip)
    if spatial == 3:
        spec = spec.with_clip(short_side=clip.size)
    moments = view_indices(count, spec.temporal, temporal)
    wanted = sorted({index for moment in moments for index in moment})
    frames = dict(zip(wanted, _frames(path, wanted, count, spec), strict=True))
    cut = _three_crops if spatial == 3 else _centre_crop
    cuts = {index: cut(frame, spec) for index, frame in frames.items()}
    return np.stack(
        [np.stack([cuts[index][place] for index in moment]) for moment in moments for place in range(spatial)]
    )


def _centre_crop(frame: Frame, spec: PreprocessingSpec) -> list[Pixels]:
    return [preprocess_frame(frame, spec)]


def _three_crops(frame: Frame, spec: PreprocessingSpec) -> list[Pixels]:
    size = spec.crop.size
    width, height = resized_size(*frame.upright_size, spec.resize)
    x, y = (width - size) // 2, (height - size) // 2
    return [cut_box(frame, Box(part * x, part * y, size, size), spec) for part in range(3)]


def _frames(path: Path, indices: Sequence[int], count: int, spec: PreprocessingSpec) -> list[Frame]:
    try:
        found = decode_frames(path, indices, count, spec)
    except VideoError as error:
        raise DataError(
            f"{error}; it was readable when the data set was prepared: restore it or prepare again"
        ) from None
    return [found[index] for index in indices]
