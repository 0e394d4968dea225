"""Each runtime's own int8 recipe, as its documentation gives it, for the plain model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from dvfl.errors import ConversionError
from dvfl_converter.program import Program
from dvfl_converter.quiet import quiet_native
from dvfl_converter.targets.base import Converted
from dvfl_converter.targets.registry import TARGETS, load_backend

Clips = Sequence[NDArray[np.uint8]]


def _litert(program: Program, fp32: Path, clips: Clips, path: Path) -> Converted:
    """ai-edge-quantizer's ``dynamic_wi8_afp32``: int8 weights of every operator, nothing to calibrate."""
    with quiet_native():
        from ai_edge_litert.interpreter import Interpreter
        from ai_edge_quantizer import quantizer, recipe

        from dvfl_converter.targets.litert.delegation import delegation

        try:
            quantization = quantizer.Quantizer(bytearray(fp32.read_bytes()))
            quantization.load_quantization_recipe(recipe.dynamic_wi8_afp32())
            path.write_bytes(bytes(quantization.quantize().quantized_model))
            interpreter = Interpreter(str(path))
        except Exception as error:
            raise _failed("litert", error) from error
        return Converted(
            input_name=interpreter.get_input_details()[0]["name"],
            output_name=interpreter.get_output_details()[0]["name"],
            operators=delegation(path),
            tools={tool: version(tool) for tool in ("ai-edge-quantizer", "ai-edge-litert")},
        )


def _executorch(program: Program, fp32: Path, clips: Clips, path: Path) -> Converted:
    """XNNPACK's PT2E tutorial: static, per channel, every operator, calibrated on the clips."""
    target = TARGETS["executorch"]
    backend = load_backend(target)
    with quiet_native():
        from executorch.backends.xnnpack.quantizer.xnnpack_quantizer import (
            XNNPACKQuantizer,
            get_symmetric_quantization_config,
        )
        from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e

        try:
            quantizer = XNNPACKQuantizer().set_global(get_symmetric_quantization_config(is_per_channel=True))
            prepared = prepare_pt2e(program.exported().module(), quantizer)
            with torch.no_grad():
                for clip in [program.input_of(clip) for clip in clips] or program.example:
                    prepared(clip)
            quantised = _Exported(convert_pt2e(prepared))
        except Exception as error:
            raise _failed("executorch", error) from error
    # To the back end it is a program like any other; fp32 here means that it quantises nothing more.
    exporter = backend.exporter(Program(quantised, program.example, program.layout))
    return exporter.write(target.config(precision="fp32"), path)


class _Exported(nn.Module):
    """An exported graph as a module; the graph itself refuses ``train`` and ``eval``."""

    def __init__(self, exported: nn.Module) -> None:
        super().__init__()
        self.exported = exported

    def train(self, mode: bool = True) -> Self:
        """Nothing to switch: the graph was exported for inference."""
        return self

    def forward(self, clip: Tensor) -> Tensor:
        logits: Tensor = self.exported(clip)
        return logits


def _failed(target: str, error: Exception) -> ConversionError:
    reason = " ".join(str(error).split())[:300] or type(error).__name__
    return ConversionError(f"{target}: its own int8 recipe fails on the plain model: {reason}")


OWN_INT8: dict[str, Callable[[Program, Path, Clips, Path], Converted]] = {
    "litert": _litert,
    "executorch": _executorch,
}
