"""Quantisation plans as files that people edit."""

from __future__ import annotations

import json

import pytest

from dvfl.errors import ConversionError
from dvfl_converter.quantization.plan import QuantizationPlan, changed, read_plan, uniform, write_plan

PATHS = ["body.1.fc1", "body.1.fc2", "body.2.proj"]
PLAN = changed(uniform("litert", PATHS, "static"), {"body.2.proj": "fp16"})


@pytest.fixture
def refused(tmp_path):
    """Reads text as a plan; returns the one line of the refusal."""

    def read(text: str) -> str:
        path = tmp_path / "plan.json"
        path.write_text(text)
        with pytest.raises(ConversionError) as error:
            read_plan(path)
        assert "\n" not in str(error.value)
        return str(error.value)

    return read


def test_what_is_written_is_read_again(tmp_path):
    write_plan(PLAN, tmp_path / "plan.json")
    assert read_plan(tmp_path / "plan.json") == PLAN
    assert '    "body.1.fc1": "static",\n' in (tmp_path / "plan.json").read_text()


def test_it_says_what_it_does():
    assert uniform("litert", PATHS, "dynamic").summary == "dynamic"
    assert PLAN.summary == "2 static, 1 fp16"
    assert PLAN.calibrates
    assert PLAN.quantises
    assert not uniform("litert", PATHS, "fp16").quantises


class TestRefused:
    def test_an_unknown_scheme(self, refused):
        said = refused(PLAN.model_dump_json().replace("fp16", "int4"))
        assert "layers.body.2.proj: Input should be 'fp32', 'fp16', 'dynamic' or 'static'" in said

    def test_an_unknown_field(self, refused):
        assert "groups: Extra inputs" in refused(json.dumps({**PLAN.model_dump(), "groups": 1}))

    def test_no_json(self, refused):
        assert "Invalid JSON" in refused("all static, please")

    def test_a_missing_file(self, tmp_path):
        with pytest.raises(ConversionError, match=r"none\.json: cannot be read \(No such file"):
            read_plan(tmp_path / "none.json")

    @pytest.mark.parametrize(
        ("plan", "said"),
        [
            (uniform("executorch", PATHS, "static"), "for executorch, not for litert"),
            (uniform("litert", [*PATHS, "body.1.fc3"], "static"), "did you mean 'body.1.fc"),
            (uniform("litert", PATHS[1:], "static"), "layer 'body.1.fc1' is missing"),
            (changed(PLAN, {"body.1.fc1": "dynamic"}), "has no 'dynamic'; choices: fp32, static, fp16"),
        ],
    )
    def test_a_plan_of_another_network(self, plan, said):
        with pytest.raises(ConversionError) as error:
            plan.check("litert", PATHS, ("static", "fp16"))
        assert said in str(error.value)

    def test_a_plan_of_this_network_is_not(self):
        QuantizationPlan.check(PLAN, "litert", PATHS, ("static", "fp16"))
