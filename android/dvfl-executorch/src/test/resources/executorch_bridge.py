"""Runs one ExecuTorch module for a test on the JVM: requests on the standard input, answers on the output.

A request is the number of dimensions, a scalar type, the dimensions (little-endian int32) and the tensor's bytes.
An answer is a status byte and, if it is 0, the same for the output; otherwise the message's length and UTF-8 bytes.
"""

import os
import struct
import sys

import numpy as np
import torch
from executorch.extension.pybindings import _portable_lib as runtime

_TYPES = {0: np.uint8, 6: np.float32}


def main() -> None:
    path, threads = sys.argv[1], int(sys.argv[2])
    requests = sys.stdin.buffer
    # The runtime prints to descriptor 1; answers go to a copy of it.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)

    def answer(status: int, payload: bytes) -> None:
        answers.write(bytes([status]) + payload)
        answers.flush()

    def fail(error: Exception) -> None:
        text = str(error).encode()
        answer(1, struct.pack("<i", len(text)) + text)

    try:
        if threads:
            runtime._unsafe_reset_threadpool(threads)
        with open(path, "rb") as file:
            program = file.read()
        module = runtime._load_for_executorch_from_buffer(program)
        names = "\n".join(module.method_names()).encode()
        answer(0, struct.pack("<i", len(names)) + names)
    except Exception as error:
        fail(error)
        return
    while len(header := requests.read(8)) == 8:
        rank, kind = struct.unpack("<ii", header)
        shape = struct.unpack(f"<{rank}i", requests.read(4 * rank))
        dtype = np.dtype(_TYPES[kind])
        data = requests.read(int(np.prod(shape)) * dtype.itemsize)
        try:
            tensor = torch.from_numpy(np.frombuffer(data, dtype).reshape(shape).copy())
            output = module.forward((tensor,))[0].detach().numpy()
            head = struct.pack(f"<ii{output.ndim}i", output.ndim, 6, *output.shape)
            answer(0, head + np.ascontiguousarray(output, "<f4").tobytes())
        except Exception as error:
            fail(error)


main()
