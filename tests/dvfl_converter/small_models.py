"""A small network whose every weight reaches the logits, and what the converter's tests do with it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import av
import numpy as np
import pytest
import torch
from torch import Tensor

from dvfl.bundle import Bundle
from dvfl.engines import open_engine
from dvfl.hashing import sha256_path, size_of
from dvfl.manifest import Artifact, ParityReport
from dvfl.model import Architecture, VideoFocalNet
from dvfl.spec import PreprocessingSpec
from dvfl_converter.parity.compare import compare_clips, run_clips
from dvfl_converter.parity.gates import GATES, judge
from dvfl_converter.targets.base import Converted
from dvfl_converter.targets.registry import TARGETS, load_backend
from dvfl_converter.verification import reference_vectors

LABELS = ("static", "pan left", "pan right", "zoom in", "shake")
TINY = Architecture(depths=(1, 1, 1, 1), width=8, num_classes=len(LABELS))
FRAMES, SIZE = 8, 64
SPEC = PreprocessingSpec.default().with_clip(frames=FRAMES, size=SIZE)


def randomised(architecture: Architecture = TINY, seed: int = 0, branch_gain: float = 1.0) -> VideoFocalNet:
    """Random weights, biases and norms. ``branch_gain`` below 1 makes it as kind to int8 as a trained one."""
    torch.manual_seed(seed)
    network = VideoFocalNet(architecture).eval()
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if parameter.ndim == 1:
                parameter.normal_(mean=float("norm" in name and name.endswith("weight")), std=0.1)
                continue
            parameter.normal_(std=parameter[0].numel() ** -0.5)
            if name.endswith(("modulation.proj.weight", "fc2.weight")):
                parameter.mul_(branch_gain)
    return network.requires_grad_(False)


def reference_logits(network: VideoFocalNet, clip: np.ndarray, spec: PreprocessingSpec = SPEC) -> Tensor:
    """``[K]`` of a uint8 clip, in the network's own precision."""
    dtype = next(network.parameters()).dtype
    mean, std = (torch.tensor(v, dtype=dtype) for v in (spec.normalization.mean, spec.normalization.std))
    pixels = (torch.from_numpy(clip).to(dtype) - mean) / std
    with torch.no_grad():
        return network(pixels.permute(0, 3, 1, 2)[None])[0]


def write_with(patch: pytest.MonkeyPatch, target: str, write: Callable[..., Converted]) -> None:
    """Makes a target's exporter write with this instead of converting: ``write(config, path, plan)``."""
    patch.setattr(load_backend(TARGETS[target]), "exporter", lambda *_: SimpleNamespace(write=write))


def writing(target: str) -> Callable[..., Converted]:
    """What a target writes with now, for a program that no longer matters."""
    write: Callable[..., Converted] = load_backend(TARGETS[target]).exporter(None, ()).write
    return write


def with_artifact(bundle: Bundle, artifact: Artifact, root: Path) -> Bundle:
    """The bundle as if it lay in ``root`` and ``artifact``'s file, as it is there now, were its only one."""
    for stored in (bundle.manifest.reference, *bundle.manifest.reference_vectors):
        link = root / stored.file
        link.parent.mkdir(parents=True, exist_ok=True)
        if not link.exists():
            link.write_bytes(bundle.resolve(stored).read_bytes())
    path = root / artifact.file
    fresh = artifact.model_copy(update={"sha256": sha256_path(path), "bytes": size_of(path)})
    return Bundle(root, bundle.manifest.model_copy(update={"artifacts": (fresh,)}))


def judged(bundle: Bundle, artifact: Artifact) -> ParityReport:
    """Runs an artifact on the bundle's own clips and judges it by its precision's gate."""
    engine = open_engine(bundle, artifact)
    try:
        measured = run_clips(engine, reference_vectors(bundle))
    finally:
        engine.close()
    reference = {vector.name: vector.logits for vector in bundle.manifest.reference_vectors}
    return judge(GATES[artifact.precision], compare_clips(reference, measured))


def patched(data: bytes, old: np.ndarray, new: np.ndarray) -> bytes:
    """The file with one constant replaced; it must be there exactly once."""
    wanted, other = (np.ascontiguousarray(value, np.float32).tobytes() for value in (old, new))
    assert wanted != other, "the fault changes nothing"
    assert data.count(wanted) == 1, f"the constant is in the file {data.count(wanted)} times"
    return data.replace(wanted, other)


def with_sign_flipped(data: bytes, weight: Tensor) -> bytes:
    """The file with the sign of the largest weight of a tensor flipped, wherever it is stored."""
    largest = weight.flatten()[weight.abs().argmax()].item()
    return patched(data, np.float32(largest), np.float32(-largest))


def write_video(path: Path, seed: int, frames: int = 24, size: int = 96) -> Path:
    """A short H.264 video: a smooth random picture that drifts."""
    dice = np.random.default_rng(seed)
    coarse = torch.from_numpy(dice.uniform(0, 255, (1, 3, 12, 12)))
    picture = torch.nn.functional.interpolate(coarse, (2 * size, 2 * size), mode="bicubic")[0]
    pixels = picture.clamp(0, 255).permute(1, 2, 0).numpy().astype(np.uint8)
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("libx264", rate=24)
        stream.width = stream.height = size
        stream.pix_fmt = "yuv420p"
        # More threads make other bytes from run to run.
        stream.thread_count = 1
        for index in range(frames):
            left, top = 2 * index * (seed % 2), index
            view = np.ascontiguousarray(pixels[top : top + size, left : left + size])
            container.mux(stream.encode(av.VideoFrame.from_ndarray(view, format="rgb24")))
        container.mux(stream.encode())
    return path
