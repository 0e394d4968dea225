"""What an ExecuTorch conversion really leaves: delegation, sizes, contract."""

from __future__ import annotations

import re

import numpy as np
import pytest
import small_models as small
import torch
from torch import nn

from dvfl.engines import open_engine
from dvfl_converter.program import Program
from dvfl_converter.quantization.layers import quantisable_layers
from dvfl_converter.quantization.plan import QuantizationPlan
from dvfl_converter.targets.executorch import backend
from dvfl_converter.targets.executorch.config import ExecuTorchConfig

OPERATORS = {
    *("aten.convolution (Conv2d)", "aten.add", "aten.sub", "aten.mul", "aten.gelu", "aten.rsqrt"),
    *("aten.mean", "aten.cat", "aten.slice_copy", "aten.view_copy"),
}


class TestDelegation:
    def test_one_delegate_call_holds_every_operator(self, converted):
        report = converted.artifact("executorch", "fp32").operators
        outside = [(use.operator, use.source) for use in report.operators if use.placement != "delegate"]
        assert outside == []
        assert (report.delegate, report.delegate_calls) == ("XNNPACK", 1)

    def test_no_operator_comes_in_that_xnnpack_lacks(self, converted):
        names = {use.operator for use in converted.artifact("executorch", "fp32").operators.operators}
        assert names == OPERATORS

    def test_the_work_is_the_models_and_the_means(self, converted):
        report = converted.artifact("executorch", "fp32").operators
        work = sum(use.macs for use in report.operators)
        # LayerNorm's means are convolutions onto one channel.
        assert converted.manifest.model.macs < work < 1.02 * converted.manifest.model.macs

    def test_static_int8_stays_in_one_delegate_call(self, calibrated):
        report = calibrated.artifact("executorch", "int8").operators
        assert (report.delegate_calls, report.macs_share("delegate")) == (1, 1.0)
        assert report.count("portable") == report.count("unsupported") == 0


class TestArtifact:
    def test_int8_is_smaller(self, converted, calibrated):
        assert (
            calibrated.artifact("executorch", "int8").bytes
            < 0.6 * converted.artifact("executorch", "fp32").bytes
        )

    def test_the_contract_is_channels_first(self, converted):
        artifact = converted.artifact("executorch", "fp32")
        assert artifact.input.layout == "TCHW"
        assert artifact.input.shape == (small.FRAMES, 3, small.SIZE, small.SIZE)
        assert artifact.output.shape == (1, len(small.LABELS))

    def test_the_runtime_loads_it_as_the_manifest_says(self, converted):
        # The engine itself refuses a file whose input is another than the manifest's.
        open_engine(converted, converted.artifact("executorch", "fp32")).close()

    def test_the_tools_are_named_with_their_versions(self, converted):
        tools = converted.artifact("executorch", "fp32").tools
        assert set(tools) == {"executorch", "torchao", "torch"}
        assert all(re.match(r"\d+\.\d+", number) for number in tools.values())


@pytest.fixture(scope="module")
def int8_program():
    return backend.lowered(small.randomised(branch_gain=0.3), small.SPEC, "int8")


@pytest.fixture(scope="module")
def pixels():
    dice = np.random.default_rng(0)
    return [dice.integers(0, 256, (small.FRAMES, small.SIZE, small.SIZE, 3), np.uint8) for _ in range(3)]


def static(program, spared=""):
    """A plan that quantises every layer statically, or all but those with ``spared`` in their path."""
    layers = [layer.path for layer in quantisable_layers(program)]
    return QuantizationPlan(
        target="executorch",
        layers={path: "fp32" if spared and spared in path else "static" for path in layers},
    )


@pytest.mark.slow
class TestCalibration:
    def test_clips_measured_for_one_plan_serve_the_next(self, int8_program, pixels, tmp_path):
        """The activations' ranges belong to the network, not to the plan."""
        config = ExecuTorchConfig(precision="int8")
        all_static, no_mlp = static(int8_program), static(int8_program, spared=".fc")
        used, fresh = (backend.exporter(int8_program, pixels) for _ in range(2))
        used.write(config, tmp_path / "first.pte", all_static)
        used.write(config, tmp_path / "second.pte", no_mlp)
        fresh.write(config, tmp_path / "alone.pte", no_mlp)
        assert (tmp_path / "second.pte").read_bytes() == (tmp_path / "alone.pte").read_bytes()
        assert (tmp_path / "second.pte").read_bytes() != (tmp_path / "first.pte").read_bytes()

    def test_other_clips_give_other_ranges(self, int8_program, pixels, tmp_path):
        plan, config = static(int8_program), ExecuTorchConfig(precision="int8")
        backend.exporter(int8_program, pixels).write(config, tmp_path / "a.pte", plan)
        dark = [clip // 8 for clip in pixels]
        backend.exporter(int8_program, dark).write(config, tmp_path / "b.pte", plan)
        assert (tmp_path / "a.pte").read_bytes() != (tmp_path / "b.pte").read_bytes()


class Normed(nn.Module):
    """A linear layer that XNNPACK takes, and a LayerNorm that it does not."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(8, 8)
        self.norm = nn.LayerNorm(8)

    def forward(self, x):
        return self.norm(self.linear(x))


@pytest.fixture(scope="module")
def report():
    return backend.operators(Program(Normed().eval(), (torch.zeros(2, 8),), None))


class TestOtherModels:
    def test_an_operator_off_the_delegate_is_named_with_its_reason(self, report):
        uses = [use for use in report.operators if use.placement == "portable"]
        assert [(use.operator, use.reason) for use in uses] == [
            ("aten.native_layer_norm", "XNNPACK has no layer_norm")
        ]

    def test_and_with_the_line_that_wrote_it(self, report):
        (use,) = [use for use in report.operators if use.placement == "portable"]
        assert re.search(r"(test_executorch_artifacts|nn/modules/normalization)\.py:\d+$", use.source)

    def test_what_the_delegate_takes_is_its_share_of_the_work(self, report):
        assert report.delegate_calls == 1
        assert report.macs_share("delegate") == 1.0
