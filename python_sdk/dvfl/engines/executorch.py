"""ExecuTorch on the CPU, with XNNPACK."""

from __future__ import annotations

import threading
from typing import Any
from weakref import WeakSet

import torch

# The public ``executorch.runtime`` imports the whole exporter first (seconds); the extension module that
# it wraps needs only torch.
from executorch.extension.pybindings import _portable_lib as runtime

from dvfl.bundle import Bundle
from dvfl.engines.base import ClipPixels, Logits, checked_logits, to_input
from dvfl.engines.native_log import captured_log
from dvfl.errors import ClosedError, EngineError
from dvfl.manifest import Artifact, InputContract

_NOISE = r"^\[(cpuinfo_utils|threadpool)\.cpp:\d+\]"
_SCALAR_TYPES = {"uint8": 0, "float32": 6}
_METHOD = "forward"


class _ThreadPool:
    """The process's one ExecuTorch thread pool, and the open engines, which hold pointers into it.

    A loaded delegate keeps the pool it was loaded with, so the pool may be replaced only while no
    engine is open. Everything here, and every use of the runtime, happens under ``lock``.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        # Weak, so that an engine that nobody closed does not hold the pool for ever.
        self.users: WeakSet[ExecuTorchEngine] = WeakSet()

    def resize(self, threads: int | None) -> None:
        """Replaces the pool, if ``threads`` is another number than it has; ``None`` keeps it.

        Raises:
            EngineError: an open engine uses it.
        """
        # The first question creates the pool, which prints what it finds out about the processor.
        current = runtime._threadpool_get_thread_count()
        if threads in (None, current):
            return
        if len(self.users):
            raise EngineError(
                f"ExecuTorch has one thread pool per process, now of {current} threads and in use; "
                f"close the other ExecuTorch recognizers first, or ask for {current} threads"
            )
        runtime._unsafe_reset_threadpool(threads)


_POOL = _ThreadPool()


class ExecuTorchEngine:
    """Runs a ``.pte`` artifact. Engines share the process's thread pool and run one at a time."""

    def __init__(self, module: Any, program: bytes, contract: InputContract, classes: int) -> None:
        self._module: Any | None = module
        # The module points into these bytes.
        self._program: bytes | None = program
        self._contract = contract
        self._classes = classes

    def run(self, clip: ClipPixels) -> Logits:
        """Logits ``[K]``, float32, of a uint8 RGB clip ``[T, H, W, 3]``."""
        tensor = torch.from_numpy(to_input(clip, self._contract))
        with _POOL.lock:
            if self._module is None:
                raise ClosedError("this ExecuTorch engine is closed")
            try:
                output = self._module.forward((tensor,))[0]
            except RuntimeError as error:
                raise EngineError(
                    f"ExecuTorch failed to run the artifact: {_one_line(error)}; convert again"
                ) from error
            # A copy: the runtime owns the output's memory and reuses it.
            logits = output.detach().to(torch.float32).numpy().copy()
        return checked_logits(logits, self._classes, "ExecuTorch")

    def close(self) -> None:
        """Frees the program."""
        with _POOL.lock:
            self._module = None
            self._program = None
            _POOL.users.discard(self)


def load(bundle: Bundle, artifact: Artifact | None, threads: int | None) -> ExecuTorchEngine:
    """Loads a ``.pte`` artifact; ``threads`` is the size of the process's thread pool.

    Raises:
        EngineError: ExecuTorch cannot load it, its input is not what the manifest says, or another open
            engine uses another number of threads.
        BundleError: the file is missing or was changed.
    """
    if artifact is None:
        raise EngineError("ExecuTorch needs an artifact of the bundle")
    path = bundle.verified(artifact)
    program = path.read_bytes()
    with _POOL.lock, captured_log(_NOISE) as log:
        _POOL.resize(threads)
        try:
            module = runtime._load_for_executorch_from_buffer(program)
            meta = module.method_meta(_METHOD)
        except RuntimeError as error:
            raise EngineError(
                f"{path}: ExecuTorch cannot load it: {log.explain(error)}; "
                "convert again with the ExecuTorch that runs it"
            ) from error
        _check_input(meta, artifact.input, str(path))
        engine = ExecuTorchEngine(module, program, artifact.input, len(bundle.manifest.labels))
        _POOL.users.add(engine)
    return engine


def _check_input(meta: Any, contract: InputContract, path: str) -> None:
    tensors = [meta.input_tensor_meta(index) for index in range(meta.num_inputs())]
    found = [(tuple(tensor.sizes()), tensor.dtype()) for tensor in tensors]
    if found != [(contract.shape, _SCALAR_TYPES[contract.dtype])]:
        raise EngineError(
            f"{path}: takes {found} (shape, scalar type), the manifest says "
            f"{contract.dtype} {contract.shape}; convert again"
        )


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
