"""Core ML: lowering, conversion to an ML program, and the operators it is made of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

import coremltools as ct
import numpy as np
import torch
from coremltools.converters.mil.frontend.torch.torch_op_registry import _TORCH_OPS_REGISTRY
from coremltools.optimize import coreml as cto
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
from dvfl_converter.targets.coreml.lowering import lower
from dvfl_converter.targets.coreml.placement import operators_of

TOOLS = ("coremltools", "torch")
INPUT_NAME = "clip"
OUTPUT_NAME = "logits"
MAX_RANK = 5


def lowered(network: VideoFocalNet, spec: PreprocessingSpec, precision: Precision = "fp32") -> Program:
    """The 1x1-convolution network on ``[T, 3, H, W]`` float32, 0..255."""
    del precision
    frames, size = spec.temporal.frames, spec.crop.size
    module = lower(network, spec.normalization.mean, spec.normalization.std)
    return Program(module, (torch.zeros(frames, 3, size, size),), "TCHW")


def exporter(program: Program, calibration: Sequence[NDArray[np.uint8]] = ()) -> CoreMLExporter:
    """Converts to an ML program; nothing is calibrated, because int8 stores weights only."""
    del calibration
    return CoreMLExporter(program)


class CoreMLExporter:
    """Writes ``.mlpackage`` folders that take and return float32 and compute at the configured precision.

    int8 stores weights as int8 with a scale per channel; arithmetic is then fp16.
    """

    def __init__(self, program: Program) -> None:
        self.program = program

    @cached_property
    def _operators(self) -> OperatorReport:
        return operators(self.program)

    @cached_property
    def _exported(self) -> ExportedProgram:
        exported: ExportedProgram = self.program.exported().run_decompositions({})
        return exported

    def write(self, config: TargetConfig, path: Path, plan: QuantizationPlan | None = None) -> Converted:
        """Writes the program."""
        del plan
        report = self._operators
        if missing := [use for use in report.operators if use.placement == "unsupported"]:
            raise ConversionError(f"coreml: no conversion for {missing[0].operator} ({missing[0].source})")
        with quiet_native() as output:
            try:
                self._model(config).save(str(path))
            except Exception as error:
                detail = str(error).strip() or output.text.strip() or type(error).__name__
                raise ConversionError(
                    f"coreml: coremltools failed: {detail.splitlines()[0][:300]}"
                ) from error
        # The package's own operators, not ATen's: coremltools merges and rewrites them.
        return Converted(INPUT_NAME, OUTPUT_NAME, operators_of(path), {tool: version(tool) for tool in TOOLS})

    def _model(self, config: TargetConfig) -> Any:
        deployment = getattr(ct.target, config.options().get("minimum_deployment_target", "iOS16"))
        compute = ct.precision.FLOAT32 if config.precision == "fp32" else ct.precision.FLOAT16
        shape = self.program.example[0].shape
        model = ct.convert(
            self._exported,
            inputs=[ct.TensorType(name=INPUT_NAME, shape=shape, dtype=np.float32)],
            outputs=[ct.TensorType(name=OUTPUT_NAME, dtype=np.float32)],
            minimum_deployment_target=deployment,
            compute_precision=compute,
            skip_model_load=True,
        )
        return _quantise_weights(model) if config.precision == "int8" else model


def operators(program: Program) -> OperatorReport:
    """Which ATen operators coremltools converts, and which tensors exceed Core ML's rank."""
    with quiet_native():
        exported = program.exported().run_decompositions({})
    return tally((_place(node) for node in calls(exported.graph)), delegate=None, delegate_calls=0)


def mil_operators(path: Path) -> Counter[str]:
    """The ML program's own operators, constants left out."""
    spec = ct.models.MLModel(str(path), skip_model_load=True).get_spec()
    return Counter(kind for kind in _mil_types(spec) if kind != "const")


def _mil_types(spec: Any) -> Iterator[str]:
    for function in spec.mlProgram.functions.values():
        for block in function.block_specializations.values():
            for operation in block.operations:
                yield operation.type


def _quantise_weights(model: Any) -> Any:
    layers = cto.OpLinearQuantizerConfig(mode="linear_symmetric", dtype="int8", granularity="per_channel")
    return cto.linear_quantize_weights(model, config=cto.OptimizationConfig(global_config=layers))


def _place(node: torch.fx.Node) -> PlacedOperator:
    name = operator_name(node)
    supported = _TORCH_OPS_REGISTRY.get_func(name.removeprefix("aten.")) is not None
    rank = max((value.ndim for value in _tensors(node)), default=0)
    fits = supported and rank <= MAX_RANK
    reason = (
        "converted to ML program operators; Core ML picks CPU, GPU or Neural Engine on the device"
        if fits
        else f"rank {rank} exceeds Core ML's {MAX_RANK}"
        if supported
        else "coremltools has no conversion for it"
    )
    return PlacedOperator(
        operator=name,
        placement="native" if fits else "unsupported",
        where="Core ML" if fits else "nowhere",
        reason=reason,
        macs=multiply_accumulates(node),
        source=source_line(node),
    )


def _tensors(node: torch.fx.Node) -> Iterator[torch.Tensor]:
    value = node.meta.get("val")
    for item in value if isinstance(value, tuple | list) else (value,):
        if isinstance(item, torch.Tensor):
            yield item
