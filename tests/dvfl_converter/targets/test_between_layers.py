"""What stands between static int8 layers stays int8, and nothing else does."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import small_models as small
import torch
from ai_edge_litert.interpreter import Interpreter

from dvfl_converter.lowering.weights import LEVELS
from dvfl_converter.program import layer_path
from dvfl_converter.quantization.layers import quantisable_layers
from dvfl_converter.quantization.plan import QuantizationPlan
from dvfl_converter.targets.executorch import backend as executorch
from dvfl_converter.targets.executorch import quantization as executorch_quantization
from dvfl_converter.targets.executorch.between import BetweenLayers
from dvfl_converter.targets.executorch.config import ExecuTorchConfig
from dvfl_converter.targets.litert import backend as litert
from dvfl_converter.targets.litert.config import LiteRTConfig

pytestmark = pytest.mark.slow

BLOCKS = 4


def plan_of(target, program, chosen="static", spared="", instead="fp32"):
    """Every layer alike, but those with ``spared`` in their path."""
    return QuantizationPlan(
        target=target,
        layers={
            layer.path: instead if spared and spared in layer.path else chosen
            for layer in quantisable_layers(program)
        },
    )


@pytest.fixture(scope="module")
def clips():
    dice = np.random.default_rng(0)
    return [dice.integers(0, 256, (small.FRAMES, small.SIZE, small.SIZE, 3), np.uint8) for _ in range(2)]


def program_of(backend):
    return backend.lowered(small.randomised(branch_gain=0.3), small.SPEC, "int8")


class TestExecuTorch:
    @pytest.fixture(scope="class")
    def int8_operators(self, clips):
        """Counts the operators by name whose inputs and output are int8, in the graph of a plan."""
        program = program_of(executorch)
        exported = program.exported()
        layers = [layer.path for layer in quantisable_layers(program)]
        observers = executorch_quantization.observed(program, exported, layers, clips)

        def count(**changes):
            plan = plan_of("executorch", program, **changes)
            graph = executorch_quantization.quantised(program, exported, plan, observers).graph
            names = Counter(str(node.target).split(".")[1] for node in graph.nodes if _is_int8(node))
            return names - Counter(conv2d=sum(scheme == "static" for scheme in plan.layers.values()))

        return count

    def test_all_between_layers_is_int8(self, int8_operators):
        assert int8_operators() == {
            # Of the MLP, of both temporal levels, of their mean.
            "gelu": BLOCKS * (1 + LEVELS + 1),
            # Each level and every frame's mean with its gate.
            "mul": BLOCKS * (LEVELS + small.FRAMES),
            # Of the gated levels, and with the gated mean.
            "add": BLOCKS * LEVELS,
            # The mean over time.
            "conv2d": BLOCKS,
            # Frames stacked and unstacked; the gated means stacked.
            "slice": BLOCKS * 2 * small.FRAMES,
            "cat": BLOCKS * 3,
        }

    def test_behind_a_layer_that_is_not_static_it_is_not(self, int8_operators):
        changed = int8_operators() - int8_operators(spared=".fc1")
        assert changed == {"gelu": BLOCKS}
        changed = int8_operators() - int8_operators(spared="temporal_layers.1")
        # The last level, its mean and that mean's GELU; with them the gated sums, not the first gated level.
        assert changed == {
            "gelu": BLOCKS * 2,
            "mul": BLOCKS * (1 + small.FRAMES),
            "add": BLOCKS * LEVELS,
            "conv2d": BLOCKS,
            "cat": BLOCKS,
        }

    def test_dynamic_layers_leave_all_between_them_alone(self, int8_operators):
        assert int8_operators(chosen="dynamic") == {}

    def test_a_mixed_plan_loads_and_agrees(self, clips, tmp_path):
        from executorch.extension.pybindings import _portable_lib as runtime

        program, path = program_of(executorch), tmp_path / "mixed.pte"
        plan = plan_of("executorch", program, spared="temporal_context", instead="dynamic")
        converted = executorch.exporter(program, clips).write(ExecuTorchConfig(precision="int8"), path, plan)
        assert converted.operators.delegate_calls == 1
        content = path.read_bytes()
        clip = program.input_of(clips[0]).contiguous()
        found = runtime._load_for_executorch_from_buffer(content).forward((clip,))[0].flatten()
        expected = program.module(clip).flatten()
        assert torch.cosine_similarity(found, expected, dim=0) > 0.99


class TestLiteRT:
    @pytest.fixture(scope="class")
    def int8_operators(self, clips, tmp_path_factory):
        """Counts the operators by name whose inputs and output are int8, in the artifact of a plan."""
        program = program_of(litert)
        exporter = litert.exporter(program, clips)
        path = tmp_path_factory.mktemp("litert") / "model.tflite"

        def count(**changes):
            exporter.write(LiteRTConfig(precision="int8"), path, plan_of("litert", program, **changes))
            return _int8_operators(path)

        return count

    def test_products_of_layers_and_reshapes_between_them_are_int8(self, int8_operators):
        assert int8_operators() == {"MUL": BLOCKS * 2, "RESHAPE": BLOCKS * 2}

    def test_behind_a_layer_that_is_not_static_they_are_not(self, int8_operators):
        assert int8_operators(spared=".query") == {"RESHAPE": BLOCKS * 2}
        assert int8_operators(spared="temporal_context") == {"MUL": BLOCKS * 2, "RESHAPE": BLOCKS}
        assert int8_operators(spared="temporal_out") == {"MUL": BLOCKS, "RESHAPE": BLOCKS}

    def test_dynamic_layers_leave_all_between_them_alone(self, int8_operators):
        assert int8_operators(chosen="dynamic") == {}


def test_a_gate_has_one_channel_and_a_mean_over_time_one_column(clips):
    """Or depthwise convolutions over pixels and products of contexts would be rounded too."""
    program = program_of(executorch)
    graph = program.exported().module()
    BetweenLayers(
        lambda node: node.target is torch.ops.aten.conv2d.default and node.args[1].meta["val"].shape[1] > 1
    ).annotate(graph)
    annotated = {
        layer_path(node).rpartition(".")[2]
        for node in graph.graph.nodes
        if "quantization_annotation" in node.meta and node.target is torch.ops.aten.conv2d.default
    }
    assert annotated == {"mean_over_time"}


def _is_int8(node):
    """Whether a node reads rounded values only and its output is rounded before anything reads it."""
    quantised = torch.ops.quantized_decomposed.quantize_per_tensor.default
    widened = {
        torch.ops.quantized_decomposed.dequantize_per_tensor.default,
        torch.ops.quantized_decomposed.dequantize_per_channel.default,
    }
    given = [value for value in node.all_input_nodes if value.op == "call_function"]
    return (
        node.op == "call_function"
        and node.target not in widened
        and bool(given)
        and all(value.target in widened for value in given)
        and all(user.target is quantised for user in node.users)
    )


def _int8_operators(path):
    interpreter = Interpreter(str(path))
    dtypes = {tensor["index"]: tensor["dtype"] for tensor in interpreter.get_tensor_details()}
    return Counter(
        operator["op_name"]
        for operator in interpreter._get_ops_details()
        if operator["op_name"] in ("MUL", "RESHAPE", "ADD", "GELU")
        and dtypes[int(operator["inputs"][0])] == dtypes[int(operator["outputs"][0])] == np.int8
    )
