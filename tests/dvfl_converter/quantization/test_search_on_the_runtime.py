"""A search from end to end: converted, run and chosen on LiteRT itself."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from dvfl.bundle import Bundle
from dvfl_converter.parity.gates import GATES
from dvfl_converter.pipeline import convert
from dvfl_converter.quantization import cache, laboratory
from dvfl_converter.quantization.plan import read_plan

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def searches(request_for, sources, tmp_path_factory):
    """Three bundles of the same request: searched, remembered, and searched again."""
    root = tmp_path_factory.mktemp("searches")
    made = []
    with pytest.MonkeyPatch.context() as patch:
        for name, folder in (("first", "cache"), ("second", "cache"), ("third", "other-cache")):
            patch.setattr(cache, "user_cache_path", lambda _, folder=folder: root / folder)
            request = request_for(
                root / name,
                ("litert",),
                ("int8",),
                calibration=sources / "calibration",
                keep_refused=True,
            )
            outcome = convert(request, quiet=True)
            assert [failure for failure in outcome.failures if not failure.refused] == []
            made.append(root / name)
    return made


def record(bundle):
    (search,) = json.loads((bundle / "report.json").read_text())["searches"]
    return search


def accuracies(search) -> list[tuple[object, ...]]:
    """All that the runtime said of a trial, but for its time."""
    keys = ("name", "bytes", "agreement", "worst_cosine", "snr_db", "missed")
    return [tuple(trial[key] for key in keys) for trial in search["trials"]]


def test_the_chosen_plan_is_in_the_bundle_and_in_its_artifact(searches):
    bundle = Bundle.open(searches[0])
    artifact = bundle.artifact("litert", "int8")
    plan = read_plan(bundle.root / artifact.options["plan"])
    assert artifact.options["int8"] == "search"
    assert artifact.options["layers"] == plan.summary
    assert plan.quantises
    assert artifact.parity.status == "passed"


def test_the_report_tells_every_trial_and_the_clips(searches):
    search = record(searches[0])
    assert {"all static", "all dynamic"} <= {trial["name"] for trial in search["trials"]}
    assert [trial["chosen"] for trial in search["trials"]].count(True) == 1
    assert (search["calibration"], search["selection"]) == (1, 1)
    assert 'id="quantization"' in (searches[0] / "report.html").read_text()


def test_it_is_remembered(searches):
    first, second, _ = map(record, searches)
    assert (first["remembered"], second["remembered"]) == (False, True)
    assert first["trials"] == second["trials"]


def test_it_measures_the_same_accuracies_every_time(searches):
    first, _, third = map(record, searches)
    assert not third["remembered"]
    assert accuracies(first) == accuracies(third)


def test_its_plan_with_the_same_clips_gives_the_same_artifact(searches, request_for, sources, tmp_path):
    plan = read_plan(searches[0] / "quantization/litert.json")
    request = request_for(
        tmp_path / "again", ("litert",), ("int8",), (), (plan,), calibration=sources / "calibration"
    )
    convert(replace(request, keep_refused=True), quiet=True)
    again, first = (
        Bundle.open(root).artifact("litert", "int8") for root in (tmp_path / "again", searches[0])
    )
    assert again.options["int8"] == "given"
    assert again.sha256 == first.sha256


def test_selection_asks_for_half_of_the_gates_tolerance():
    tight = laboratory.tightened(GATES["int8"])
    assert tight.min_mean_cosine == pytest.approx(0.9995)
    assert tight.min_worst_cosine == pytest.approx(0.995)
    assert laboratory.tightened(GATES["fp32"]).max_error_of_range == pytest.approx(5e-5)
