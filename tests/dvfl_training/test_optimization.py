"""Which parameters decay, and the learning rate of every step."""

from __future__ import annotations

import pytest
import torch

from dvfl_training.config import ModelConfig, OptimizerConfig, ScheduleConfig, TrainConfig
from dvfl_training.network import TrainingNetwork
from dvfl_training.optimization import Schedule, build_optimizer, parameter_groups, set_learning_rate

PUBLISHED = Schedule(ScheduleConfig(), batch=24, steps_per_epoch=100)


def tiny_network() -> TrainingNetwork:
    from dvfl.model import Architecture

    return TrainingNetwork(Architecture((1, 1, 1, 1), 8, 3), ModelConfig(drop_path=0.0))


def test_the_peak_of_the_published_recipe() -> None:
    rates = [PUBLISHED.learning_rate(step) for step in range(PUBLISHED.steps)]
    assert max(rates) == pytest.approx(0.0046875)
    assert rates.index(max(rates)) == 20 * 100


def test_the_warm_up_is_linear_and_starts_at_its_rate() -> None:
    low, high = 1e-3 * 24 / 512, 0.1 * 24 / 512
    assert PUBLISHED.learning_rate(0) == pytest.approx(low)
    assert PUBLISHED.learning_rate(1000) == pytest.approx((low + high) / 2)


def test_the_cosine_passes_its_middle_and_ends_at_its_least_rate() -> None:
    low, high = 1e-3 * 24 / 512, 0.1 * 24 / 512
    assert PUBLISHED.learning_rate(7000) == pytest.approx((low + high) / 2)
    assert PUBLISHED.learning_rate(PUBLISHED.steps) == pytest.approx(low)


def test_there_is_no_jump_where_the_warm_up_ends() -> None:
    before, after = PUBLISHED.learning_rate(1999), PUBLISHED.learning_rate(2000)
    assert after - before < 1.1 * (before - PUBLISHED.learning_rate(1998))


def test_rates_scale_with_the_batch() -> None:
    double = Schedule(ScheduleConfig(), batch=48, steps_per_epoch=100)
    assert double.learning_rate(3000) == pytest.approx(2 * PUBLISHED.learning_rate(3000))


def test_without_warm_up_the_first_step_has_the_full_rate() -> None:
    schedule = Schedule(ScheduleConfig(epochs=2, warmup_epochs=0), batch=512, steps_per_epoch=3)
    assert schedule.learning_rate(0) == pytest.approx(0.1)


def test_biases_and_norms_do_not_decay_and_nothing_is_left_out() -> None:
    network = tiny_network()
    decaying, still = parameter_groups(network, 0.1)
    assert decaying["weight_decay"] == 0.1
    assert still["weight_decay"] == 0.0
    assert all(parameter.ndim > 1 for parameter in decaying["params"])
    assert all(parameter.ndim == 1 for parameter in still["params"])
    assert len(decaying["params"]) + len(still["params"]) == len(list(network.parameters()))


def test_the_published_optimizer_is_sgd_with_nesterov_momentum() -> None:
    optimizer = build_optimizer(tiny_network(), TrainConfig().optimizer)
    assert isinstance(optimizer, torch.optim.SGD)
    group = optimizer.param_groups[0]
    assert (group["momentum"], group["nesterov"], group["weight_decay"]) == (0.9, True, 1e-4)


def test_adamw_is_the_other_choice() -> None:
    assert isinstance(build_optimizer(tiny_network(), OptimizerConfig(name="adamw")), torch.optim.AdamW)


def test_a_rate_is_set_for_all_groups() -> None:
    optimizer = build_optimizer(tiny_network(), OptimizerConfig())
    set_learning_rate(optimizer, 0.25)
    assert [group["lr"] for group in optimizer.param_groups] == [0.25, 0.25]
