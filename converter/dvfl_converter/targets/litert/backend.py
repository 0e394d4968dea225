"""LiteRT: lowering, conversion with litert-torch, quantisation, and the delegation of what came out."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Sequence
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from unittest import mock

import numpy as np
import torch
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from dvfl.errors import ConversionError
from dvfl.manifest import OperatorReport, Precision
from dvfl.model import VideoFocalNet
from dvfl.spec import PreprocessingSpec
from dvfl_converter.operators.tally import PlacedOperator, tally
from dvfl_converter.program import (
    Program,
    calls,
    layer_path,
    multiply_accumulates,
    operator_name,
    source_line,
)
from dvfl_converter.quantization.plan import QuantizationPlan
from dvfl_converter.quiet import quiet_native
from dvfl_converter.targets.base import Converted, TargetConfig
from dvfl_converter.targets.litert.delegation import delegation
from dvfl_converter.targets.litert.lowering import lower
from dvfl_converter.targets.litert.quantization import (
    Ranges,
    activation_ranges,
    quantised,
    with_half_weights,
)

SMALLEST = 64
TOOLS = ("litert-torch", "ai-edge-litert", "ai-edge-quantizer", "torch")


def lowered(network: VideoFocalNet, spec: PreprocessingSpec, precision: Precision = "fp32") -> Program:
    """The channels-last network on ``[T, H, W, 3]`` float32, 0..255; int8 keeps plain temporal convolutions.

    Raises:
        ConversionError: the input is smaller than litert-torch can convert.
    """
    frames, size = spec.temporal.frames, spec.crop.size
    if size < SMALLEST:
        raise ConversionError(
            f"litert: litert-torch cannot convert a last stage of one pixel; give --size {SMALLEST} or more, "
            "or --target executorch --target coreml"
        )
    mean, std = spec.normalization.mean, spec.normalization.std
    module = lower(network, frames, size, mean, std, winograd=precision != "int8")
    return Program(module, (torch.zeros(frames, size, size, 3),), "THWC")


def exporter(program: Program, calibration: Sequence[NDArray[np.uint8]] = ()) -> LiteRTExporter:
    """Converts with litert-torch, then quantises what came out."""
    return LiteRTExporter(program, calibration)


class LiteRTExporter:
    """Writes ``.tflite`` files whose tensors are named after the layers and Python lines that made them."""

    def __init__(self, program: Program, calibration: Sequence[NDArray[np.uint8]]) -> None:
        self._program = program
        self._calibration = calibration

    @cached_property
    def _float_model(self) -> bytes:
        return _convert_float(self._program)

    @cached_property
    def _ranges(self) -> Ranges:
        return activation_ranges(self._float_model, self._calibration)

    def write(self, config: TargetConfig, path: Path, plan: QuantizationPlan | None = None) -> Converted:
        """Writes the model at the configured precision."""
        path.write_bytes(self._model(config, plan))
        interpreter = Interpreter(str(path))
        return Converted(
            input_name=interpreter.get_input_details()[0]["name"],
            output_name=interpreter.get_output_details()[0]["name"],
            operators=delegation(path),
            tools={tool: version(tool) for tool in TOOLS},
        )

    def _model(self, config: TargetConfig, plan: QuantizationPlan | None) -> bytes:
        if config.precision == "fp32":
            return self._float_model
        if config.precision == "fp16":
            return with_half_weights(self._float_model)
        assert plan is not None, "int8 goes by a plan"
        return quantised(self._float_model, plan, self._ranges if plan.calibrates else None)


def operators(program: Program) -> OperatorReport:
    """The delegation of the converted program or, if it does not convert, the operators in the way."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "check.tflite")
        try:
            path.write_bytes(_convert_float(program))
        except ConversionError:
            placed = list(_lowerings(program))
            if all(operator.placement != "unsupported" for operator in placed):
                raise
            return tally(placed, delegate=None, delegate_calls=0)
        return delegation(path)


def _convert_float(program: Program) -> bytes:
    with tempfile.TemporaryDirectory() as folder, quiet_native() as output, _nodes_as_tensor_names():
        import litert_torch

        path = Path(folder, "model.tflite")
        try:
            litert_torch.convert(program.module.eval(), program.example).export(str(path))
        except Exception as error:
            raise ConversionError(
                f"litert: litert-torch failed: {_first_line(error, output.text)}"
            ) from error
        return path.read_bytes()


@contextlib.contextmanager
def _nodes_as_tensor_names() -> Iterator[None]:
    """Names each tensor ``operator|file.py:line|layer|node`` instead of after the class of its module.

    litert-torch has no public switch for this; the name is all that survives into the artifact. With it
    a slow or wrong operator on a phone can be traced to the line that wrote it, and a plan finds its layers.
    """
    import litert_torch.progress
    from litert_torch.backend import debuginfo
    from rich.console import Console

    def name_of(node: torch.fx.Node) -> str:
        return f"{operator_name(node)}|{source_line(node) or '?'}|{layer_path(node)}|{node.name}"

    with (
        mock.patch.object(debuginfo, "build_mlir_debuginfo", name_of),
        mock.patch.object(litert_torch.progress, "console", Console(quiet=True)),
    ):
        yield


def _lowerings(program: Program) -> Iterator[PlacedOperator]:
    """Whether litert-torch has a lowering for each operator, after the decompositions it applies first."""
    with quiet_native():
        from litert_torch import fx_infra
        from litert_torch.backend import lowerings

        exported = fx_infra.safe_run_decompositions(program.exported(), fx_infra.decomp.pre_lower_decomp())
    for node in calls(exported.graph):
        supported = lowerings.lookup(node.target) is not None
        yield PlacedOperator(
            operator=operator_name(node),
            placement="native" if supported else "unsupported",
            where="TFLite operator" if supported else "nowhere",
            reason="has a lowering; its placement is known once every operator has one"
            if supported
            else "litert-torch has no lowering for it",
            macs=multiply_accumulates(node),
            source=source_line(node),
        )


def _first_line(error: Exception, output: str) -> str:
    text = str(error).strip() or output.strip() or type(error).__name__
    return text.splitlines()[0][:300]
