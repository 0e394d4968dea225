"""The tolerances and the verdict."""

from __future__ import annotations

import pytest

from dvfl.manifest import ClipParity, Gate
from dvfl_converter.parity.gates import GATES, STRESS_GATES, judge, not_run, with_stress


def clip(name="a", error=0.0, cosine=1.0, top1=True) -> ClipParity:
    return ClipParity(
        clip=name,
        max_abs_error=error,
        error_of_range=error,
        cosine=cosine,
        snr_db=60.0,
        top1_agrees=top1,
        top5_agrees=True,
    )


class TestDefaults:
    def test_they_are_the_published_ones(self):
        assert GATES["fp32"] == Gate(max_error_of_range=1e-4)
        assert GATES["fp16"] == Gate(min_worst_cosine=0.9995)
        assert GATES["int8"] == Gate(min_mean_cosine=0.999, min_worst_cosine=0.99, min_top1_agreement=0.99)

    def test_clips_made_to_hurt_ease_int8_alone(self):
        assert STRESS_GATES["fp32"] == GATES["fp32"]
        assert STRESS_GATES["fp16"] == GATES["fp16"]
        assert STRESS_GATES["int8"] == Gate(min_worst_cosine=0.866)


class TestWithStress:
    GOOD = judge(GATES["int8"], [clip()], "computed by a stand-in")
    BAD = judge(GATES["int8"], [clip("bad", cosine=0.5, top1=False)])
    HURT = judge(STRESS_GATES["int8"], [clip("stress: black", cosine=0.8)])

    def test_what_bears_them_stays_as_it_is(self):
        assert with_stress(self.GOOD, judge(STRESS_GATES["int8"], [clip("stress: black")])) == self.GOOD

    def test_what_does_not_has_failed_and_says_where(self):
        report = with_stress(self.GOOD, self.HURT)
        assert report.status == "failed"
        assert report.reason == "on clips made to hurt: worst cosine 0.80000 < 0.866 (stress: black)"
        assert report.clips == self.GOOD.clips

    def test_both_reasons_are_told(self):
        reason = with_stress(self.BAD, self.HURT).reason
        assert reason.startswith("mean cosine 0.50000")
        assert reason.endswith("(stress: black)")


class TestJudge:
    @pytest.mark.parametrize("precision", GATES)
    def test_a_perfect_artifact_passes(self, precision):
        report = judge(GATES[precision], [clip(), clip("b")])
        assert (report.status, report.reason) == ("passed", None)

    @pytest.mark.parametrize("precision", GATES)
    def test_nothing_compared_is_no_pass(self, precision):
        report = judge(GATES[precision], [])
        assert (report.status, report.reason) == ("failed", "no clip was compared")

    @pytest.mark.parametrize(
        ("precision", "inside", "outside"),
        [
            ("fp32", {"error": 1e-4}, {"error": 1.01e-4}),
            ("fp16", {"cosine": 0.9995}, {"cosine": 0.99949}),
            ("int8", {"cosine": 0.999}, {"cosine": 0.9989}),
            ("int8", {"top1": True}, {"top1": False}),
        ],
    )
    def test_the_limit_itself_is_inside(self, precision, inside, outside):
        assert judge(GATES[precision], [clip(**inside)]).status == "passed"
        assert judge(GATES[precision], [clip(**outside)]).status == "failed"

    def test_one_bad_clip_among_many_fails_fp32_and_is_named(self):
        report = judge(GATES["fp32"], [*(clip(f"good{i}") for i in range(99)), clip("bad", error=2e-3)])
        assert report.status == "failed"
        assert report.reason == "error 2.00e-03 of the logit range > 1e-04 (bad)"

    def test_a_good_mean_does_not_hide_a_bad_worst_clip(self):
        clips = [*(clip(f"good{i}") for i in range(99)), clip("bad", cosine=0.98)]
        report = judge(GATES["int8"], clips)
        assert report.mean_cosine > 0.999
        assert report.reason == "worst cosine 0.98000 < 0.99 (bad)"

    def test_the_worst_cosine_is_found_even_where_the_error_is_small(self):
        report = judge(GATES["fp16"], [clip("loud", error=0.5), clip("tilted", cosine=0.9)])
        assert report.reason == "worst cosine 0.90000 < 0.9995 (tilted)"

    def test_a_bad_mean_fails_without_a_bad_clip(self):
        assert judge(GATES["int8"], [clip(cosine=0.995)] * 3).reason == "mean cosine 0.99500 < 0.999"

    def test_top_1_agreement_is_a_share(self):
        most = [clip(f"good{i}") for i in range(99)]
        assert judge(GATES["int8"], [*most, clip(top1=False)]).status == "passed"
        report = judge(GATES["int8"], [*most[:97], clip(top1=False), clip(top1=False)])
        assert report.reason == "top-1 agreement 98.0% < 99%"

    def test_every_missed_figure_is_named(self):
        report = judge(GATES["int8"], [clip(cosine=0.5, top1=False)])
        assert report.reason is not None
        assert [phrase.split(" 0.5")[0] for phrase in report.reason.split("; ")][:2] == [
            "mean cosine",
            "worst cosine",
        ]
        assert "top-1 agreement 0.0%" in report.reason

    def test_an_ungated_figure_is_reported_only(self):
        report = judge(GATES["fp16"], [clip(error=0.9, top1=False)])
        assert report.status == "passed"
        assert report.clips[0].error_of_range == 0.9


def test_not_run_says_why_and_is_no_pass():
    report = not_run(GATES["fp16"], "no runtime here")
    assert (report.status, report.reason, report.clips) == ("not_run", "no runtime here", ())
