"""An exponential moving average of the weights."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel


def averaged(network: nn.Module, decay: float) -> AveragedModel:
    """A copy of ``network`` whose ``update_parameters`` follows it slowly; buffers too.

    The decay rises to ``decay`` as ``(1 + n) / (10 + n)``, so that a short run does not keep its random
    start (the rule of TensorFlow's ExponentialMovingAverage).
    """
    average = AveragedModel(network, multi_avg_fn=_follow(decay), use_buffers=True)
    return average.requires_grad_(False)


def _follow(decay: float) -> Callable[[Any, Any, Any], None]:
    @torch.no_grad()
    def update(averages: Sequence[Tensor], values: Sequence[Tensor], count: Tensor) -> None:
        steps = int(count)
        share = 1 - min(decay, (1 + steps) / (10 + steps))
        for average, value in zip(averages, values, strict=True):
            if average.is_floating_point():
                average.lerp_(value, share)
            else:
                average.copy_(value)

    return update
