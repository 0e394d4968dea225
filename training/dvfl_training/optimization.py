"""The optimizer, and the learning rate of every step."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from dvfl_training.config import OptimizerConfig, ScheduleConfig


def build_optimizer(network: nn.Module, config: OptimizerConfig) -> torch.optim.Optimizer:
    """SGD with Nesterov momentum, or AdamW; the learning rate is set at every step."""
    groups = parameter_groups(network, config.weight_decay)
    if config.name == "adamw":
        return torch.optim.AdamW(groups, lr=0.0)
    return torch.optim.SGD(groups, lr=0.0, momentum=config.momentum, nesterov=config.momentum > 0)


def parameter_groups(network: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Weight decay for matrices and kernels, none for biases and norms."""
    trained = [parameter for parameter in network.parameters() if parameter.requires_grad]
    return [
        {"params": [p for p in trained if p.ndim > 1], "weight_decay": weight_decay},
        {"params": [p for p in trained if p.ndim <= 1], "weight_decay": 0.0},
    ]


@dataclass(frozen=True)
class Schedule:
    """The learning rate as a function of the step alone, so that a run resumes where it was.

    Rates scale with the batch (Goyal et al., arXiv 1706.02677): the published ones are for 512 clips. The
    warm-up ends where the cosine starts; the cosine (Loshchilov and Hutter, arXiv 1608.03983) ends at
    ``min_lr``.

    Attributes:
        config: rates and epochs.
        batch: clips per optimizer step, over all processes.
        steps_per_epoch: optimizer steps.
    """

    config: ScheduleConfig
    batch: int
    steps_per_epoch: int

    @property
    def steps(self) -> int:
        """Of the whole run."""
        return self.config.epochs * self.steps_per_epoch

    @property
    def warmup_steps(self) -> int:
        """Of the linear part."""
        return round(self.config.warmup_epochs * self.steps_per_epoch)

    def learning_rate(self, step: int) -> float:
        """Of step 0, 1, ... ``steps - 1``."""
        scale = self.batch / self.config.lr_batch
        if step < self.warmup_steps:
            low, high, share = self.config.warmup_lr, self.config.base_lr, step / self.warmup_steps
            return scale * (low + (high - low) * share)
        share = (step - self.warmup_steps) / max(1, self.steps - self.warmup_steps)
        low, high = self.config.min_lr, self.config.base_lr
        return scale * (low + (high - low) * (1 + math.cos(math.pi * share)) / 2)


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """For all parameter groups."""
    for group in optimizer.param_groups:
        group["lr"] = rate
