"""Softmax and ranking."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from dvfl.predictions import Prediction, rank, softmax

LABELS = ("a", "b", "c", "d")


def test_softmax_is_the_definition():
    logits = np.array([0.5, -1.0, 2.0])
    assert np.allclose(softmax(logits), np.exp(logits) / np.exp(logits).sum(), rtol=1e-15)


@pytest.mark.parametrize("offset", [-1e30, -1e4, 1e4, 1e30, 3e38])
def test_softmax_of_huge_logits_is_finite(offset):
    scores = softmax(np.array([offset, offset, -offset], np.float32))
    assert np.isfinite(scores).all()
    assert scores.sum() == pytest.approx(1)


def test_best_first():
    assert [found.label for found in rank([0, 3, 1, 2], LABELS)] == ["b", "d", "c", "a"]


def test_fields():
    (best,) = rank(np.array([0, 1, 0, 0], np.float32), LABELS, top=1)
    assert best == Prediction(1, "b", 1.0, pytest.approx(np.e / (np.e + 3)))
    assert type(best.logit) is float
    assert type(best.score) is float
    with pytest.raises(dataclasses.FrozenInstanceError):
        best.label = "x"


def test_the_lower_index_wins_a_tie():
    assert [found.index for found in rank([1, 2, 2, 1], LABELS, None)] == [1, 2, 0, 3]


def test_logits_order_what_the_softmax_rounds_to_the_same_score():
    ranked = rank([100.0, -900.0, -800.0, -1000.0], LABELS, None)
    assert [found.index for found in ranked] == [0, 2, 1, 3]
    assert ranked[1].score == ranked[2].score == 0


def test_given_scores_decide():
    ranked = rank([9, 0, 0, 0], LABELS, 2, np.array([0.1, 0.2, 0.3, 0.4]))
    assert [(found.label, found.score) for found in ranked] == [("d", 0.4), ("c", 0.3)]
    assert ranked[0].logit == 0


def test_top_larger_than_the_number_of_classes_gives_all():
    assert len(rank([1, 2, 3, 4], LABELS, 99)) == 4


@pytest.mark.parametrize("top", [0, -1])
def test_top_must_be_positive(top):
    with pytest.raises(ValueError, match="top must be at least 1"):
        rank([1, 2, 3, 4], LABELS, top)


def test_labels_must_fit():
    with pytest.raises(ValueError, match="do not fit 4 labels"):
        rank([1, 2], LABELS)
