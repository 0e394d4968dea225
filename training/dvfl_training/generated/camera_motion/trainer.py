"""Training the demo student from a seed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.optim.lr_scheduler import OneCycleLR

from dvfl.files import atomic_write
from dvfl.model import Architecture, VideoFocalNet
from dvfl_training.config import ModelConfig
from dvfl_training.generated.camera_motion.evaluation import Accuracy, evaluate, held_out_clips, to_input
from dvfl_training.generated.camera_motion.motions import LABELS
from dvfl_training.generated.camera_motion.rendering import RenderOptions, render_clip
from dvfl_training.generated.photographs import held_out_pictures, training_pictures
from dvfl_training.network import TrainingNetwork

_START = ModelConfig(start="unit_gain", feature_norm=True, drop_path=0.0)


@dataclass(frozen=True)
class TrainOptions:
    """The recipe. Its defaults made the shipped student."""

    seed: int = 0
    steps: int = 2000
    full_precision_steps: int = 500
    batch: int = 32
    width: int = 32
    learning_rate: float = 1e-3
    weight_decay: float = 0.02
    label_smoothing: float = 0.05
    gradient_clip: float = 5.0
    evaluate_every: int = 200
    evaluation_clips_per_class: int = 30
    render: RenderOptions = field(default_factory=RenderOptions)


@dataclass(frozen=True)
class Progress:
    """Where training is; ``accuracy`` only at the steps that evaluate."""

    step: int
    loss: float
    batch_accuracy: float
    accuracy: Accuracy | None


def train(options: TrainOptions, report: Callable[[Progress], None]) -> tuple[VideoFocalNet, Accuracy]:
    """Trains, and returns the folded network, rounded to half precision, with its held-out accuracy.

    Rounded because that is how it is stored: the accuracy is that of the file.
    """
    torch.manual_seed(options.seed)
    architecture = Architecture(depths=(1, 1, 2, 1), width=options.width, num_classes=len(LABELS))
    student = TrainingNetwork(architecture, _START)
    optimizer = torch.optim.AdamW(_groups(student, options), lr=options.learning_rate)
    schedule = OneCycleLR(optimizer, options.learning_rate, total_steps=options.steps)
    loss_of = nn.CrossEntropyLoss(label_smoothing=options.label_smoothing)
    clips, labels = held_out_clips(held_out_pictures(), options.evaluation_clips_per_class)
    student.train()
    for step, (pixels, targets) in enumerate(_batches(options), start=1):
        logits = student(to_input(pixels), torch.bfloat16 if step > options.full_precision_steps else None)
        wanted = torch.from_numpy(targets)
        loss = loss_of(logits, wanted)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(student.parameters(), options.gradient_clip)
        optimizer.step()
        schedule.step()
        due = step % options.evaluate_every == 0 or step == options.steps
        accuracy = evaluate(student, clips, labels) if due else None
        right = float((logits.argmax(1) == wanted).float().mean())
        report(Progress(step, float(loss.detach()), right, accuracy))
    network = student.folded().half().float()
    return network, evaluate(network, clips, labels)


def save(network: VideoFocalNet, accuracy: Accuracy, options: TrainOptions, path: Path) -> None:
    """Writes a checkpoint in the released format, with half-precision weights."""
    checkpoint = {
        "model": {key: value.half() for key, value in network.state_dict().items()},
        "max_accuracy": 100.0 * accuracy.top1,
        "epoch": 0,
        "config": {"seed": options.seed, "steps": options.steps, "batch": options.batch},
    }
    with atomic_write(path) as stream:
        torch.save(checkpoint, stream)


def _groups(student: TrainingNetwork, options: TrainOptions) -> list[dict[str, object]]:
    """Weight decay for matrices and kernels, none for biases and norms."""
    matrices = [p for p in student.parameters() if p.ndim > 1]
    vectors = [p for p in student.parameters() if p.ndim <= 1]
    return [
        {"params": matrices, "weight_decay": options.weight_decay},
        {"params": vectors, "weight_decay": 0.0},
    ]


def _batches(options: TrainOptions) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.int64]]]:
    """Freshly rendered clips: none is seen twice."""
    pictures = training_pictures(options.seed)
    dice = np.random.default_rng(options.seed)
    for _ in range(options.steps):
        labels = dice.integers(0, len(LABELS), options.batch)
        clips = [render_clip(int(label), pictures, dice, options.render) for label in labels]
        yield np.stack(clips), labels
