"""The registry of targets. Adding one is a folder beside this file and a row here."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from typing import cast

from dvfl.errors import ConversionError
from dvfl_converter.quiet import quiet_native
from dvfl_converter.targets.base import Backend, Magnitudes, StandIn, Taps, Target
from dvfl_converter.targets.coreml.config import CoreMLConfig
from dvfl_converter.targets.executorch.config import ExecuTorchConfig
from dvfl_converter.targets.litert.config import LiteRTConfig

TARGETS: dict[str, Target] = {
    target.name: target
    for target in (
        Target(
            name="executorch",
            title="ExecuTorch (XNNPACK)",
            suffix=".pte",
            default_precisions=("fp32",),
            refused={
                "fp16": "XNNPACK's partitioner stores convolution weights as fp32 whatever their type, "
                "so fp16 would save neither bytes nor time"
            },
            schemes=("static", "dynamic", "fp32"),
            int8_lowered_apart=True,
            by_stage=False,
            config=ExecuTorchConfig,
            backend="dvfl_converter.targets.executorch.backend",
            packages=("executorch", "torchao"),
            taps="dvfl_converter.targets.executorch.taps",
            taps_reconvert=True,
        ),
        Target(
            name="coreml",
            title="Core ML",
            suffix=".mlpackage",
            default_precisions=("fp16",),
            refused={},
            schemes=(),
            int8_lowered_apart=False,
            by_stage=False,
            config=CoreMLConfig,
            backend="dvfl_converter.targets.coreml.backend",
            packages=("coremltools",),
            runs_here=sys.platform == "darwin",
            not_run_reason="Core ML runs only on macOS and iOS: converted, its operators and contract "
            "checked, but never executed here",
            stand_in="dvfl_converter.targets.coreml.interpreted",
            stand_in_reason="computed by this project's interpreter of ML programs, not by Core ML: graph, "
            "weights, layouts and rounding are proved, Apple's kernels are not",
            magnitudes="dvfl_converter.targets.coreml.interpreted",
            taps="dvfl_converter.targets.coreml.interpreted",
        ),
        Target(
            name="litert",
            title="LiteRT (TFLite)",
            suffix=".tflite",
            default_precisions=("fp32",),
            refused={},
            schemes=("static", "dynamic", "fp16"),
            int8_lowered_apart=True,
            by_stage=True,
            config=LiteRTConfig,
            backend="dvfl_converter.targets.litert.backend",
            packages=("litert_torch", "ai_edge_litert", "ai_edge_quantizer"),
            taps="dvfl_converter.targets.litert.taps",
        ),
    )
}


def load_backend(target: Target) -> Backend:
    """Imports a target's back end.

    Raises:
        ConversionError: a package it needs is not installed.
    """
    missing = [package for package in target.packages if importlib.util.find_spec(package) is None]
    if missing:
        raise ConversionError(
            f"{target.name}: needs {', '.join(missing)}; install with: pip install 'dvfl[convert]'"
        )
    # Some print to the terminal while they are imported.
    with quiet_native():
        return cast(Backend, importlib.import_module(target.backend))


def load_stand_in(target: Target) -> StandIn | None:
    """What computes an artifact without its runtime; ``None`` where nothing does."""
    if target.stand_in is None:
        return None
    with quiet_native():
        return cast(StandIn, importlib.import_module(target.stand_in).open_artifact)


def load_magnitudes(target: Target) -> Magnitudes | None:
    """The function that measures an artifact's fp16 values, where there is one."""
    if target.magnitudes is None:
        return None
    with quiet_native():
        return cast(Magnitudes, importlib.import_module(target.magnitudes).half_magnitudes)


def load_taps(target: str) -> Taps | None:
    """The function that reads an artifact's intermediate tensors, where the runtime shows them."""
    row = TARGETS.get(target)
    if row is None or row.taps is None:
        return None
    with quiet_native():
        return cast(Taps, importlib.import_module(row.taps).intermediate_tensors)
