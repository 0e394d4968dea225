"""An int8 artifact that does not earn its place is refused, with the reason."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dvfl.bundle import Bundle
from dvfl.errors import ConversionError
from dvfl_converter import production
from dvfl_converter.pipeline import convert
from dvfl_converter.plan import plan_conversions
from dvfl_converter.quantization.merit import Merit, shortcomings
from dvfl_converter.quantization.plan import read_plan, uniform, write_plan

GOOD = Merit(bytes=25, fp32_bytes=100, time_ratio=0.5)


@pytest.fixture
def passed(converted):
    return converted.artifact("litert", "fp32")


class TestShortcomings:
    def test_smaller_faster_and_right_is_enough(self, passed):
        assert shortcomings(passed, GOOD) == []
        assert shortcomings(passed, Merit(25, 100, None)) == []

    @pytest.mark.parametrize(
        ("merit", "said"),
        [
            (Merit(100, 100, 0.5), "not smaller than fp32 (100 against 100 bytes)"),
            (Merit(25, 100, 1.013), "slower than fp32 (1.01 x its time)"),
        ],
    )
    def test_otherwise_it_says_which(self, passed, merit, said):
        assert shortcomings(passed, merit) == [said]

    def test_a_missed_gate_comes_first(self, passed):
        parity = passed.parity.model_copy(update={"status": "failed", "reason": "worst cosine 0.9"})
        found = shortcomings(passed.model_copy(update={"parity": parity}), Merit(100, 100, 2.0))
        assert len(found) == 3
        assert found[0] == "misses its gate: worst cosine 0.9"


@pytest.mark.slow
class TestConversion:
    """Whole conversions; the time is planted, because that of a tiny network is nobody's."""

    ASKED = ("litert",), ("fp32", "int8"), ("litert.int8=dynamic",)

    @pytest.fixture
    def times(self, monkeypatch):
        def be(ratio):
            monkeypatch.setattr(production, "time_ratio", lambda *_: ratio)

        return be

    @pytest.fixture
    def out(self, tmp_path):
        return tmp_path / "bundle"

    def test_a_slower_artifact_is_not_in_the_bundle(self, request_for, out, times):
        times(1.2)
        outcome = convert(request_for(out, *self.ASKED), quiet=True)
        (failure,) = outcome.failures
        assert failure.refused
        assert failure.message == "litert: int8 is refused: slower than fp32 (1.20 x its time)"
        assert [artifact.name for artifact in Bundle.open(out).manifest.artifacts] == ["litert-fp32"]
        assert sorted(path.name for path in (out / "artifacts").iterdir()) == ["model.fp32.tflite"]
        assert not (out / "quantization").exists()
        page = (out / "report.html").read_text()
        assert "Refused" in page
        assert "slower than fp32 (1.20 x its time)" in page

    def test_it_is_kept_when_asked_for_and_still_named(self, request_for, out, times):
        times(1.2)
        outcome = convert(request_for(out, *self.ASKED, keep_refused=True), quiet=True)
        assert [failure.refused for failure in outcome.failures] == [True]
        assert [item.name for item in Bundle.open(out).manifest.artifacts] == ["litert-fp32", "litert-int8"]

    def test_a_faster_one_is_taken_without_fp32_in_the_bundle(self, request_for, out, times):
        times(0.5)
        outcome = convert(request_for(out, ("litert",), ("int8",), ("litert.int8=dynamic",)), quiet=True)
        assert outcome.failures == ()
        assert sorted(path.name for path in out.iterdir() if path.is_dir()) == [
            "artifacts",
            "quantization",
            "reference",
            "vectors",
        ]

    def test_a_plan_of_the_users_is_repeated(self, request_for, out, times, tmp_path, converted):
        times(0.5)
        plan = read_plan(converted.root / "quantization/litert.json")
        layer = next(iter(plan.layers))
        edited = plan.model_copy(update={"layers": {**plan.layers, layer: "fp16"}})
        write_plan(edited, tmp_path / "plan.json")
        conversions = plan_conversions(("litert",), ("int8",), (), [read_plan(tmp_path / "plan.json")])
        outcome = convert(replace(request_for(out, (), ()), conversions=conversions), quiet=True)
        assert outcome.failures == ()
        artifact = Bundle.open(out).artifact("litert", "int8")
        assert artifact.options["layers"] == f"{len(plan.layers) - 1} dynamic, 1 fp16"
        assert read_plan(out / "quantization/litert.json") == edited

    def test_a_plan_that_quantises_nothing_is_refused(self, request_for, out, tmp_path, converted):
        layers = read_plan(converted.root / "quantization/litert.json").layers
        conversions = plan_conversions(("litert",), ("int8",), (), [uniform("litert", layers, "fp32")])
        with pytest.raises(ConversionError, match="leaves every layer as it is"):
            convert(replace(request_for(out, (), ()), conversions=conversions), quiet=True)
