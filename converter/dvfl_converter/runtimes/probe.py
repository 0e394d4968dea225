"""Runs one artifact on whatever runtime this Python has; needs numpy and that runtime alone.

``python probe.py API ARTIFACT CLIPS.npz RUNS`` prints one JSON object on its last line: ``status`` (``ran``,
``load_failed`` or ``run_failed``), ``reason``, ``logits`` per clip, ``times_ms`` of RUNS further runs of the
first clip, ``machine`` and ``version``. It also runs on the oldest Python that a runtime was built for.
"""

from __future__ import annotations

import json
import platform
import sys
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from typing import Any

import numpy as np

THREADS = 2

Run = Callable[[Any], Any]
Load = Callable[[str], Run]


def _tflite(interpreter_class: Any, **options: Any) -> Load:
    def load(path: str) -> Run:
        interpreter = interpreter_class(model_path=path, num_threads=THREADS, **options)
        interpreter.allocate_tensors()
        given = interpreter.get_input_details()[0]["index"]
        taken = interpreter.get_output_details()[0]["index"]

        def run(tensor: Any) -> Any:
            interpreter.set_tensor(given, tensor)
            interpreter.invoke()
            return interpreter.get_tensor(taken)

        return run

    return load


def _litert() -> tuple[Load, str]:
    from ai_edge_litert.interpreter import Interpreter

    return _tflite(Interpreter), version("ai-edge-litert")


def _tflite_runtime() -> tuple[Load, str]:
    from tflite_runtime.interpreter import Interpreter

    return _tflite(Interpreter), version("tflite-runtime")


def _tensorflow() -> tuple[Load, str]:
    import tensorflow as tf

    return _tflite(tf.lite.Interpreter), tf.__version__


def _tensorflow_reference() -> tuple[Load, str]:
    import tensorflow as tf

    kernels = tf.lite.experimental.OpResolverType.BUILTIN_REF
    return _tflite(tf.lite.Interpreter, experimental_op_resolver_type=kernels), tf.__version__


def _executorch() -> tuple[Load, str]:
    import torch

    try:
        from executorch.extension.pybindings import _portable_lib as runtime
    except ImportError:
        # Its name from 1.5 on.
        from executorch.extension.pybindings import _C as runtime  # noqa: N811

    def load(path: str) -> Run:
        with open(path, "rb") as file:
            program = file.read()
        module = runtime._load_for_executorch_from_buffer(program)

        def run(tensor: Any) -> Any:
            # The module points into these bytes.
            assert program
            return module.forward((torch.from_numpy(tensor),))[0].detach().to(torch.float32).numpy().copy()

        return run

    return load, version("executorch")


APIS: dict[str, Callable[[], tuple[Load, str]]] = {
    "litert": _litert,
    "tflite-runtime": _tflite_runtime,
    "tensorflow": _tensorflow,
    "tensorflow-reference": _tensorflow_reference,
    "executorch": _executorch,
}


def probe(api: str, path: str, clips: Sequence[Any], runs: int) -> dict[str, Any]:
    """What came out, as the module's docstring says."""
    found: dict[str, Any] = {"status": "load_failed", "machine": platform.machine(), "version": ""}
    found |= {"logits": [], "times_ms": []}
    try:
        load, found["version"] = APIS[api]()
        run = load(path)
        found["status"] = "run_failed"
        for clip in clips:
            found["logits"].append([float(value) for value in np.asarray(run(clip)).ravel()])
        for _ in range(runs):
            start = time.perf_counter()
            run(clips[0])
            found["times_ms"].append((time.perf_counter() - start) * 1e3)
    except Exception as error:
        # Whatever a runtime raises is the answer to the question that is asked here.
        return {**found, "reason": " ".join(f"{type(error).__name__}: {error}".split())[:300]}
    return {**found, "status": "ran", "reason": ""}


if __name__ == "__main__":
    api, path, file, runs = sys.argv[1:]
    with np.load(file) as arrays:
        clips = [arrays[name] for name in arrays.files]
    print(json.dumps(probe(api, path, clips, int(runs))))
