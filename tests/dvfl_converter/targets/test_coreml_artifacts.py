"""What a Core ML conversion really leaves, as far as it can be seen without running it."""

from __future__ import annotations

import coremltools as ct
import pytest
import small_models as small
import torch
from torch import nn

from dvfl.errors import ConversionError
from dvfl_converter.program import Program
from dvfl_converter.targets.coreml import backend
from dvfl_converter.targets.coreml.backend import mil_operators
from dvfl_converter.targets.coreml.config import CoreMLConfig

FLOAT32 = ct.proto.FeatureTypes_pb2.ArrayFeatureType.FLOAT32
# Operators of ML programs of iOS 16; none falls back to a custom layer.
OPERATORS = {
    *("conv", "mul", "add", "sub", "gelu", "rsqrt", "cast", "reduce_mean", "layer_norm", "batch_norm"),
    *("reshape", "transpose", "slice_by_index"),
}


@pytest.fixture(params=["fp16", "int8"])
def package(request, converted, calibrated):
    bundle = converted if request.param == "fp16" else calibrated
    return bundle.resolve(bundle.artifact("coreml", request.param)), request.param


def spec_of(path):
    return ct.models.MLModel(str(path), skip_model_load=True).get_spec()


class TestPackage:
    def test_it_is_an_ml_program_of_the_oldest_ios_asked_for(self, package):
        spec = spec_of(package[0])
        assert spec.WhichOneof("Type") == "mlProgram"
        assert spec.specificationVersion == 7
        assert list(spec.mlProgram.functions) == ["main"]

    def test_it_takes_and_returns_float32_of_the_shapes_said(self, package):
        spec = spec_of(package[0])
        (given,), (taken,) = spec.description.input, spec.description.output
        assert (given.name, taken.name) == ("clip", "logits")
        assert list(given.type.multiArrayType.shape) == [small.FRAMES, 3, small.SIZE, small.SIZE]
        assert list(taken.type.multiArrayType.shape) == [1, len(small.LABELS)]
        assert given.type.multiArrayType.dataType == taken.type.multiArrayType.dataType == FLOAT32

    def test_every_operator_is_known(self, package):
        path, precision = package
        weights = {"constexpr_affine_dequantize"} if precision == "int8" else set()
        assert set(mil_operators(path)) <= OPERATORS | weights
        assert weights <= set(mil_operators(path))

    def test_it_computes_in_fp16_between_two_casts(self, package):
        assert mil_operators(package[0])["cast"] == 2

    def test_no_tensor_exceeds_rank_4(self, package):
        (function,) = spec_of(package[0]).mlProgram.functions.values()
        (block,) = function.block_specializations.values()
        ranks = [o.type.tensorType.rank for operation in block.operations for o in operation.outputs]
        assert max(ranks) == 4

    def test_no_mean_runs_over_a_whole_frame_at_once(self, package):
        """An fp16 sum over a frame overflows; means go axis by axis."""
        (function,) = spec_of(package[0]).mlProgram.functions.values()
        (block,) = function.block_specializations.values()
        constants = {
            operation.outputs[0].name: operation.attributes["val"].immediateValue.tensor.ints.values
            for operation in block.operations
            if operation.type == "const"
        }
        means = [operation for operation in block.operations if operation.type == "reduce_mean"]
        axes = [constants[operation.inputs["axes"].arguments[0].name] for operation in means]
        assert axes
        assert {len(of_one) for of_one in axes} == {1}


class TestManifest:
    def test_it_is_never_said_that_core_ml_ran_it(self, converted):
        artifact = converted.artifact("coreml")
        assert artifact.parity.status == "passed"
        assert "not by Core ML" in artifact.parity.reason
        assert artifact.options["proved_by"] == "interpreter"

    def test_the_contract_is_the_packages(self, converted):
        artifact = converted.artifact("coreml")
        assert (artifact.input.name, artifact.input.dtype, artifact.input.layout) == (
            "clip",
            "float32",
            "TCHW",
        )
        assert artifact.input.shape == (small.FRAMES, 3, small.SIZE, small.SIZE)

    def test_every_operator_is_placed_and_the_work_is_the_models(self, converted):
        report = converted.artifact("coreml").operators
        assert {use.placement for use in report.operators} == {"native"}
        assert sum(use.macs for use in report.operators) == converted.manifest.model.macs

    def test_int8_is_smaller(self, converted, calibrated):
        assert calibrated.artifact("coreml").bytes < 0.65 * converted.artifact("coreml").bytes


class HighRank(nn.Module):
    def forward(self, x):
        return (x[None, None, None] * 2).sum(dim=(0, 1, 2))


class TestOtherModels:
    def test_a_rank_that_core_ml_lacks_is_unsupported(self):
        report = backend.operators(Program(HighRank().eval(), (torch.zeros(2, 3, 4),), None))
        refused = [use for use in report.operators if use.placement == "unsupported"]
        assert refused
        assert {use.reason for use in refused} == {"rank 6 exceeds Core ML's 5"}

    def test_it_is_not_converted(self, tmp_path):
        program = Program(HighRank().eval(), (torch.zeros(2, 3, 4),), None)
        with pytest.raises(ConversionError, match=r"coreml: no conversion for aten\.\w+ \(.*\.py:\d+\)"):
            backend.exporter(program).write(CoreMLConfig(precision="fp32"), tmp_path / "model.mlpackage")
        assert list(tmp_path.iterdir()) == []
