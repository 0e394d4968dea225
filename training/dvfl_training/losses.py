"""The losses: soft-target cross-entropy and the divergences between teacher and student.

Distillation (Hinton et al., arXiv 1503.02531) compares ``softmax(logits / T)`` of both. Everything is worked
out from log-probabilities, so that logits of any size stay finite; a divergence is multiplied by ``T^2``, so
that its gradient has the same size at every temperature.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import Tensor
from torch.nn.functional import log_softmax

from dvfl_training.config import DistillationConfig


@dataclass(frozen=True)
class Losses:
    """Scalars of one batch.

    Attributes:
        total: what is minimised.
        cross_entropy: with the soft targets.
        divergence: times ``T^2``; ``None`` without a teacher.
    """

    total: Tensor
    cross_entropy: Tensor
    divergence: Tensor | None


def losses(
    logits: Tensor, targets: Tensor, teacher_logits: Tensor | None, config: DistillationConfig
) -> Losses:
    """``alpha * T^2 * divergence + (1 - alpha) * cross-entropy``; cross-entropy alone without a teacher.

    Args:
        logits: of the student, ``[B, K]``.
        targets: soft targets ``[B, K]``; rows sum to 1.
        teacher_logits: ``[B, K]``, or ``None``; ignored where ``config.divergence`` is ``none``.
    """
    hard = cross_entropy(logits, targets)
    if teacher_logits is None or config.divergence == "none":
        return Losses(hard, hard, None)
    divergence = _DIVERGENCES[config.divergence](logits, teacher_logits, config.temperature)
    return Losses(config.alpha * divergence + (1 - config.alpha) * hard, hard, divergence)


def cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """``-sum_k target_k log softmax(logits)_k``, the mean over the batch; both ``[B, K]``."""
    return -(targets * log_softmax(logits, dim=1)).sum(dim=1).mean()


def forward_kl(student: Tensor, teacher: Tensor, temperature: float) -> Tensor:
    """``T^2 * KL(softmax(t/T) || softmax(s/T))``, the mean over the batch; logits ``[B, K]``.

    Its gradient in the student's logits is ``T * (softmax(s/T) - softmax(t/T)) / B``.
    """
    s, t = log_softmax(student / temperature, dim=1), log_softmax(teacher / temperature, dim=1)
    return temperature**2 * _kl(t, s)


def reverse_kl(student: Tensor, teacher: Tensor, temperature: float) -> Tensor:
    """``T^2 * KL(softmax(s/T) || softmax(t/T))``, the mean over the batch; logits ``[B, K]``."""
    s, t = log_softmax(student / temperature, dim=1), log_softmax(teacher / temperature, dim=1)
    return temperature**2 * _kl(s, t)


def jensen_shannon(student: Tensor, teacher: Tensor, temperature: float) -> Tensor:
    """``T^2 * (KL(t || m) + KL(s || m)) / 2`` with ``m = (t + s) / 2``, the mean over the batch.

    ``s`` and ``t`` are the distributions ``softmax(logits / T)``. Symmetric; at most ``T^2 * ln 2``
    (Lin, IEEE Transactions on Information Theory 37, 1991).
    """
    s, t = log_softmax(student / temperature, dim=1), log_softmax(teacher / temperature, dim=1)
    middle = s.logaddexp(t) - math.log(2)
    return temperature**2 * (_kl(t, middle) + _kl(s, middle)) / 2


def _kl(p: Tensor, q: Tensor) -> Tensor:
    """``sum exp(p) (p - q)`` of log-probabilities ``[B, K]``, the mean over the batch."""
    return (p.exp() * (p - q)).sum(dim=1).mean()


_DIVERGENCES = {"forward_kl": forward_kl, "reverse_kl": reverse_kl, "jensen_shannon": jensen_shannon}
