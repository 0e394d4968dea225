"""Values between static int8 layers stay int8, where XNNPACK computes or moves them so.

PT2E's quantizer rounds what a layer takes and gives. What stands between two layers would be widened to
float32 only to be rounded again; on tensors that fit no cache that is most of its time.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from executorch.backends.xnnpack.partition.config import ALL_PARTITIONER_CONFIGS
from executorch.backends.xnnpack.partition.config.generic_node_configs import GeluConfig
from executorch.backends.xnnpack.partition.config.xnnpack_config import ConfigPrecisionType
from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
from executorch.backends.xnnpack.quantizer.xnnpack_quantizer import get_symmetric_quantization_config
from torch.fx import GraphModule, Node
from torchao.quantization.pt2e.quantizer import QuantizationAnnotation, Quantizer, SharedQuantizationSpec

_ANNOTATION = "quantization_annotation"
_GELU = torch.ops.aten.gelu.default
_SUM = torch.ops.aten.add.Tensor
_PRODUCT = torch.ops.aten.mul.Tensor
_CONVOLUTION = torch.ops.aten.conv2d.default
_SLICE = torch.ops.aten.slice.Tensor
_CONCATENATION = torch.ops.aten.cat.default
_MOVES = (_SLICE, _CONCATENATION)


class BetweenLayers(Quantizer):  # type: ignore[misc]
    """Annotates what may stay int8 between layers.

    - GELU of int8: eight bits in, eight out, so that XNNPACK looks it up in a table.
    - Products of int8 with gates, and their sums. Not the modulation's ``q * M_spatial * M_temporal``: that
      would save 2 % of ``nano``'s time and cost the gate's margin, 0.00006 of the mean cosine.
    - The mean over time, which is a depthwise convolution.
    - What is only moved: slices put together in another order for a layer, and int8 put together.

    Args:
        is_static: whether a node is a layer that a plan computes in static int8.
    """

    def __init__(self, is_static: Callable[[Node], bool]) -> None:
        super().__init__()
        self._is_static = is_static
        self._config = get_symmetric_quantization_config(is_per_channel=True)

    def annotate(self, model: GraphModule) -> GraphModule:
        """Marks the operators in ``model``, whose nodes are in the order in which they run."""
        int8: set[Node] = set()
        for node in model.graph.nodes:
            if self._is_static(node):
                int8.add(node)
            elif self._stays(node, int8):
                node.meta[_ANNOTATION] = self._moved(node) if node.target in _MOVES else self._computed(node)
                int8.add(node)
        return model

    def validate(self, model: GraphModule) -> None:
        """Nothing to refuse: what is not annotated stays float32."""

    def _stays(self, node: Node, int8: set[Node]) -> bool:
        """Whether a node's output can be int8, given those before it that are."""
        inputs = node.all_input_nodes
        if node.target is _SLICE:
            return all(map(self._reorders_for_layers, node.users))
        if node.target is _CONVOLUTION:
            return inputs[0] in int8 and _is_over_time(inputs[1])
        if node.target is _PRODUCT:
            return any(map(_is_gate, inputs)) and not int8.isdisjoint(inputs)
        return node.target in (_GELU, _SUM, _CONCATENATION) and int8.issuperset(inputs)

    def _reorders_for_layers(self, node: Node) -> bool:
        return node.target is _CONCATENATION and all(map(self._is_static, node.users))

    def _computed(self, node: Node) -> QuantizationAnnotation:
        """Inputs and output have a scale each."""
        inputs = dict.fromkeys(node.all_input_nodes, self._config.input_activation)
        if node.target is _CONVOLUTION:
            inputs[node.all_input_nodes[1]] = self._config.weight
        return QuantizationAnnotation(inputs, self._config.output_activation, _annotated=True)

    def _moved(self, node: Node) -> QuantizationAnnotation:
        """Inputs and output have one scale: that of the first input."""
        first, *others = node.all_input_nodes
        shared = SharedQuantizationSpec((first, node))
        inputs = {first: self._config.input_activation, **dict.fromkeys(others, shared)}
        return QuantizationAnnotation(inputs, shared, _annotated=True)


class _Gelu(GeluConfig):  # type: ignore[misc]
    """GELU of int8, which the partitioner (executorch 1.4) leaves out and the delegate computes."""

    def supported_precision_types(self) -> list[ConfigPrecisionType]:
        return [ConfigPrecisionType.FP32, ConfigPrecisionType.STATIC_QUANT]


def partitioner() -> XnnpackPartitioner:
    """XNNPACK's, which takes what :class:`BetweenLayers` annotates."""
    return XnnpackPartitioner(
        configs=[_Gelu if config is GeluConfig else config for config in ALL_PARTITIONER_CONFIGS]
    )


def _is_over_time(kernel: Node) -> bool:
    """Whether a kernel ``[C, in, k, w]`` is depthwise and one column wide: frames are stacked in rows."""
    _, channels, rows, columns = kernel.meta["val"].shape
    return bool(channels == columns == 1 and rows > 1)


def _is_gate(node: Node) -> bool:
    """Whether a node takes one channel of several, unlike LayerNorm's factor, which comes alone."""
    return node.target is _SLICE and bool(node.meta["val"].shape[1] == 1)
