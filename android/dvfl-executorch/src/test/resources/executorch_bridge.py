"""Runs ExecuTorch modules for tests on the JVM: requests on the standard input, answers on the output.

Numbers are little-endian int32, a text is its length and UTF-8 bytes. Requests: 0, path, threads: load, answered with
a module's number and its methods' names, one a line. 1, module, dimensions, scalar type, shape, bytes: run, answered
with the output in the same form. 2, module: free. Every answer begins with 0, or with 1 and the error's text.
"""

import os
import struct
import sys

import numpy as np
import torch
from executorch.extension.pybindings import _portable_lib as runtime

_TYPES = {0: np.uint8, 6: np.float32}
_MODULES: dict[int, tuple[object, bytes]] = {}

_requests = sys.stdin.buffer
# The runtime prints to descriptor 1; answers go to a copy of it.
_answers = os.fdopen(os.dup(1), "wb")
os.dup2(2, 1)


def _number() -> int:
    data = _requests.read(4)
    if len(data) < 4:
        sys.exit()
    return struct.unpack("<i", data)[0]


def _text(text: str) -> bytes:
    data = text.encode()
    return struct.pack("<i", len(data)) + data


def _load(path: str, threads: int) -> bytes:
    if threads:
        runtime._unsafe_reset_threadpool(threads)
    with open(path, "rb") as file:
        program = file.read()
    # The module points into the bytes.
    module = runtime._load_for_executorch_from_buffer(program)
    number = max(_MODULES, default=0) + 1
    _MODULES[number] = (module, program)
    return struct.pack("<i", number) + _text("\n".join(module.method_names()))


def _run(number: int, array: np.ndarray) -> bytes:
    output = _MODULES[number][0].forward((torch.from_numpy(array),))[0].detach().numpy()
    head = struct.pack(f"<ii{output.ndim}i", output.ndim, 6, *output.shape)
    return head + np.ascontiguousarray(output, "<f4").tobytes()


def _array() -> np.ndarray:
    rank, kind = _number(), _number()
    shape = [_number() for _ in range(rank)]
    dtype = np.dtype(_TYPES[kind])
    data = _requests.read(int(np.prod(shape)) * dtype.itemsize)
    return np.frombuffer(data, dtype).reshape(shape).copy()


while True:
    request = _number()
    try:
        if request == 0:
            answer = _load(_requests.read(_number()).decode(), _number())
        elif request == 1:
            answer = _run(_number(), _array())
        else:
            del _MODULES[_number()]
            answer = b""
        answer = struct.pack("<i", 0) + answer
    except Exception as error:
        answer = struct.pack("<i", 1) + _text(str(error))
    _answers.write(answer)
    _answers.flush()
