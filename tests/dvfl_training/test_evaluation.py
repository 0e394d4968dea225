"""Accuracy, intervals, confusions and worst clips, over one view or many, in one process or several."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from dvfl_training.data.loader import ViewBatch
from dvfl_training.errors import DataError, TrainingError
from dvfl_training.evaluation import Evaluation, Share, evaluate

CPU = torch.device("cpu")
CLASSES = ("a", "b", "c")
PROBABILITIES = np.array(
    [[0.7, 0.2, 0.1], [0.5, 0.3, 0.2], [0.1, 0.2, 0.7], [0.2, 0.1, 0.7], [0.3, 0.4, 0.3]], np.float32
)
EVALUATION = Evaluation(CLASSES, np.arange(5), np.array([0, 1, 2, 1, 1]), PROBABILITIES)


def batch(values: list[list[int]], indices: list[int]) -> ViewBatch:
    """Clips of one brightness per view; the label is the index modulo 3."""
    pixels = torch.tensor(values, dtype=torch.uint8)
    clips = pixels[:, :, None, None, None, None].expand(*pixels.shape, 1, 2, 2, 3)
    return ViewBatch(clips, torch.tensor(indices) % 3, torch.tensor(indices))


def brightness_model(clips: Tensor) -> Tensor:
    """Logits that depend on the brightness, not linearly."""
    level = clips.mean(dim=(1, 2, 3, 4))
    return torch.stack([level, -level, level.square()], dim=1)


@pytest.mark.parametrize(
    ("right", "total", "low", "high"),
    # R: prop.test(right, total, correct = FALSE)$conf.int
    [
        (8, 10, 0.4901625, 0.9433178),
        (0, 10, 0.0, 0.2775328),
        (10, 10, 0.7224672, 1.0),
        (50, 100, 0.4038315, 0.5961685),
    ],
)
def test_the_interval_is_wilsons(right, total, low, high) -> None:
    assert Share(right, total).interval == pytest.approx((low, high), abs=1e-6)


def test_an_interval_of_nothing_says_nothing() -> None:
    assert (Share(0, 0).value, Share(0, 0).interval) == (0.0, (0.0, 1.0))


def test_top_1_and_top_2() -> None:
    assert EVALUATION.top(1) == Share(3, 5)
    assert EVALUATION.top(2) == Share(4, 5)
    assert EVALUATION.top(5) == Share(5, 5)


def test_equal_probabilities_count_for_the_first_class_only() -> None:
    tie = Evaluation(CLASSES, np.arange(2), np.array([0, 1]), np.full((2, 3), 1 / 3, np.float32))
    assert tie.top(1) == Share(1, 2)


def test_confusions_have_classes_as_rows() -> None:
    assert EVALUATION.confusion.tolist() == [[1, 0, 0], [1, 1, 1], [0, 0, 1]]
    assert EVALUATION.per_class == (Share(1, 1), Share(1, 3), Share(1, 1))


def test_the_worst_clips_are_wrong_ones_in_the_order_of_their_error() -> None:
    assert EVALUATION.worst(5) == (3, 1)
    assert EVALUATION.worst(1) == (3,)


def test_probabilities_are_averaged_over_views_not_logits() -> None:
    found = evaluate(brightness_model, [batch([[100, 160]], [0])], CLASSES, CPU)
    views = [evaluate(brightness_model, [batch([[value]], [0])], CLASSES, CPU) for value in (100, 160)]
    expected = (views[0].probabilities + views[1].probabilities) / 2
    np.testing.assert_allclose(found.probabilities, expected, rtol=1e-6)


def test_the_order_of_the_clips_is_that_of_the_split() -> None:
    shuffled = [batch([[10], [200]], [3, 0]), batch([[90], [50]], [1, 2])]
    found = evaluate(brightness_model, shuffled, CLASSES, CPU)
    assert found.indices.tolist() == [0, 1, 2, 3]
    assert found.labels.tolist() == [0, 1, 2, 0]
    again = evaluate(brightness_model, [batch([[200], [90], [50], [10]], [0, 1, 2, 3])], CLASSES, CPU)
    np.testing.assert_array_equal(found.probabilities, again.probabilities)


def test_a_clip_that_two_processes_saw_counts_once() -> None:
    def gather(own):
        return [own, own]

    found = evaluate(brightness_model, [batch([[10], [200]], [0, 1])], CLASSES, CPU, gather)
    assert len(found.labels) == 2


def test_a_process_without_clips_adds_nothing() -> None:
    whole = evaluate(brightness_model, [batch([[10], [200]], [0, 1])], CLASSES, CPU)

    def gather(own):
        assert own is None
        return [(whole.indices, whole.labels, whole.probabilities), own]

    assert evaluate(brightness_model, [], CLASSES, CPU, gather).top(1) == whole.top(1)


def test_no_clips_at_all_are_refused() -> None:
    with pytest.raises(DataError, match="no clip to evaluate on"):
        evaluate(brightness_model, [], CLASSES, CPU)


def test_answers_that_are_not_finite_are_refused() -> None:
    with pytest.raises(TrainingError, match="not finite"):
        evaluate(
            lambda clips: clips.new_full((len(clips), 3), float("nan")), [batch([[1]], [0])], CLASSES, CPU
        )
