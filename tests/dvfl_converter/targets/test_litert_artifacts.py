"""What a LiteRT conversion really leaves: delegation, provenance, sizes, contract."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import small_models as small
import torch
from ai_edge_litert.interpreter import Interpreter
from torch import nn

from dvfl.errors import ConversionError
from dvfl_converter.program import Program
from dvfl_converter.quantization.plan import uniform
from dvfl_converter.targets.litert import backend
from dvfl_converter.targets.litert.config import LiteRTConfig
from dvfl_converter.targets.litert.delegation import delegation

CONVERTER = Path(backend.__file__).resolve().parents[3]
OPERATORS = {
    *("FULLY_CONNECTED", "CONV_2D", "DEPTHWISE_CONV_2D", "ADD", "SUB", "MUL", "GELU", "RSQRT"),
    *("MEAN", "RESHAPE", "SLICE"),
}


def interpreter_of(bundle, precision) -> Interpreter:
    return Interpreter(str(bundle.resolve(bundle.artifact("litert", precision))))


def dtypes_of(bundle, precision) -> set[str]:
    return {np.dtype(t["dtype"]).name for t in interpreter_of(bundle, precision).get_tensor_details()}


@pytest.mark.parametrize("precision", ["fp32", "fp16", "int8"])
class TestDelegation:
    def test_one_delegate_call_holds_every_operator(self, converted, precision):
        report = converted.artifact("litert", precision).operators
        outside = [use.operator for use in report.operators if use.placement != "delegate"]
        assert outside == []
        assert (report.delegate, report.delegate_calls) == ("XNNPACK", 1)

    def test_the_manifest_says_what_the_runtime_says(self, converted, precision):
        artifact = converted.artifact("litert", precision)
        assert delegation(converted.resolve(artifact)) == artifact.operators

    def test_the_work_is_the_models(self, converted, precision):
        report = converted.artifact("litert", precision).operators
        assert sum(use.macs for use in report.operators) == converted.manifest.model.macs

    def test_no_data_is_moved_but_by_reshapes(self, converted, precision):
        names = {use.operator for use in converted.artifact("litert", precision).operators.operators}
        assert names - {"DEQUANTIZE"} == OPERATORS
        assert ("DEQUANTIZE" in names) == (precision == "fp16")


class TestStaticInt8:
    def test_one_delegate_call_holds_every_operator(self, calibrated):
        report = calibrated.artifact("litert", "int8").operators
        assert (report.delegate_calls, report.count("delegate")) == (
            1,
            sum(u.count for u in report.operators),
        )

    def test_its_options_are_recorded(self, calibrated, converted):
        assert calibrated.artifact("litert", "int8").options["int8"] == "static"
        assert converted.artifact("litert", "int8").options["int8"] == "dynamic"

    def test_activations_are_quantised_too_but_not_the_contract(self, calibrated):
        interpreter = interpreter_of(calibrated, "int8")
        kinds = [node["op_name"] for node in interpreter._get_ops_details()]
        assert "QUANTIZE" in kinds
        assert interpreter.get_input_details()[0]["dtype"] == np.float32
        assert interpreter.get_output_details()[0]["dtype"] == np.float32


class TestProvenance:
    def test_every_computed_tensor_names_its_operator_and_line(self, converted):
        interpreter = interpreter_of(converted, "fp32")
        names = {tensor["index"]: tensor["name"] for tensor in interpreter.get_tensor_details()}
        computed = [names[int(node["outputs"][0])] for node in interpreter._get_ops_details()]
        pattern = re.compile(r"[\w. ()]+\|dvfl_converter/\w+(/\w+)*\.py:\d+\|\w+")
        unknown = [name for name in computed[:-1] if not pattern.match(name)]
        # What the converter inserts or fuses may keep no name; the network's own operators must.
        assert len(unknown) <= len(computed) // 20, unknown

    def test_the_lines_exist_and_do_what_is_said(self, converted):
        names = [tensor["name"] for tensor in interpreter_of(converted, "fp32").get_tensor_details()]
        lines = {part for name in names for part in re.findall(r"aten\.rsqrt\|([^|]+)\|", name)}
        assert lines
        for line in lines:
            file, _, number = line.partition(":")
            source = (CONVERTER / file).read_text().splitlines()[int(number) - 1]
            assert any(word in source for word in ("_standardise(", "_to_unit_variance("))


class TestArtifact:
    def test_the_contract_is_the_files_own(self, converted):
        artifact = converted.artifact("litert", "fp32")
        (given,) = interpreter_of(converted, "fp32").get_input_details()
        (taken,) = interpreter_of(converted, "fp32").get_output_details()
        assert (artifact.input.name, artifact.input.layout) == (given["name"], "THWC")
        assert artifact.input.shape == tuple(given["shape"]) == (small.FRAMES, small.SIZE, small.SIZE, 3)
        assert given["dtype"] == taken["dtype"] == np.float32
        assert artifact.output.name == taken["name"]
        assert artifact.output.shape == tuple(taken["shape"]) == (1, len(small.LABELS))

    def test_no_tensor_exceeds_the_rank_of_phone_accelerators(self, converted):
        details = interpreter_of(converted, "fp32").get_tensor_details()
        assert max(len(tensor["shape"]) for tensor in details) <= 4

    def test_lower_precisions_are_smaller(self, converted):
        sizes = [converted.artifact("litert", precision).bytes for precision in ("int8", "fp16", "fp32")]
        assert sizes == sorted(sizes)
        # The graph itself takes about 100 kB of each; the weights are 2 and 4 times smaller.
        assert sizes[1] < 0.65 * sizes[2]
        assert sizes[0] < 0.45 * sizes[2]

    def test_weights_are_stored_in_the_precision_said(self, converted):
        assert dtypes_of(converted, "fp32") & {"float16", "int8"} == set()
        assert "float16" in dtypes_of(converted, "fp16")
        assert "int8" in dtypes_of(converted, "int8")

    def test_the_tools_are_named_with_their_versions(self, converted):
        tools = converted.artifact("litert", "fp32").tools
        assert set(tools) == {"litert-torch", "ai-edge-litert", "ai-edge-quantizer", "torch"}
        assert all(re.match(r"\d+\.\d+", number) for number in tools.values())


class Sorting(nn.Module):
    """A convolution, and an operator that XNNPACK does not take."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)

    def forward(self, x):
        return torch.cumsum(self.conv(x), dim=1)


class TestOtherModels:
    def test_an_operator_off_the_delegate_is_named_with_its_line(self):
        report = backend.operators(Program(Sorting().eval(), (torch.zeros(1, 3, 8, 8),), None))
        (use,) = [use for use in report.operators if "CUMSUM" in use.operator]
        assert use.operator == "aten.cumsum -> CUMSUM"
        assert (use.placement, use.where) == ("native", "TFLite kernel")
        assert re.search(r"test_litert_artifacts\.py:\d+$", use.source)
        assert report.macs_share("delegate") == 1.0

    def test_a_plan_that_finds_no_layer_is_an_error(self, tmp_path):
        exporter = backend.exporter(Program(nn.ReLU().eval(), (torch.zeros(1, 4),), None))
        plan = uniform("litert", ["head"], "dynamic")
        with pytest.raises(ConversionError, match=r"litert: .* has no operator of layer 'head'"):
            exporter.write(LiteRTConfig(precision="int8"), tmp_path / "model.tflite", plan)
        assert list(tmp_path.iterdir()) == []

    def test_half_weights_of_a_network_without_weights_are_an_error(self, tmp_path):
        exporter = backend.exporter(Program(nn.ReLU().eval(), (torch.zeros(1, 4),), None))
        with pytest.raises(ConversionError, match="litert: fp16 quantised nothing"):
            exporter.write(LiteRTConfig(precision="fp16"), tmp_path / "model.tflite")


def test_an_input_too_small_for_the_converter_is_refused_in_one_line():
    network = small.randomised()
    with pytest.raises(ConversionError, match="give --size 64 or more") as refusal:
        backend.lowered(network, small.SPEC.with_clip(frames=4, size=32))
    assert "\n" not in str(refusal.value)
