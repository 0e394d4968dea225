"""The losses against their closed forms, their gradients, and logits of any size."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from dvfl_training.config import DistillationConfig
from dvfl_training.losses import cross_entropy, forward_kl, jensen_shannon, losses, reverse_kl

DIVERGENCES = (forward_kl, reverse_kl, jensen_shannon)
# Logits whose softmax at temperature 1 is exactly this.
P = torch.tensor([[0.5, 0.25, 0.25], [0.1, 0.2, 0.7]], dtype=torch.float64)
Q = torch.tensor([[0.25, 0.5, 0.25], [0.3, 0.3, 0.4]], dtype=torch.float64)


def kl(p: Tensor, q: Tensor) -> float:
    rows = [sum(a * math.log(a / b) for a, b in zip(x, y, strict=True)) for x, y in zip(p, q, strict=True)]
    return float(sum(rows) / len(rows))


def logits(seed: int, rows: int = 3, classes: int = 5) -> Tensor:
    return torch.randn(rows, classes, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("temperature", [1.0, 2.5, 10.0])
def test_each_divergence_is_its_closed_form(temperature: float) -> None:
    student, teacher = temperature * Q.log(), temperature * P.log()
    middle = (P + Q) / 2
    square = temperature**2
    assert float(forward_kl(student, teacher, temperature)) == pytest.approx(square * kl(P, Q), rel=1e-12)
    assert float(reverse_kl(student, teacher, temperature)) == pytest.approx(square * kl(Q, P), rel=1e-12)
    expected = square * (kl(P, middle) + kl(Q, middle)) / 2
    assert float(jensen_shannon(student, teacher, temperature)) == pytest.approx(expected, rel=1e-12)


def test_the_two_directions_differ() -> None:
    assert float(forward_kl(Q.log(), P.log(), 1.0)) != pytest.approx(float(reverse_kl(Q.log(), P.log(), 1.0)))


@pytest.mark.parametrize("divergence", DIVERGENCES)
def test_equal_distributions_have_no_divergence_whatever_is_added_to_the_logits(divergence) -> None:
    assert float(divergence(logits(0), logits(0) + 7.0, 3.0)) == pytest.approx(0.0, abs=1e-13)


@pytest.mark.parametrize("divergence", DIVERGENCES)
def test_a_divergence_of_different_distributions_is_positive(divergence) -> None:
    assert float(divergence(logits(0), logits(1), 2.0)) > 1e-3


def test_jensen_shannon_is_symmetric_and_bounded() -> None:
    student, teacher = 40 * logits(2), 40 * logits(3)
    there, back = jensen_shannon(student, teacher, 2.0), jensen_shannon(teacher, student, 2.0)
    assert float(there) == pytest.approx(float(back), rel=1e-12)
    assert 0 < float(there) <= 4 * math.log(2)


def test_jensen_shannon_reaches_its_bound_where_nothing_is_shared() -> None:
    apart = torch.tensor([[500.0, 0.0]], dtype=torch.float64)
    assert float(jensen_shannon(apart, apart.flip(1), 1.0)) == pytest.approx(math.log(2), rel=1e-12)


@pytest.mark.parametrize("divergence", DIVERGENCES)
def test_gradients_are_those_of_finite_differences(divergence) -> None:
    student = logits(4).requires_grad_()
    assert torch.autograd.gradcheck(lambda s: divergence(s, logits(5), 2.0), (student,))


def test_the_gradient_of_the_cross_entropy_is_that_of_finite_differences() -> None:
    student = logits(4).requires_grad_()
    assert torch.autograd.gradcheck(lambda s: cross_entropy(s, logits(6).softmax(1)), (student,))


@pytest.mark.parametrize("temperature", [1.0, 10.0])
def test_the_gradient_of_forward_kl_has_its_known_form(temperature: float) -> None:
    student, teacher = logits(7).requires_grad_(), logits(8)
    forward_kl(student, teacher, temperature).backward()
    difference = (student.detach() / temperature).softmax(1) - (teacher / temperature).softmax(1)
    torch.testing.assert_close(student.grad, temperature * difference / len(student))


@pytest.mark.parametrize("divergence", DIVERGENCES)
def test_extreme_logits_stay_finite_with_their_gradients(divergence) -> None:
    student = torch.tensor([[1e4, -1e4, 0.0], [-3e4, 3e4, 3e4]], requires_grad=True)
    loss = divergence(student, torch.tensor([[-1e4, 1e4, 0.0], [3e4, -3e4, 0.0]]), 1.0)
    loss.backward()
    assert torch.isfinite(loss)
    assert student.grad is not None
    assert torch.isfinite(student.grad).all()


def test_soft_cross_entropy_of_hard_targets_is_the_usual_one() -> None:
    labels = torch.tensor([1, 4, 0])
    targets = torch.nn.functional.one_hot(labels, 5).double()
    usual = torch.nn.functional.cross_entropy(logits(9), labels)
    torch.testing.assert_close(cross_entropy(logits(9), targets), usual)


def test_soft_cross_entropy_is_its_closed_form() -> None:
    expected = -float((P * Q.log()).sum(1).mean())
    assert float(cross_entropy(Q.log(), P)) == pytest.approx(expected, rel=1e-12)


def test_the_total_weighs_both_parts() -> None:
    config = DistillationConfig(divergence="reverse_kl", alpha=0.3, temperature=4.0)
    found = losses(logits(0), P.new_full((3, 5), 0.2), logits(1), config)
    hard = cross_entropy(logits(0), P.new_full((3, 5), 0.2))
    soft = reverse_kl(logits(0), logits(1), 4.0)
    torch.testing.assert_close(found.total, 0.3 * soft + 0.7 * hard)
    torch.testing.assert_close(found.divergence, soft)


@pytest.mark.parametrize(
    ("teacher", "divergence"), [(None, "forward_kl"), (logits(1), "none")], ids=["no teacher", "none"]
)
def test_without_a_teacher_or_a_divergence_the_cross_entropy_is_all(teacher, divergence) -> None:
    targets = P.new_full((3, 5), 0.2)
    found = losses(logits(0), targets, teacher, DistillationConfig(divergence=divergence))
    assert found.divergence is None
    torch.testing.assert_close(found.total, cross_entropy(logits(0), targets))
