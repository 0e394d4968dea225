"""Finding the first layer whose output leaves the tolerance.

The reference's layer outputs are looked for among the artifact's intermediate tensors. A layer is
found when some tensor of the same size equals it within the tolerance, whatever that tensor is
called: names and layouts differ between runtimes, values do not, but for the scale at which lowered
networks carry the residual stream. Layers before a fault are found, the faulty one and what follows
are not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dvfl.bundle import Bundle
from dvfl.errors import EngineError
from dvfl.manifest import Artifact, Precision
from dvfl.model import VideoFocalNet
from dvfl.model.checkpoint import load_checkpoint
from dvfl_converter.clips import NamedClip
from dvfl_converter.lowering.weights import RESIDUAL_SCALE
from dvfl_converter.targets.registry import TARGETS, load_taps

Values = NDArray[np.float32]

# Relative L2 error of a layer's output; int8 rounds every layer by about one part in a hundred.
TOLERANCES: dict[Precision, float] = {"fp32": 1e-3, "fp16": 2e-2, "int8": 2e-1}


@dataclass(frozen=True)
class Layer:
    """A reference layer's output, channels last and flattened: ``[T * h * w * C]``.

    ``scales`` are those at which a lowered network may hold it.
    """

    name: str
    values: Values
    scales: tuple[float, ...] = (1.0,)


@dataclass(frozen=True)
class Drift:
    """Where an artifact leaves the reference.

    Attributes:
        layer: the first reference layer not found in the artifact; ``None`` if all were found.
        error: relative L2 error of the closest tensor.
        last_good: the last layer found before it.
        reconverted: seen in a fresh conversion with its layers as outputs, not in the artifact itself.
    """

    layer: str | None
    error: float
    last_good: str | None
    tolerance: float
    reconverted: bool = False


def localize(bundle: Bundle, artifact: Artifact, clip: NamedClip) -> Drift | None:
    """The first drifting layer on one clip; ``None`` where the runtime shows no intermediate tensors."""
    taps = load_taps(artifact.target)
    if taps is None or bundle.manifest.reference is None:
        return None
    network = load_checkpoint(bundle.verified(bundle.manifest.reference)).network()
    normalization = bundle.manifest.preprocessing.normalization
    layers = reference_layers(network, clip.pixels, normalization.mean, normalization.std)
    try:
        tensors = list(taps(bundle, artifact, clip.pixels))
    except (RuntimeError, ValueError) as error:
        raise EngineError(f"{artifact.name}: intermediate tensors cannot be read: {error}") from None
    drift = first_drift(layers, tensors, TOLERANCES[artifact.precision])
    return replace(drift, reconverted=TARGETS[artifact.target].taps_reconvert)


def first_drift(layers: Iterable[Layer], tensors: Iterable[Values], tolerance: float) -> Drift:
    """The first layer with no tensor within ``tolerance``."""
    by_size: dict[int, list[Values]] = {}
    for tensor in tensors:
        by_size.setdefault(tensor.size, []).append(tensor.ravel())
    last_good, worst = None, 0.0
    for layer in layers:
        error = min(
            (
                _relative_error(layer.values * np.float32(scale), tensor)
                for tensor in by_size.get(layer.values.size, ())
                for scale in layer.scales
            ),
            default=1.0,
        )
        if error > tolerance:
            return Drift(layer.name, error, last_good, tolerance)
        last_good, worst = layer.name, max(worst, error)
    return Drift(None, worst, last_good, tolerance)


def reference_layers(
    network: VideoFocalNet, clip: NDArray[np.uint8], mean: Iterable[float], std: Iterable[float]
) -> list[Layer]:
    """Outputs of the patch embedding, each block's parts, each downsampling and the head, in order."""
    found: list[Layer] = []
    handles = [
        module.register_forward_hook(_recorder(name, network, found, clip.shape[0]))
        for name, module in network.named_modules()
        if _is_tapped(name)
    ]
    pixels = torch.from_numpy(clip.astype(np.float32))
    normalised = (pixels - torch.tensor(list(mean))) / torch.tensor(list(std))
    try:
        with torch.inference_mode():
            network(normalised.permute(0, 3, 1, 2).unsqueeze(0))
    finally:
        for handle in handles:
            handle.remove()
    return found


def _is_tapped(name: str) -> bool:
    leaf = name.rpartition(".")[2]
    in_block = ".blocks." in name and leaf in {"h", "h_temporal", "modulation", "mlp"}
    return (
        in_block
        or name in ("patch_embed", "head")
        or leaf == "downsample"
        or name.split(".")[-2:-1] == ["blocks"]
    )


def _recorder(
    name: str, network: VideoFocalNet, found: list[Layer], frames: int
) -> Callable[[torch.nn.Module, object, Tensor], None]:
    def record(_module: torch.nn.Module, _inputs: object, output: Tensor) -> None:
        values = _channels_last(name, output, frames).contiguous().numpy().ravel().copy()
        found.append(Layer(name, values, (1.0, RESIDUAL_SCALE) if _is_residual(name) else (1.0,)))

    return record


def _is_residual(name: str) -> bool:
    """Whether a layer writes the residual stream."""
    return name.rpartition(".")[2] not in {"h", "h_temporal", "head"}


def _channels_last(name: str, output: Tensor, frames: int) -> Tensor:
    if name.endswith(".h"):
        return output.permute(0, 2, 3, 1)
    if name.endswith(".h_temporal"):
        # [h*w, C, T] of one clip
        return output.permute(2, 0, 1)
    return output


def _relative_error(reference: Values, measured: Values) -> float:
    norm = float(np.linalg.norm(reference))
    return float(np.linalg.norm(measured - reference)) / norm if norm > 0 else float(np.any(measured))
