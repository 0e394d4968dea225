"""Counting operators by where they run."""

from __future__ import annotations

from dvfl_converter.operators.tally import PlacedOperator, tally


def placed(operator="conv", placement="delegate", macs=0, source=None, reason="because"):
    return PlacedOperator(operator, placement, f"on {placement}", reason, macs, source)


def test_equal_operators_are_counted_and_their_work_added():
    report = tally([placed(macs=30), placed(macs=50), placed("gelu", macs=20)], "XNNPACK", 1)
    assert [(use.operator, use.count, use.macs, use.macs_share) for use in report.operators] == [
        ("conv", 2, 80, 0.8),
        ("gelu", 1, 20, 0.2),
    ]
    assert report.macs_share("delegate") == 1.0


def test_the_worst_come_first_then_the_most_work():
    kinds = ("delegate", "native", "portable", "unsupported")
    operators = [placed(f"{kind}{macs}", kind, macs) for kind in kinds for macs in (1, 9)]
    report = tally(operators, "XNNPACK", 1)
    expected = [f"{kind}{macs}" for kind in reversed(kinds) for macs in (9, 1)]
    assert [use.operator for use in report.operators] == expected


def test_what_runs_best_is_one_row_whatever_its_line():
    report = tally([placed(source="a.py:1"), placed(source="a.py:2")], "XNNPACK", 1)
    assert [(use.count, use.source) for use in report.operators] == [(2, None)]


def test_what_does_not_run_best_has_a_row_per_line():
    lines = ["a.py:1", "a.py:2", "a.py:1"]
    report = tally([placed(placement="portable", source=line) for line in lines], "XNNPACK", 1)
    assert [(use.source, use.count) for use in report.operators] == [("a.py:1", 2), ("a.py:2", 1)]


def test_without_a_delegate_the_runtimes_own_operators_are_best():
    report = tally([placed(placement="native", source=line) for line in ("a.py:1", "a.py:2")], None, 0)
    assert [(use.count, use.source) for use in report.operators] == [(2, None)]
    assert report.delegate is None


def test_different_reasons_stay_apart():
    report = tally([placed(reason="too big"), placed(reason="too small")], "XNNPACK", 1)
    assert [use.reason for use in report.operators] == ["too big", "too small"]


def test_counts_and_shares_by_placement():
    operators = [placed(macs=60), placed("a", "portable", 40), placed("b", "portable", 0)]
    report = tally(operators, "XNNPACK", 2)
    assert (report.count("portable"), report.count("delegate"), report.count("native")) == (2, 1, 0)
    assert (report.macs_share("portable"), report.macs_share("native")) == (0.4, 0)
    assert report.delegate_calls == 2


def test_no_work_at_all_is_no_division_by_zero():
    report = tally([placed(), placed("gelu")], "XNNPACK", 1)
    assert [use.macs_share for use in report.operators] == [0.0, 0.0]
    assert tally([], None, 0).operators == ()
