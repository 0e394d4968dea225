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
from torchao.quantization.pt2e.quantizer import ComposableQuantizer, Quantizer

from dvfl.errors import ConversionError
from dvfl_converter.program import Program, layer_path
from dvfl_converter.quantization.plan import INT8, QuantizationPlan, Scheme
from dvfl_converter.targets.executorch.between import BetweenLayers

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
    prepared = prepare_pt2e(exported.module(), ComposableQuantizer(_quantizers(paths, "static")))
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
    quantizers = [
        quantizer
        for scheme in INT8
        if (paths := plan.paths(scheme))
        for quantizer in _quantizers(paths, scheme)
    ]
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


def _quantizers(paths: Sequence[str], scheme: Scheme) -> list[Quantizer]:
    """Quantise the convolutions of these layers and, where they are static, what stands between them.

    Not by ``set_module_name``: with it the weights stay float (executorch 1.4.1).
    """
    chosen = frozenset(paths)

    def is_chosen(node: torch.fx.Node) -> bool:
        return node.target is _CONVOLUTION and layer_path(node) in chosen

    layers = XNNPACKQuantizer()
    layers.set_operator_type(
        _CONVOLUTION, get_symmetric_quantization_config(is_per_channel=True, is_dynamic=scheme == "dynamic")
    )
    layers.set_filter_function(lambda node: node.target is not _CONVOLUTION or is_chosen(node))
    return [layers, BetweenLayers(is_chosen)] if scheme == "static" else [layers]


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
