"""All intermediate tensors of a ``.tflite``, from the runtime's plain kernels."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from numpy.typing import NDArray

from dvfl.bundle import Bundle
from dvfl.engines.base import to_input
from dvfl.manifest import Artifact
from dvfl_converter.quiet import quiet_native


def intermediate_tensors(
    bundle: Bundle, artifact: Artifact, clip: NDArray[np.uint8]
) -> Iterator[NDArray[np.float32]]:
    """Every float tensor computed for a clip; without the delegate, which keeps its own to itself."""
    with quiet_native():
        interpreter = Interpreter(
            str(bundle.verified(artifact)),
            experimental_preserve_all_tensors=True,
            experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
        )
        interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], to_input(clip, artifact.input))
    interpreter.invoke()
    computed = {int(index) for node in interpreter._get_ops_details() for index in node["outputs"]}
    for detail in interpreter.get_tensor_details():
        if detail["index"] in computed and detail["dtype"] == np.float32:
            yield interpreter.get_tensor(detail["index"])
