"""Post-training quantisation of a float ``.tflite`` with ai-edge-quantizer, layer by layer as a plan says."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from ai_edge_quantizer import qtyping, quantizer
from ai_edge_quantizer.algorithm_manager import AlgorithmName
from ai_edge_quantizer.qtyping import TFLOperationName
from numpy.typing import NDArray

from dvfl.errors import ConversionError
from dvfl_converter.quantization.plan import QuantizationPlan, Scheme
from dvfl_converter.quiet import quiet_native
from dvfl_converter.targets.litert.between import between_layers

_LAYERS = (TFLOperationName.FULLY_CONNECTED, TFLOperationName.CONV_2D)
# Tensors are named ``operator|line|layer|node`` when a model is converted.
_LAYER = re.compile(r"^[^|;]*\|[^|;]*\|([^|;]*)\|")
_STORED_AS = {"fp16": np.float16, "dynamic": np.int8, "static": np.int8}

Ranges = Mapping[str, Any]
Samples = Mapping[str, Sequence[Mapping[str, NDArray[np.float32]]]]


def quantised(model: bytes, plan: QuantizationPlan, ranges: Ranges | None) -> bytes:
    """The model with every layer stored and computed as the plan says.

    Args:
        model: a float ``.tflite`` whose tensors are named after their layers.
        plan: covers every layer.
        ranges: from :func:`activation_ranges`, where the plan calibrates.

    Raises:
        ConversionError: a layer of the plan was not quantised.
    """
    outputs = _outputs(model)
    with quiet_native():
        quantization = quantizer.Quantizer(bytearray(model))
        for scheme, add in _RECIPES.items():
            if chosen := [output for path in plan.paths(scheme) for output in _outputs_of(path, outputs)]:
                for operator in _LAYERS:
                    add(quantization, _pattern(chosen), operator)
                if scheme == "static":
                    _add_between(quantization, model, chosen)
        result = bytes(quantization.quantize(ranges if plan.calibrates else None).quantized_model)
    _check(result, plan)
    return result


def with_half_weights(model: bytes) -> bytes:
    """The model with all weights stored as fp16, depthwise kernels included.

    They are widened once when the model loads; arithmetic stays fp32 on CPUs. LiteRT 1.1 to 1.3 and
    TensorFlow 2.19 make NaN of other layers' half weights; for the depthwise ones they refuse the file.
    """
    with quiet_native():
        quantization = quantizer.Quantizer(bytearray(model))
        for operator in (*_LAYERS, TFLOperationName.DEPTHWISE_CONV_2D):
            _add_half(quantization, ".*", operator)
        result = bytes(quantization.quantize(None).quantized_model)
    if not any(tensor["dtype"] == np.float16 for tensor in _tensors(result)):
        raise ConversionError("litert: fp16 quantised nothing: no tensor is stored so")
    return result


def activation_ranges(model: bytes, calibration: Sequence[NDArray[np.uint8]]) -> Ranges:
    """What every value that static int8 rounds held on the calibration clips, uint8 ``[T, H, W, 3]``."""
    with quiet_native():
        quantization = quantizer.Quantizer(bytearray(model))
        for operator in _LAYERS:
            _add_static(quantization, ".*", operator)
        _add_between(quantization, model, [name for names in _outputs(model).values() for name in names])
        # More threads than cores, its default of 16, only wait for one another.
        ranges: Ranges = quantization.calibrate(_samples(model, calibration), num_threads=os.cpu_count() or 1)
    return ranges


def _add_static(quantization: quantizer.Quantizer, pattern: str, operator: TFLOperationName) -> None:
    quantization.add_static_config(pattern, operator, activation_num_bits=8, weight_num_bits=8)


def _add_between(quantization: quantizer.Quantizer, model: bytes, layers: Sequence[str]) -> None:
    for operator, outputs in between_layers(model, frozenset(layers)).items():
        if outputs:
            _add_static(quantization, _pattern(outputs), operator)


def _add_dynamic(quantization: quantizer.Quantizer, pattern: str, operator: TFLOperationName) -> None:
    quantization.add_dynamic_config(pattern, operator, num_bits=8)


def _add_half(quantization: quantizer.Quantizer, pattern: str, operator: TFLOperationName) -> None:
    quantization.update_quantization_recipe(
        regex=pattern,
        operation_name=operator,
        op_config=qtyping.OpQuantizationConfig(
            weight_tensor_config=qtyping.TensorQuantizationConfig(
                num_bits=16, dtype=qtyping.TensorDataType.FLOAT
            ),
            compute_precision=qtyping.ComputePrecision.FLOAT,
            explicit_dequantize=True,
        ),
        algorithm_key=AlgorithmName.FLOAT_CASTING,
    )


_RECIPES: dict[Scheme, Callable[[quantizer.Quantizer, str, TFLOperationName], None]] = {
    "static": _add_static,
    "dynamic": _add_dynamic,
    "fp16": _add_half,
}


def _outputs(model: bytes) -> Mapping[str, list[str]]:
    """Output tensors of the layers' operators, by layer: an operator's or its weights' name tells the layer.

    Not by the output alone, because the last one is renamed to the signature's.
    """
    interpreter = Interpreter(model_content=model)
    names = {tensor["index"]: str(tensor["name"]) for tensor in interpreter.get_tensor_details()}
    found: dict[str, list[str]] = {}
    for operator in interpreter._get_ops_details():
        if operator["op_name"] in _LAYERS:
            output, weights = names[int(operator["outputs"][0])], names[int(operator["inputs"][1])]
            path = next((match[1] for match in map(_LAYER.search, (output, weights)) if match), "")
            found.setdefault(path, []).append(output)
    return found


def _outputs_of(path: str, outputs: Mapping[str, list[str]]) -> list[str]:
    if path not in outputs:
        raise ConversionError(f"litert: the converted model has no operator of layer '{path}' to quantise")
    return outputs[path]


def _pattern(outputs: Sequence[str]) -> str:
    """Matches the scopes of operators, which are their outputs' names and a semicolon."""
    return f"^(?:{'|'.join(map(re.escape, outputs))});?$"


def _check(model: bytes, plan: QuantizationPlan) -> None:
    """A recipe that matches no layer is no error to the quantizer, nor one that it cannot apply."""
    stored = {np.dtype(tensor["dtype"]): 0 for tensor in _tensors(model)}
    for tensor in _weights(model):
        stored[np.dtype(tensor["dtype"])] = stored.get(np.dtype(tensor["dtype"]), 0) + 1
    for dtype in set(_STORED_AS.values()):
        wanted = sum(_STORED_AS.get(scheme) is dtype for scheme in plan.layers.values())
        found = stored.get(np.dtype(dtype), 0)
        if found < wanted:
            raise ConversionError(
                f"litert: only {found} of {wanted} layers were quantised to {np.dtype(dtype).name}"
            )


def _weights(model: bytes) -> list[Any]:
    """The stored tensors with more than one axis longer than 1: weights, not biases and scales."""
    interpreter = Interpreter(model_content=model)
    operators = interpreter._get_ops_details()
    computed = {int(index) for operator in operators for index in operator["outputs"]}
    fed = {detail["index"] for detail in interpreter.get_input_details()}
    return [
        tensor
        for tensor in interpreter.get_tensor_details()
        if tensor["index"] not in computed | fed and (np.asarray(tensor["shape"]) > 1).sum() > 1
    ]


def _tensors(model: bytes) -> list[Any]:
    return list(Interpreter(model_content=model).get_tensor_details())


def _samples(model: bytes, calibration: Sequence[NDArray[np.uint8]]) -> Samples:
    signatures = Interpreter(model_content=model).get_signature_list()
    signature, tensors = next(iter(signatures.items()))
    return {signature: [{tensors["inputs"][0]: clip.astype(np.float32)} for clip in calibration]}
