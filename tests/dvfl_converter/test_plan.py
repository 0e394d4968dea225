"""What a user may ask for, and how everything else is refused before any work."""

from __future__ import annotations

import sys

import pytest

from dvfl.errors import ConversionError
from dvfl_converter.plan import check_clip_shape, plan_conversions
from dvfl_converter.quantization.plan import uniform
from dvfl_converter.targets.registry import TARGETS


@pytest.fixture
def refused():
    """Plans what must be refused in one line; returns the line."""

    def plan(targets=(), precisions=(), settings=(), quantization=()) -> str:
        with pytest.raises(ConversionError) as error:
            plan_conversions(targets, precisions, settings, quantization)
        assert "\n" not in str(error.value)
        return str(error.value)

    return plan


def names(*asked):
    return [conversion.name for conversion in plan_conversions(*asked)]


class TestWhatIsPlanned:
    def test_nothing_asked_is_each_target_at_its_default(self):
        assert names((), ()) == ["executorch-fp32", "coreml-fp16", "litert-fp32"]

    def test_targets_in_the_order_asked_for(self):
        assert names(("litert", "executorch"), ()) == ["litert-fp32", "executorch-fp32"]

    def test_a_target_asked_for_twice_is_made_once(self):
        assert names(("litert", "litert"), ("fp32", "fp32")) == ["litert-fp32"]

    def test_a_precision_holds_for_every_target(self):
        assert names((), ("fp32",)) == ["executorch-fp32", "coreml-fp32", "litert-fp32"]

    def test_a_scoped_precision_leaves_the_others_at_their_default(self):
        assert names((), ("litert=int8",)) == ["executorch-fp32", "coreml-fp16", "litert-int8"]

    def test_scoped_and_unscoped_precisions_add_up(self):
        asked = names(("litert", "coreml"), ("fp32", "litert=int8", "coreml=fp16"))
        assert asked == ["litert-fp32", "litert-int8", "coreml-fp32", "coreml-fp16"]

    def test_each_artifact_has_its_own_file(self):
        planned = plan_conversions((), ("fp32", "int8", "litert=fp16", "coreml=fp16"))
        files = [conversion.file for conversion in planned]
        assert len(set(files)) == len(files) == 8
        assert "artifacts/model.int8.tflite" in files
        assert "artifacts/model.fp16.mlpackage" in files

    def test_an_option_reaches_its_targets_configuration(self):
        executorch, litert = plan_conversions(("executorch", "litert"), ("int8",), ("litert.int8=static",))
        assert litert.config.options() == {"int8": "static"}
        assert executorch.config.options() == {"int8": "search"}

    def test_only_static_int8_cannot_do_without_calibration(self):
        planned = plan_conversions(("litert",), ("fp32", "int8"), ("litert.int8=static",))
        assert [conversion.needs_calibration for conversion in planned] == [False, True]
        assert not plan_conversions(("litert",), ("int8",))[0].needs_calibration

    def test_a_plan_goes_to_its_targets_int8(self):
        plan = uniform("litert", ["head"], "static")
        planned = plan_conversions((), ("fp32", "int8"), (), [plan])
        assert [(item.name, item.int8) for item in planned if item.plan is not None] == [
            ("litert-int8", "given")
        ]
        assert [item.name for item in planned if item.needs_calibration] == ["litert-int8"]

    def test_a_configuration_cannot_be_changed(self):
        (conversion,) = plan_conversions(("litert",), ())
        with pytest.raises(ValueError, match="frozen"):
            conversion.config.precision = "int8"

    def test_planning_loads_no_back_end_and_no_runtime(self):
        before = set(sys.modules)
        plan_conversions(
            (), ("fp32", "int8"), ("litert.int8=static", "coreml.minimum_deployment_target=iOS18")
        )
        assert set(sys.modules) == before


class TestRefusals:
    def test_an_unknown_target_gets_a_suggestion_and_the_choices(self, refused):
        said = refused(("tflite",))
        assert said.startswith("unknown target 'tflite';")
        assert said.endswith("choices: executorch, coreml, litert")
        assert "did you mean 'executorch'?" in refused(("executorh",))

    def test_an_unknown_precision_gets_a_suggestion_and_the_choices(self, refused):
        assert refused((), ("int4",)) == (
            "unknown precision 'int4'; did you mean 'int8'? choices: fp32, fp16, int8"
        )

    def test_a_precision_a_target_lacks_is_refused_in_its_words(self, refused):
        said = refused(("executorch",), ("fp16",))
        assert said.startswith(
            "executorch: no fp16: XNNPACK's partitioner stores convolution weights as fp32"
        )
        assert said.endswith("choose fp32 or int8")

    def test_it_is_refused_even_among_targets_that_have_it(self, refused):
        assert refused((), ("fp16",)).startswith("executorch: no fp16")
        assert refused(("executorch", "litert"), ("executorch=fp16",)).startswith("executorch: no fp16")

    def test_a_precision_scoped_to_an_unknown_target(self, refused):
        said = refused((), ("litrt=int8",))
        assert said.startswith("--precision litrt=int8: unknown target 'litrt'; did you mean 'litert'?")

    def test_a_precision_scoped_to_a_target_that_is_not_converted(self, refused):
        said = refused(("coreml",), ("litert=int8",))
        assert "unknown target 'litert'" in said
        assert said.endswith("choices: coreml")

    @pytest.mark.parametrize(
        "setting",
        ["static", "litert.int8", "litert.int8=", "litert=static", "=static", ".int8=static", "litert.=x"],
    )
    def test_a_setting_that_is_no_setting(self, refused, setting):
        assert refused((), ("int8",), (setting,)).startswith(f"--set {setting}: ")

    def test_an_unknown_option_lists_the_targets_own(self, refused):
        said = refused(("litert",), (), ("litert.int9=static",))
        assert said == (
            "--set litert.int9=static: litert has unknown option 'int9'; did you mean 'int8'? choices: int8"
        )

    def test_another_targets_option(self, refused):
        said = refused((), (), ("coreml.int8=static",))
        assert said.endswith("choices: minimum_deployment_target")

    def test_the_precision_is_no_option(self, refused):
        assert "unknown option 'precision'" in refused(("litert",), (), ("litert.precision=fp32",))

    def test_a_value_outside_the_choices_lists_them(self, refused):
        said = refused(("litert",), ("int8",), ("litert.int8=weights",))
        assert said == "litert: option 'int8': Input should be 'search', 'dynamic' or 'static', not 'weights'"

    def test_an_option_of_a_target_that_is_not_converted(self, refused):
        assert "unknown target 'coreml'" in refused(
            ("litert",), (), ("coreml.minimum_deployment_target=iOS17",)
        )


class TestClipShape:
    @pytest.mark.parametrize(("frames", "size"), [(1, 32), (8, 224), (16, 96)])
    def test_any_frames_and_any_multiple_of_the_stride(self, frames, size):
        check_clip_shape(frames, size)

    @pytest.mark.parametrize("frames", [0, -1])
    def test_no_frames(self, frames):
        with pytest.raises(ConversionError, match=f"--frames must be at least 1, not {frames}"):
            check_clip_shape(frames, 64)

    @pytest.mark.parametrize("size", [0, -32, 31, 33, 225])
    def test_a_size_between_the_strides(self, size):
        with pytest.raises(ConversionError, match=f"--size must be a multiple of 32, not {size}"):
            check_clip_shape(8, size)


class TestRegistry:
    @pytest.mark.parametrize("target", TARGETS.values(), ids=lambda target: target.name)
    def test_a_row_is_consistent(self, target):
        assert TARGETS[target.name] is target
        assert target.precisions
        assert set(target.default_precisions) <= set(target.precisions)
        assert set(target.precisions) & set(target.refused) == set()
        assert target.runs_here or target.not_run_reason

    def test_a_missing_package_is_named_before_any_work(self, monkeypatch):
        from dataclasses import replace

        from dvfl_converter.targets.registry import load_backend

        absent = replace(TARGETS["litert"], packages=("ai_edge_litert", "no_such_package"))
        with pytest.raises(
            ConversionError, match=r"litert: needs no_such_package; install with: pip install"
        ):
            load_backend(absent)


def test_an_option_that_no_asked_precision_uses_is_refused() -> None:
    with pytest.raises(ConversionError, match=r"litert\.int8: applies to int8 only.*--precision litert=int8"):
        plan_conversions(["litert"], ["fp32"], ["litert.int8=static"])


def test_an_option_reaches_only_the_precisions_that_use_it() -> None:
    fp32, int8 = plan_conversions(["litert"], ["fp32", "int8"], ["litert.int8=static"])
    assert fp32.config.options() == {}
    assert int8.config.options() == {"int8": "static"}


class TestRefusedPlans:
    PLAN = uniform("litert", ["head"], "static")

    def test_of_a_target_that_is_not_asked_for(self, refused):
        said = refused(("coreml",), ("int8",), (), [self.PLAN])
        assert said == "--quantization-plan: unknown target 'litert'; choices: coreml"

    def test_without_int8(self, refused):
        assert "add --precision litert=int8" in refused(("litert",), ("fp32",), (), [self.PLAN])

    def test_two_for_one_target(self, refused):
        assert "two plans for litert" in refused(("litert",), ("int8",), (), [self.PLAN, self.PLAN])

    def test_beside_a_setting_that_says_otherwise(self, refused):
        said = refused(("litert",), ("int8",), ("litert.int8=dynamic",), [self.PLAN])
        assert "--set litert.int8 says otherwise" in said
