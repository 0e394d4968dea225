"""Post-training quantisation of a float ``.tflite`` with ai-edge-quantizer.

Only fully connected and ordinary convolution layers are quantised: XNNPACK has no dynamically
quantised depthwise convolution, and one such layer would split the delegate.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from ai_edge_quantizer import qtyping, quantizer
from ai_edge_quantizer.algorithm_manager import AlgorithmName
from numpy.typing import NDArray

from dvfl.errors import ConversionError
from dvfl_converter.quiet import quiet_native
from dvfl_converter.targets.base import TargetConfig

_Op = qtyping.TFLOperationName
_LAYERS = (_Op.FULLY_CONNECTED, _Op.CONV_2D)
_STORED_AS = {"fp16": np.float16, "int8": np.int8}


def quantize(model: bytes, config: TargetConfig, calibration: Sequence[NDArray[np.uint8]]) -> bytes:
    """The model at the configured precision; fp32 passes through."""
    if config.precision == "fp32":
        return model
    with quiet_native():
        quantization = quantizer.Quantizer(bytearray(model))
        if config.precision == "fp16":
            _store_weights_as_fp16(quantization)
        elif config.calibrates():
            for layer in _LAYERS:
                quantization.add_static_config(".*", layer, activation_num_bits=8, weight_num_bits=8)
        else:
            for layer in _LAYERS:
                quantization.add_dynamic_config(".*", layer, num_bits=8)
        ranges = (
            quantization.calibrate(_samples(model, calibration)) if quantization.need_calibration else None
        )
        quantised = bytes(quantization.quantize(ranges).quantized_model)
    if not _holds(quantised, _STORED_AS[config.precision]):
        raise ConversionError(f"litert: {config.precision} quantised nothing: no tensor is stored so")
    return quantised


def _holds(model: bytes, dtype: type) -> bool:
    """Whether any tensor has this type; a recipe that matches no layer is no error to the quantizer."""
    return any(tensor["dtype"] == dtype for tensor in Interpreter(model_content=model).get_tensor_details())


def _store_weights_as_fp16(quantization: quantizer.Quantizer) -> None:
    """Weights are stored as fp16 and widened once when the model loads; arithmetic stays fp32 on CPUs."""
    for layer in (*_LAYERS, _Op.DEPTHWISE_CONV_2D):
        quantization.update_quantization_recipe(
            regex=".*",
            operation_name=layer,
            op_config=qtyping.OpQuantizationConfig(
                weight_tensor_config=qtyping.TensorQuantizationConfig(
                    num_bits=16, dtype=qtyping.TensorDataType.FLOAT
                ),
                compute_precision=qtyping.ComputePrecision.FLOAT,
                explicit_dequantize=True,
            ),
            algorithm_key=AlgorithmName.FLOAT_CASTING,
        )


def _samples(
    model: bytes, calibration: Sequence[NDArray[np.uint8]]
) -> dict[str, list[dict[str, NDArray[np.float32]]]]:
    signatures = Interpreter(model_content=model).get_signature_list()
    signature, tensors = next(iter(signatures.items()))
    return {signature: [{tensors["inputs"][0]: clip.astype(np.float32)} for clip in calibration]}
