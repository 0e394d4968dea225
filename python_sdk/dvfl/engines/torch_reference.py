"""The PyTorch reference: the checkpoint in a bundle, which every artifact is compared with."""

from __future__ import annotations

import torch

from dvfl.bundle import Bundle
from dvfl.engines.base import ClipPixels, Logits, checked_logits, to_input
from dvfl.errors import ClosedError, EngineError
from dvfl.manifest import Artifact, InputContract
from dvfl.model.checkpoint import load_checkpoint
from dvfl.model.network import VideoFocalNet
from dvfl.spec import NormalizationSpec


class TorchEngine:
    """Runs the clean network in eager mode, with the spec's normalisation in front of it."""

    def __init__(
        self, network: VideoFocalNet, normalization: NormalizationSpec, contract: InputContract, classes: int
    ) -> None:
        self._network: VideoFocalNet | None = network
        self._mean = torch.tensor(normalization.mean).view(3, 1, 1)
        self._std = torch.tensor(normalization.std).view(3, 1, 1)
        self._contract = contract
        self._classes = classes

    def run(self, clip: ClipPixels) -> Logits:
        """Logits ``[K]``, float32, of a uint8 RGB clip ``[T, H, W, 3]``."""
        if self._network is None:
            raise ClosedError("this torch engine is closed")
        frames = torch.from_numpy(to_input(clip, self._contract))
        with torch.inference_mode():
            logits = self._network(((frames - self._mean) / self._std).unsqueeze(0))
        return checked_logits(logits.numpy(), self._classes, "torch")

    def close(self) -> None:
        """Frees the network."""
        self._network = None


def load(bundle: Bundle, artifact: Artifact | None, threads: int | None) -> TorchEngine:
    """Loads the bundle's reference checkpoint.

    ``threads`` sets PyTorch's number of threads for the whole process; ``None`` leaves it as it is.

    Raises:
        BundleError: the checkpoint is missing or was changed.
        CheckpointError: it is not a checkpoint of this model family.
    """
    manifest = bundle.manifest
    if artifact is not None or manifest.reference is None:
        raise EngineError("torch runs a bundle's reference checkpoint, and this bundle holds none")
    checkpoint = load_checkpoint(bundle.verified(manifest.reference))
    if threads is not None:
        torch.set_num_threads(threads)
    size = manifest.model.size
    contract = InputContract(
        name="clip", dtype="float32", layout="TCHW", shape=(manifest.model.frames, 3, size, size)
    )
    return TorchEngine(
        checkpoint.network(), manifest.preprocessing.normalization, contract, len(manifest.labels)
    )
