"""A small but real bundle: a random network, really exported, with a manifest written by hand."""

from __future__ import annotations

import contextlib
import gzip
import io
import warnings
from pathlib import Path

import numpy as np

from dvfl.bundle import LABELS_FILE, MANIFEST_FILE
from dvfl.hashing import sha256_path, size_of
from dvfl.manifest import (
    Artifact,
    Gate,
    InputContract,
    Manifest,
    ModelCard,
    OutputContract,
    ParityReport,
    ReferenceVector,
    StoredFile,
)
from dvfl.spec import PreprocessingSpec

FRAMES = 8
SIZE = 64
LABELS = ("static", "pan left", "pan right", "zoom in", "shake")
SPEC = PreprocessingSpec.default().with_clip(frames=FRAMES, size=SIZE)
DEPTHS = (1, 1, 1, 1)
WIDTH = 8
LITERT_FILE = "model.tflite"
EXECUTORCH_FILE = "model.pte"
COREML_FILE = "model.mlpackage"
REFERENCE_FILE = "reference.pth"
VECTOR_FILE = "vector.bin.gz"


def random_clip(seed: int = 0) -> np.ndarray:
    """A uint8 clip [T, H, W, 3]: bright squares that appear one by one, and noise."""
    dice = np.random.default_rng(seed)
    clip = dice.integers(0, 100, (FRAMES, SIZE, SIZE, 3), np.uint8)
    for frame in range(FRAMES):
        left, top = dice.integers(0, SIZE // 2, 2)
        clip[frame:, top : top + SIZE // 3, left : left + SIZE // 2] += dice.integers(0, 19, 3, np.uint8)
    return clip


def build(folder: Path) -> None:
    """Exports the artifacts and writes the manifest; about half a minute."""
    import torch

    from dvfl.model import Architecture, VideoFocalNet

    torch.manual_seed(0)
    network = VideoFocalNet(Architecture(DEPTHS, WIDTH, len(LABELS))).eval()
    # The released initialisation is so small that hardly any branch reaches the logits.
    for parameter in network.parameters():
        if parameter.ndim > 1:
            torch.nn.init.normal_(parameter, std=parameter[0].numel() ** -0.5)
    torch.save({"model": network.state_dict()}, folder / REFERENCE_FILE)
    # What the exporters print and warn of is theirs to mend.
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _export_litert(network, folder / LITERT_FILE)
        _export_executorch(network, folder / EXECUTORCH_FILE)
    # Nothing on Linux can run it; it stands for its place in the bundle.
    (folder / COREML_FILE).mkdir()
    (folder / COREML_FILE / "Manifest.json").write_text("{}")
    (folder / LABELS_FILE).write_text("\n".join(LABELS) + "\n")
    clip = random_clip()
    (folder / VECTOR_FILE).write_bytes(gzip.compress(clip.tobytes(), mtime=0))
    with torch.no_grad():
        logits = _with_normalisation(network, thwc=True)(torch.tensor(clip).float())[0]
    write_manifest(folder, manifest(folder, tuple(logits.tolist())))


def manifest(folder: Path, logits: tuple[float, ...]) -> Manifest:
    """The manifest of a folder that holds every file."""
    thwc, tchw = (FRAMES, SIZE, SIZE, 3), (FRAMES, 3, SIZE, SIZE)
    return Manifest(
        model=ModelCard(
            name="nano-w8",
            depths=DEPTHS,
            width=WIDTH,
            parameters=100_000,
            macs=14_864_000,
            frames=FRAMES,
            size=SIZE,
            checkpoint=REFERENCE_FILE,
            checkpoint_sha256=sha256_path(folder / REFERENCE_FILE),
        ),
        labels=LABELS,
        preprocessing=SPEC,
        reference=stored(folder, REFERENCE_FILE),
        artifacts=(
            _artifact(
                folder,
                LITERT_FILE,
                "litert",
                InputContract(name="args_0", dtype="float32", layout="THWC", shape=thwc),
            ),
            _artifact(
                folder,
                EXECUTORCH_FILE,
                "executorch",
                InputContract(name="x", dtype="float32", layout="TCHW", shape=tchw),
            ),
            _artifact(
                folder,
                COREML_FILE,
                "coreml",
                InputContract(name="clip", dtype="float32", layout="TCHW", shape=tchw),
            ),
        ),
        reference_vectors=(
            ReferenceVector(
                **stored(folder, VECTOR_FILE).model_dump(), name="noise", shape=thwc, logits=logits
            ),
        ),
    )


def write_manifest(folder: Path, content: Manifest) -> None:
    """Writes ``manifest.json``."""
    (folder / MANIFEST_FILE).write_text(content.model_dump_json(indent=2))


def stored(folder: Path, file: str) -> StoredFile:
    """A file's entry in the manifest."""
    return StoredFile(file=file, sha256=sha256_path(folder / file), bytes=size_of(folder / file))


def _artifact(folder: Path, file: str, target: str, contract: InputContract) -> Artifact:
    return Artifact(
        **stored(folder, file).model_dump(),
        target=target,
        precision="fp32",
        input=contract,
        output=OutputContract(name="logits", dtype="float32", shape=(1, len(LABELS))),
        options={},
        operators=None,
        parity=ParityReport(status="not_run", reason="made for tests", gate=Gate()),
        tools={},
    )


def _with_normalisation(network, thwc):
    import torch

    class WithNormalisation(torch.nn.Module):
        """A clip of 0..255 values to logits ``[1, K]``."""

        def __init__(self) -> None:
            super().__init__()
            self.network = network
            self.register_buffer("mean", torch.tensor(SPEC.normalization.mean).view(3, 1, 1))
            self.register_buffer("std", torch.tensor(SPEC.normalization.std).view(3, 1, 1))

        def forward(self, x):
            frames = x.permute(0, 3, 1, 2) if thwc else x
            return self.network(((frames - self.mean) / self.std).unsqueeze(0))

    return WithNormalisation().eval()


def _export_litert(network, path: Path) -> None:
    import litert_torch
    import torch

    model = _with_normalisation(network, thwc=True)
    litert_torch.convert(model, (torch.zeros(FRAMES, SIZE, SIZE, 3),)).export(str(path))


def _export_executorch(network, path: Path) -> None:
    import torch
    from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
    from executorch.exir import to_edge_transform_and_lower

    model = _with_normalisation(network, thwc=False)
    exported = torch.export.export(model, (torch.zeros(FRAMES, 3, SIZE, SIZE),))
    lowered = to_edge_transform_and_lower(exported, partitioner=[XnnpackPartitioner()])
    path.write_bytes(lowered.to_executorch().buffer)
