"""The figures of agreement, against closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest

from dvfl_converter.parity.metrics import MAX_SNR_DB, compare, cosine, snr_db


def vector(*values):
    return np.array(values, np.float64)


class TestCompare:
    def test_equal_logits_agree_in_every_figure(self):
        found = compare("clip", [1.0, -2.0, 3.0], [1.0, -2.0, 3.0])
        assert (found.clip, found.max_abs_error, found.error_of_range) == ("clip", 0.0, 0.0)
        assert found.cosine == pytest.approx(1.0)
        assert found.snr_db == MAX_SNR_DB
        assert found.top1_agrees
        assert found.top5_agrees

    def test_the_error_is_the_largest_and_relative_to_the_references_range(self):
        found = compare("clip", [0.0, 4.0, -6.0], [0.5, 3.9, -6.0])
        assert found.max_abs_error == pytest.approx(0.5)
        assert found.error_of_range == pytest.approx(0.05)

    def test_the_sign_of_the_error_does_not_matter(self):
        assert compare("clip", [0.0, 1.0], [-0.25, 1.0]).max_abs_error == 0.25

    def test_flat_logits_have_no_range_to_forgive_an_error(self):
        assert compare("clip", [2.0, 2.0], [2.0, 2.0]).error_of_range == 0.0
        assert compare("clip", [2.0, 2.0], [2.0, 2.1]).error_of_range == 1.0
        assert compare("clip", [2.0], [2.1]).error_of_range == 1.0

    def test_a_common_scale_changes_nothing_relative(self):
        one = compare("clip", [1.0, 2.0, 4.0], [1.1, 2.0, 3.9])
        other = compare("clip", [10.0, 20.0, 40.0], [11.0, 20.0, 39.0])
        assert other.max_abs_error == pytest.approx(10 * one.max_abs_error)
        for figure in ("error_of_range", "cosine", "snr_db"):
            assert getattr(other, figure) == pytest.approx(getattr(one, figure))

    def test_top_1_is_the_best_class(self):
        assert compare("clip", [1.0, 3.0, 2.0], [0.0, 0.2, 0.1]).top1_agrees
        assert not compare("clip", [1.0, 3.0, 2.0], [1.0, 3.0, 3.1]).top1_agrees

    def test_top_5_is_a_set(self):
        reference = [9.0, 8.0, 7.0, 6.0, 5.0, 1.0, 0.0]
        assert compare("clip", reference, [5.0, 6.0, 7.0, 8.0, 9.0, 1.0, 0.0]).top5_agrees
        assert not compare("clip", reference, [9.0, 8.0, 7.0, 6.0, 0.5, 1.0, 0.0]).top5_agrees

    def test_fewer_than_five_classes_always_share_their_top_5(self):
        assert compare("clip", [1.0, 2.0], [2.0, 1.0]).top5_agrees

    def test_shapes_are_flattened(self):
        found = compare("clip", [1.0, 2.0], np.array([[1.0, 2.5]], np.float32))
        assert found.max_abs_error == 0.5

    def test_float32_is_widened_before_it_is_subtracted(self):
        reference = np.array([1e8, 1e8 + 8, 0], np.float32)
        assert compare("clip", reference, reference + np.float32(8)).max_abs_error == 8.0

    @pytest.mark.parametrize("bad", [float("nan"), float("inf")])
    def test_logits_that_are_no_numbers_give_no_figures(self, bad):
        with pytest.raises(ValueError, match=r"finite|domain"), np.errstate(invalid="ignore"):
            compare("clip", [1.0, 2.0], [1.0, bad])

    def test_another_number_of_classes_gives_no_figures(self):
        with pytest.raises(ValueError, match=r"shape|dimension|size|broadcast"):
            compare("clip", [1.0, 2.0, 3.0], [1.0, 2.0])
        with pytest.raises(ValueError, match=r"shape|dimension|size|broadcast"):
            compare("clip", [1.0, 2.0, 3.0], [1.0])


class TestCosine:
    @pytest.mark.parametrize(
        ("one", "other", "expected"),
        [
            (vector(1, 0), vector(0, 1), 0.0),
            (vector(1, 2), vector(-1, -2), -1.0),
            (vector(3, 4), vector(6, 8), 1.0),
            (vector(1, 0), vector(1, 1), math.sqrt(0.5)),
            (vector(0, 0), vector(0, 0), 1.0),
            (vector(0, 0), vector(1, 0), 0.0),
            (vector(1, 0), vector(0, 0), 0.0),
        ],
    )
    def test_closed_forms(self, one, other, expected):
        assert cosine(one, other) == pytest.approx(expected)

    def test_rounding_never_leaves_the_interval(self):
        dice = np.random.default_rng(0)
        for _ in range(200):
            v = dice.normal(size=7)
            assert cosine(v, v * 3.3) <= 1.0
            assert cosine(v, -v * 3.3) >= -1.0


class TestSnr:
    @pytest.mark.parametrize(
        ("reference", "measured", "expected"),
        [
            (vector(1, 0), vector(1.1, 0), 20.0),
            (vector(10, 0), vector(10, 0.1), 40.0),
            (vector(1, 1), vector(0, 0), 0.0),
            (vector(1, 0), vector(11, 0), -20.0),
            (vector(1, 2), vector(1, 2), MAX_SNR_DB),
            (vector(0, 0), vector(0, 0), MAX_SNR_DB),
            (vector(0, 0), vector(1, 0), -MAX_SNR_DB),
        ],
    )
    def test_closed_forms(self, reference, measured, expected):
        assert snr_db(reference, measured) == pytest.approx(expected)
