"""Intermediate tensors of a re-conversion: one delegate call shows none of its own.

The bundle's reference is lowered and converted again, at the artifact's precision, with its layers'
outputs as further outputs. What drifts there drifts in the artifact for the same reason: lowering,
quantisation or a kernel. If nothing drifts there, the artifact is not what its checkpoint converts to.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from dvfl.bundle import Bundle
from dvfl.engines.base import to_input
from dvfl.manifest import Artifact
from dvfl.model.checkpoint import load_checkpoint
from dvfl_converter.program import Program
from dvfl_converter.quantization.plan import QuantizationPlan, read_plan
from dvfl_converter.quiet import quiet_native
from dvfl_converter.targets.executorch import backend
from dvfl_converter.targets.executorch.config import ExecuTorchConfig

_INNER = "lowered"
_TAPPED = frozenset({"modulation", "spatial_out", "temporal_out", "fc2"})


def intermediate_tensors(
    bundle: Bundle, artifact: Artifact, clip: NDArray[np.uint8]
) -> Iterator[NDArray[np.float32]]:
    """The outputs of the lowered layers for one clip, channels last, and the logits."""
    if bundle.manifest.reference is None:
        return
    network = load_checkpoint(bundle.verified(bundle.manifest.reference)).network()
    program = backend.lowered(network, bundle.manifest.preprocessing, artifact.precision)
    tapped = Program(_Tapped(program.module).eval(), program.example, program.layout)
    plan = _plan(bundle, artifact)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "tapped.pte")
        # Static ranges are measured on the clip itself: the calibration clips are not in the bundle.
        backend.exporter(tapped, (clip,)).write(ExecuTorchConfig(precision=artifact.precision), path, plan)
        outputs = _run(path.read_bytes(), torch.from_numpy(to_input(clip, artifact.input)))
    for output in outputs:
        # [T, C, h, w] and stacked [1, C, T*h, w] hold the same values once the channels are last.
        channels_last = output.permute(0, 2, 3, 1) if output.ndim == 4 else output
        yield channels_last.contiguous().numpy()


def _plan(bundle: Bundle, artifact: Artifact) -> QuantizationPlan | None:
    """The artifact's quantisation plan, of the same layers inside the wrapping module."""
    if (file := artifact.options.get("plan")) is None:
        return None
    plan = read_plan(bundle.root / file)
    return plan.model_copy(update={"layers": {f"{_INNER}.{path}": how for path, how in plan.layers.items()}})


def _run(program: bytes, tensor: Tensor) -> list[Tensor]:
    with quiet_native():
        from executorch.runtime import Runtime

        method = Runtime.get().load_program(program).load_method("forward")
        return [output.clone() for output in method.execute([tensor])]


class _Tapped(nn.Module):
    """A lowered network that also returns its layers' outputs."""

    def __init__(self, lowered: nn.Module) -> None:
        super().__init__()
        self.add_module(_INNER, lowered)

    def forward(self, clip: Tensor) -> tuple[Tensor, ...]:
        outputs: list[Tensor] = []

        def keep(_module: nn.Module, _inputs: object, output: Tensor) -> None:
            outputs.append(output)

        handles = [
            module.register_forward_hook(keep)
            for name, module in self.get_submodule(_INNER).named_modules()
            if name.rpartition(".")[2] in _TAPPED or name.rpartition(".")[0] == "body"
        ]
        try:
            logits: Tensor = self.get_submodule(_INNER)(clip)
        finally:
            for handle in handles:
                handle.remove()
        return (logits, *outputs)
