"""A short real training run: it learns, it is repeatable, and its file is a checkpoint."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from dvfl.model.checkpoint import load_checkpoint
from dvfl_training.generated.camera_motion.trainer import Progress, TrainOptions, save, train

SHORT = TrainOptions(
    steps=12, batch=8, width=8, full_precision_steps=6, evaluate_every=12, evaluation_clips_per_class=1
)


@pytest.fixture(scope="module")
def run():
    seen: list[Progress] = []
    network, accuracy = train(SHORT, seen.append)
    return network, accuracy, seen


def test_every_step_is_reported_and_the_last_is_evaluated(run) -> None:
    _, _, seen = run
    assert [progress.step for progress in seen] == list(range(1, 13))
    assert seen[-1].accuracy is not None
    assert sum(seen[-1].accuracy.total) == 10


def test_the_same_seed_gives_the_same_run_but_for_the_order_of_sums(run) -> None:
    _, _, seen = run
    again: list[Progress] = []
    train(replace(SHORT, steps=4), again.append)
    # The first step has no history: the schedule of a shorter run differs after it.
    assert again[0].loss == pytest.approx(seen[0].loss, rel=1e-3)


def test_another_seed_gives_another_run(run) -> None:
    _, _, seen = run
    other: list[Progress] = []
    train(replace(SHORT, seed=1, steps=4), other.append)
    assert other[0].loss != pytest.approx(seen[0].loss, rel=1e-3)


def test_the_saved_file_is_a_released_checkpoint_with_the_same_weights(run, tmp_path) -> None:
    network, accuracy, _ = run
    save(network, accuracy, SHORT, tmp_path / "student.pth")
    loaded = load_checkpoint(tmp_path / "student.pth")
    for key, value in network.state_dict().items():
        assert torch.equal(loaded.weights[key], value)
