"""The search for a quantisation plan on the page and on the terminal."""

from __future__ import annotations

from dataclasses import replace

import pytest
from report_samples import clip, evidence, moving_pattern

from dvfl_converter.announcements import search_lines
from dvfl_converter.report.evidence import HalfRange, LayerSensitivity, PlanTrial, SearchEvidence
from dvfl_converter.report.figures import BOTTOM, LEFT, RIGHT, TOP
from dvfl_converter.report.render import render
from dvfl_converter.report.searches import search_plot


def trial(name: str, time: float | None, snr: float, **other: object) -> PlanTrial:
    basic = PlanTrial(name, 2_900_000, 1.0, 0.999, snr, time, "", best=False, chosen=False)
    return replace(basic, **other)


STATIC = trial("all static", 0.51, 14.6, missed="worst cosine 0.98472 < 0.995 (roll.mp4)", best=True)
MIXED = trial("3 of 4 groups static, others fp32", 0.55, 28.9, best=True, chosen=True)
DYNAMIC = trial("all dynamic", 0.77, 27.0)
SEARCH = SearchEvidence(
    "litert-int8",
    (STATIC, DYNAMIC, MIXED),
    (LayerSensitivity("MLP", "static", 47.2, 8 * 10**7), LayerSensitivity("head", "static", 11.3, 3328)),
    calibration=30,
    selection=32,
    remembered=False,
)
PEAK = HalfRange("coreml-fp16", 90_184.3, "aten.mul", "dvfl_converter/lowering.py:45", "up.mp4")


@pytest.fixture(scope="module")
def html() -> str:
    return render(replace(evidence([clip("a.mp4", moving_pattern())]), searches=(SEARCH,), peaks=(PEAK,)))


class TestPlot:
    def test_faster_is_left_and_more_accurate_is_up(self):
        plot = search_plot(SEARCH)
        static, dynamic, mixed = plot.dots
        assert LEFT <= static.x < mixed.x < dynamic.x <= RIGHT
        assert TOP <= mixed.y < dynamic.y < static.y <= BOTTOM

    def test_the_line_joins_the_frontier_from_left_to_right(self):
        plot = search_plot(SEARCH)
        static, _, mixed = plot.dots
        assert plot.frontier == f"{static.x:.1f},{static.y:.1f} {mixed.x:.1f},{mixed.y:.1f}"

    def test_a_trial_that_was_not_timed_has_no_place(self):
        assert len(search_plot(replace(SEARCH, trials=(STATIC, trial("x", None, 9.0)))).dots) == 1
        assert search_plot(replace(SEARCH, trials=(trial("x", None, 9.0),))) is None

    def test_one_trial_alone_is_inside(self):
        (dot,) = search_plot(replace(SEARCH, trials=(STATIC,))).dots
        assert LEFT < dot.x < RIGHT
        assert TOP < dot.y < BOTTOM


class TestPage:
    def test_it_names_the_chosen_plan_and_every_other(self, html):
        assert "Chosen: <b>3 of 4 groups static, others fp32</b>" in html
        assert "32 selection clips, 30 calibration clips" in html
        assert "worst cosine 0.98472 &lt; 0.995 (roll.mp4)" in html

    def test_the_most_sensitive_group_comes_first(self, html):
        assert html.index(">head<") < html.index(">MLP<")

    def test_an_overflow_is_told(self, html):
        assert "90,184.3" in html
        assert "overflows" in html

    def test_without_a_search_there_is_no_section(self):
        page = render(evidence([clip("a.mp4", moving_pattern())]))
        assert 'id="quantization"' not in page

    def test_a_search_without_result_says_so(self):
        lost = replace(SEARCH, trials=(STATIC, DYNAMIC))
        page = render(replace(evidence([clip("a.mp4", moving_pattern())]), searches=(lost,)))
        assert "No plan passes" in page


class TestTerminal:
    def test_the_fastest_comes_first_and_the_chosen_is_marked(self):
        title, head, *rows = search_lines(SEARCH)
        assert title == "  litert-int8: 3 plans tried, 32 selection and 30 calibration clips"
        assert head.split() == ["time/fp32", "size", "agree", "SNR", "plan"]
        assert [row.split()[:2] for row in rows[:3]] == [["·", "0.51"], ["▸", "0.55"], ["0.77", "2.9"]]
        assert rows[3] == "    alone: head static 11 dB, MLP static 47 dB"

    def test_without_calibration_it_says_what_was_not_tried(self):
        assert "needs --calibration-clips DIR" in list(search_lines(replace(SEARCH, calibration=0)))[-1]

    def test_a_remembered_search_says_so(self):
        assert "remembered from an earlier search" in next(search_lines(replace(SEARCH, remembered=True)))
