"""ExecuTorch: lowering, quantisation and conversion for the XNNPACK delegate."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from executorch.exir import EdgeCompileConfig, EdgeProgramManager, to_edge_transform_and_lower
from numpy.typing import NDArray
from torch.export import ExportedProgram

from dvfl.errors import ConversionError
from dvfl.manifest import OperatorReport, Precision
from dvfl.model import VideoFocalNet
from dvfl.spec import PreprocessingSpec
from dvfl_converter.operators.tally import PlacedOperator, tally
from dvfl_converter.program import Program, calls, multiply_accumulates, operator_name, source_line
from dvfl_converter.quantization.plan import QuantizationPlan
from dvfl_converter.quiet import quiet_native
from dvfl_converter.targets.base import Converted, TargetConfig
from dvfl_converter.targets.executorch.between import partitioner
from dvfl_converter.targets.executorch.lowering import lower
from dvfl_converter.targets.executorch.quantization import Observers, observed, quantised

TOOLS = ("executorch", "torchao", "torch")

# Why XNNPACK's partitioner (executorch 1.4) leaves an operator out.
_REASONS = {
    "aten.convolution (Conv3d)": "XNNPACK convolves in 1 and 2 dimensions only",
    "aten._native_batch_norm_legit_no_training": "XNNPACK takes it only fused into a delegated convolution",
    "aten.mean": "XNNPACK takes it only at rank 4, over dims [2, 3], with keepdim=True",
    "aten.native_layer_norm": "XNNPACK has no layer_norm",
    "aten.split_with_sizes_copy": "XNNPACK has no split; slices are taken",
}


def lowered(network: VideoFocalNet, spec: PreprocessingSpec, precision: Precision = "fp32") -> Program:
    """The NCHW network on ``[T, 3, H, W]`` float32, 0..255."""
    frames, size = spec.temporal.frames, spec.crop.size
    mean, std = spec.normalization.mean, spec.normalization.std
    module = lower(network, frames, size, mean, std, winograd=precision != "int8")
    return Program(module, (torch.zeros(frames, 3, size, size),), "TCHW")


def exporter(program: Program, calibration: Sequence[NDArray[np.uint8]] = ()) -> ExecuTorchExporter:
    """Exports, quantises, and lowers to the XNNPACK delegate."""
    return ExecuTorchExporter(program, calibration)


class ExecuTorchExporter:
    """Writes ``.pte`` files."""

    def __init__(self, program: Program, calibration: Sequence[NDArray[np.uint8]]) -> None:
        self._program = program
        self._calibration = calibration
        self._observed: Observers | None = None

    @cached_property
    def _exported(self) -> ExportedProgram:
        return self._program.exported()

    def write(self, config: TargetConfig, path: Path, plan: QuantizationPlan | None = None) -> Converted:
        """Writes the program at the configured precision."""
        with quiet_native() as output:
            try:
                edge = _to_edge(self._at(config, plan))
                report = _report(edge)
                buffer = edge.to_executorch().buffer
            except ConversionError:
                raise
            except Exception as error:
                detail = str(error).strip() or output.text.strip() or type(error).__name__
                raise ConversionError(f"executorch: export failed: {detail.splitlines()[0][:300]}") from error
        path.write_bytes(buffer)
        return Converted("input_0", "output_0", report, {tool: version(tool) for tool in TOOLS})

    def _at(self, config: TargetConfig, plan: QuantizationPlan | None) -> ExportedProgram:
        if config.precision == "fp32":
            return self._exported
        assert plan is not None, "int8 goes by a plan"
        return quantised(self._program, self._exported, plan, self._observers(plan))

    def _observers(self, plan: QuantizationPlan) -> Observers:
        """Of all layers of the network, which every plan names."""
        if not plan.calibrates:
            return {}
        if self._observed is None:
            self._observed = observed(self._program, self._exported, list(plan.layers), self._calibration)
        return self._observed


def operators(program: Program) -> OperatorReport:
    """Where each operator would run: in the XNNPACK delegate, on a portable kernel, or nowhere."""
    with quiet_native():
        return _report(_to_edge(program.exported()))


def _to_edge(exported: ExportedProgram) -> EdgeProgramManager:
    # The check names operators that are not core ATen itself, instead of stopping at the first.
    config = EdgeCompileConfig(_check_ir_validity=False)
    return to_edge_transform_and_lower(exported, partitioner=[partitioner()], compile_config=config)


def _report(edge: EdgeProgramManager) -> OperatorReport:
    module = edge.exported_program().graph_module
    delegated = [
        getattr(module, node.args[0].target)
        for node in module.graph.nodes
        if node.op == "call_function" and node.target is torch.ops.higher_order.executorch_call_delegate
    ]
    placed = [*_inside(delegated), *_outside(module.graph)]
    return tally(placed, delegate="XNNPACK" if delegated else None, delegate_calls=len(delegated))


def _inside(delegates: Sequence[Any]) -> Iterator[PlacedOperator]:
    for delegate in delegates:
        for node in calls(delegate.original_module.graph):
            yield PlacedOperator(
                operator=operator_name(node),
                placement="delegate",
                where="XNNPACK",
                reason="taken by the delegate",
                macs=multiply_accumulates(node),
                source=source_line(node),
            )


def _outside(graph: torch.fx.Graph) -> Iterator[PlacedOperator]:
    kernels = _registered_kernels()
    for node in calls(graph):
        if node.target is torch.ops.higher_order.executorch_call_delegate:
            continue
        name = operator_name(node)
        has_kernel = _out_variant(node) in kernels or not name.startswith("aten.")
        yield PlacedOperator(
            operator=name,
            placement="portable" if has_kernel else "unsupported",
            where="portable kernel" if has_kernel else "nowhere",
            reason=_REASONS.get(name, "XNNPACK's partitioner does not take it")
            if has_kernel
            else "neither XNNPACK nor the portable kernels have it",
            macs=multiply_accumulates(node),
            source=source_line(node),
        )


def _registered_kernels() -> frozenset[str]:
    """Names of the kernels linked into the installed runtime, which are those of its phone builds."""
    from executorch.extension.pybindings import portable_lib

    return frozenset(name.split(".")[0] for name in portable_lib._get_operator_names())


def _out_variant(node: torch.fx.Node) -> str:
    return operator_name(node).partition(" ")[0].replace("aten.", "aten::")
