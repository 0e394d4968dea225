"""Operators between static int8 layers that stay int8: nothing is widened only to be rounded again."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Any

from ai_edge_litert.interpreter import Interpreter
from ai_edge_quantizer.qtyping import TFLOperationName

_PRODUCT, _RESHAPE = TFLOperationName.MUL, TFLOperationName.RESHAPE


def between_layers(model: bytes, layers: Container[str]) -> Mapping[TFLOperationName, list[str]]:
    """The outputs of these operators, by kind.

    - Products of layers' outputs: the modulation's ``q * M_spatial * M_temporal``.
    - Reshapes of a layer's output, or of what only layers read: XNNPACK copies, so a quarter of the bytes.

    Args:
        model: a float ``.tflite``.
        layers: output tensors of the static layers.
    """
    interpreter = Interpreter(model_content=model)
    names = {tensor["index"]: str(tensor["name"]) for tensor in interpreter.get_tensor_details()}
    operators = interpreter._get_ops_details()
    wide = _read_by_others(operators, names, layers)
    int8: set[int] = set()
    found: dict[TFLOperationName, list[str]] = {_PRODUCT: [], _RESHAPE: []}
    for operator in operators:
        output, inputs = int(operator["outputs"][0]), [int(index) for index in operator["inputs"]]
        is_layer = names[output] in layers
        # Of two: a square is LayerNorm's.
        is_product = operator["op_name"] == _PRODUCT and len({*inputs}) == 2 and int8.issuperset(inputs)
        is_reshape = operator["op_name"] == _RESHAPE and (inputs[0] in int8 or output not in wide)
        if is_layer or is_product or is_reshape:
            int8.add(output)
        if is_product or is_reshape:
            found[TFLOperationName(operator["op_name"])].append(names[output])
    return found


def _read_by_others(
    operators: list[dict[str, Any]], names: Mapping[int, str], layers: Container[str]
) -> set[int]:
    """The tensors that anything but a static layer reads."""
    return {
        int(index)
        for operator in operators
        if names[int(operator["outputs"][0])] not in layers
        for index in operator["inputs"]
    }
