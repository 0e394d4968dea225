"""Post-training quantisation for XNNPACK with PyTorch's PT2E flow.

Only convolutions with several output channels are quantised: the one-channel convolutions are
LayerNorm's means, whose rounding every later layer would inherit, and XNNPACK has no dynamically
quantised depthwise convolution.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from executorch.backends.xnnpack.quantizer.xnnpack_quantizer import (
    XNNPACKQuantizer,
    get_symmetric_quantization_config,
)
from numpy.typing import NDArray
from torch.export import ExportedProgram
from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e

from dvfl_converter.program import Program
from dvfl_converter.targets.base import TargetConfig


def quantize(
    program: Program, config: TargetConfig, calibration: Sequence[NDArray[np.uint8]]
) -> ExportedProgram:
    """The exported program at the configured precision; fp32 passes through."""
    exported = program.exported()
    if config.precision == "fp32":
        return exported
    scheme = get_symmetric_quantization_config(is_per_channel=True, is_dynamic=not config.calibrates())
    quantizer = XNNPACKQuantizer()
    quantizer.set_operator_type(torch.ops.aten.conv2d.default, scheme)
    quantizer.set_filter_function(_is_matrix_product)
    prepared = prepare_pt2e(exported.module(), quantizer)
    with torch.no_grad():
        # Dynamic quantisation measures no activations, but one pass lets the observers see the weights.
        inputs = [program.input_of(clip) for clip in calibration] or list(program.example)
        for clip in inputs:
            prepared(clip)
        return torch.export.export(convert_pt2e(prepared), program.example)


def _is_matrix_product(node: torch.fx.Node) -> bool:
    """A convolution that mixes channels; not depthwise, and not a mean over channels."""
    if node.target is not torch.ops.aten.conv2d.default:
        return True
    weight: Any = node.args[1]
    out_channels, in_channels_per_group = weight.meta["val"].shape[:2]
    return bool(out_channels > 1 and in_channels_per_group > 1)
