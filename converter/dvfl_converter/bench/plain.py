"""The baselines: the reference model as it is, through each runtime's own converter and own int8 recipe."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from dvfl.bundle import Bundle
from dvfl.errors import BundleError
from dvfl.manifest import Artifact, InputContract, Precision
from dvfl.model.checkpoint import load_checkpoint
from dvfl_converter.bench.own_int8 import OWN_INT8
from dvfl_converter.bundle_writer import stored, write_manifest
from dvfl_converter.parity.gates import GATES, not_run
from dvfl_converter.program import Program
from dvfl_converter.targets.base import Converted
from dvfl_converter.targets.registry import TARGETS, load_backend


class PlainConversions:
    """A throw-away bundle of one target: the reference model without this project's lowering.

    Only normalisation and the clip's layout are put in front, which any user would need.
    """

    def __init__(self, bundle: Bundle, target: str, folder: Path) -> None:
        """Loads the reference; nothing is converted yet.

        Args:
            bundle: whose model is converted.
            target: a name of the registry of targets.
            folder: empty; the artifacts are written there.

        Raises:
            BundleError: the bundle holds no reference checkpoint, or it was changed.
        """
        if bundle.manifest.reference is None:
            raise BundleError(
                f"{bundle.root}: holds no reference checkpoint to convert plainly; convert again"
            )
        self._source = bundle
        self._target = TARGETS[target]
        self._folder = folder
        self._program = _plain_program(bundle)
        self._artifacts: tuple[Artifact, ...] = ()

    def fp32(self) -> Artifact:
        """Converts to fp32.

        Raises:
            ConversionError: the runtime's converter failed.
        """
        config = self._target.config(precision="fp32")
        exporter = load_backend(self._target).exporter(self._program)
        return self._add("fp32", exporter.write(config, self._file("fp32")))

    def int8(self, clips: Sequence[NDArray[np.uint8]]) -> Artifact:
        """Converts with the runtime's own int8 recipe; after :meth:`fp32`.

        Args:
            clips: uint8 ``[T, H, W, 3]``, to calibrate on where the recipe does.

        Raises:
            ConversionError: the runtime's converter failed.
        """
        convert = OWN_INT8[self._target.name]
        return self._add("int8", convert(self._program, self._file("fp32"), clips, self._file("int8")))

    def bundle(self) -> Bundle:
        """What was converted so far, with its manifest on disk."""
        update = {"artifacts": self._artifacts, "reference": None, "reference_vectors": ()}
        manifest = self._source.manifest.model_copy(update=update)
        write_manifest(self._folder, manifest)
        return Bundle(self._folder, manifest)

    def _file(self, precision: str) -> Path:
        return self._folder / f"plain.{precision}{self._target.suffix}"

    def _add(self, precision: Precision, converted: Converted) -> Artifact:
        manifest = self._source.manifest
        size = manifest.model.size
        artifact = Artifact(
            **stored(self._folder, self._file(precision).name).model_dump(),
            target=self._target.name,
            precision=precision,
            input=InputContract(
                name=converted.input_name,
                dtype="float32",
                layout="TCHW",
                shape=(manifest.model.frames, 3, size, size),
            ),
            output=manifest.artifacts[0].output,
            options={},
            operators=converted.operators,
            parity=not_run(GATES[precision], "baseline"),
            tools=converted.tools,
        )
        self._artifacts += (artifact,)
        return artifact


def _plain_program(bundle: Bundle) -> Program:
    manifest = bundle.manifest
    assert manifest.reference is not None
    network = load_checkpoint(bundle.verified(manifest.reference)).network()
    normalization = manifest.preprocessing.normalization
    module = _Plain(network, torch.tensor(normalization.mean), torch.tensor(normalization.std))
    frames, size = manifest.model.frames, manifest.model.size
    return Program(module.eval(), (torch.zeros(frames, 3, size, size),), "TCHW")


class _Plain(nn.Module):
    """The reference network with its normalisation, untouched."""

    mean: Tensor
    std: Tensor

    def __init__(self, network: nn.Module, mean: Tensor, std: Tensor) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("mean", mean.view(1, 3, 1, 1))
        self.register_buffer("std", std.view(1, 3, 1, 1))

    def forward(self, clip: Tensor) -> Tensor:
        logits: Tensor = self.network(((clip - self.mean) / self.std).unsqueeze(0))
        return logits
