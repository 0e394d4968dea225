"""Post-training quantisation for XNNPACK with PyTorch's PT2E flow, layer by layer as a plan says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy

import numpy as np
import torch
from executorch.backends.xnnpack.quantizer.xnnpack_quantizer import (
    XNNPACKQuantizer,
    get_symmetric_quantization_config,
)
from numpy.typing import NDArray
from torch.export import ExportedProgram
from torchao.quantization.pt2e.observer import ObserverBase
from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e
from torchao.quantization.pt2e.quantizer import ComposableQuantizer

from dvfl.errors import ConversionError
from dvfl_converter.program import Program, layer_path
from dvfl_converter.quantization.plan import INT8, QuantizationPlan, Scheme

Observers = Mapping[str, ObserverBase]

_CONVOLUTION = torch.ops.aten.conv2d.default


def observed(
    program: Program,
    exported: ExportedProgram,
    paths: Sequence[str],
    calibration: Sequence[NDArray[np.uint8]],
) -> Observers:
    """What every value that static int8 rounds held on the calibration clips, uint8 ``[T, H, W, 3]``.

    Measured once for all plans: which layers a plan quantises changes nothing in what they see.
    """
    prepared = prepare_pt2e(exported.module(), ComposableQuantizer([_quantizer(paths, "static")]))
    with torch.no_grad():
        for clip in calibration:
            prepared(program.input_of(clip))
    return {value: getattr(prepared, name) for value, name in _observations(prepared)}


def quantised(
    program: Program, exported: ExportedProgram, plan: QuantizationPlan, observers: Observers
) -> ExportedProgram:
    """The exported program with every layer computed as the plan says.

    Args:
        observers: from :func:`observed`, of all layers, where the plan calibrates.

    Raises:
        ConversionError: a layer of the plan was not quantised.
    """
    quantizers = [_quantizer(plan.paths(scheme), scheme) for scheme in INT8 if plan.paths(scheme)]
    prepared = prepare_pt2e(exported.module(), ComposableQuantizer(quantizers))
    with torch.no_grad():
        # Dynamic quantisation measures no activations, but one pass lets the observers see the weights.
        prepared(*program.example)
        for value, name in _observations(prepared):
            if type(observers.get(value)) is type(getattr(prepared, name)):
                setattr(prepared, name, deepcopy(observers[value]))
        result = torch.export.export(convert_pt2e(prepared), program.example)
    _check(result, plan)
    return result


def _observations(prepared: torch.fx.GraphModule) -> Iterator[tuple[str, str]]:
    """Names of an observed value and of its observer; values are named alike in every copy of the graph."""
    for node in prepared.graph.nodes:
        if node.op == "call_module" and isinstance(getattr(prepared, node.target), ObserverBase):
            yield node.args[0].name, node.target


def _quantizer(paths: Sequence[str], scheme: Scheme) -> XNNPACKQuantizer:
    """Quantises the convolutions of these layers.

    Not by ``set_module_name``: with it the weights stay float (executorch 1.4.1).
    """
    chosen = frozenset(paths)

    def is_chosen(node: torch.fx.Node) -> bool:
        return node.target is not _CONVOLUTION or layer_path(node) in chosen

    quantizer = XNNPACKQuantizer()
    quantizer.set_operator_type(
        _CONVOLUTION, get_symmetric_quantization_config(is_per_channel=True, is_dynamic=scheme == "dynamic")
    )
    return quantizer.set_filter_function(is_chosen)


def _check(exported: ExportedProgram, plan: QuantizationPlan) -> None:
    """A module name that matches no layer is no error to the quantizer."""
    wanted = sum(scheme in INT8 for scheme in plan.layers.values())
    weights = sum(
        tensor.dtype == torch.int8 and tensor.ndim > 1
        for tensor in (*exported.state_dict.values(), *exported.constants.values())
        if isinstance(tensor, torch.Tensor)
    )
    if weights < wanted:
        raise ConversionError(f"executorch: only {weights} of {wanted} layers were quantised to int8")
