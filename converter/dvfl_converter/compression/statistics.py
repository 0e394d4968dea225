"""What the temporal convolutions see on clips: moments of their inputs, errors of their outputs."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import conv1d, pad

from dvfl.model import VideoFocalNet
from dvfl.model.low_rank import temporal_layers
from dvfl.spec import PreprocessingSpec

Clips = Sequence[NDArray[np.uint8]]
_Seen = Callable[[str, nn.Conv1d, Tensor], None]


def logits_of(network: VideoFocalNet, clips: Clips, spec: PreprocessingSpec) -> Iterator[NDArray[np.float32]]:
    """Logits ``[K]`` of each uint8 clip ``[T, H, W, 3]``."""
    mean, std = torch.tensor(spec.normalization.mean), torch.tensor(spec.normalization.std)
    for clip in clips:
        pixels = (torch.from_numpy(clip).float() - mean) / std
        with torch.inference_mode():
            logits: NDArray[np.float32] = network(pixels.permute(0, 3, 1, 2).unsqueeze(0))[0].numpy()
        yield logits


def input_moments(
    network: VideoFocalNet, clips: Clips, spec: PreprocessingSpec, watch: Callable[[], None]
) -> dict[str, Tensor]:
    """Second moments of the windows ``[C * k]`` that each layer sees, zero padding included: float64.

    Args:
        watch: called after each clip.
    """
    sums: dict[str, Tensor] = {}
    counts: dict[str, int] = {}

    def add(name: str, layer: nn.Conv1d, sequences: Tensor) -> None:
        # In float32 the sums would not be positive definite along directions that hardly vary.
        windows = _windows(sequences.double(), layer.kernel_size[0])
        sums[name] = sums.get(name, torch.zeros(())) + windows.T @ windows
        counts[name] = counts.get(name, 0) + len(windows)

    with _hooked(network, add):
        for _ in logits_of(network, clips, spec):
            watch()
    return {name: total / counts[name] for name, total in sums.items()}


def output_errors(
    network: VideoFocalNet,
    kernels: Mapping[str, Tensor],
    clips: Clips,
    spec: PreprocessingSpec,
    watch: Callable[[], None],
) -> tuple[dict[str, float], list[NDArray[np.float32]]]:
    """How far the outputs of layers move if their kernels are replaced, each on its usual input.

    Args:
        kernels: ``[C, C, k]`` by layer name.

    Returns:
        By layer, the root of the error's energy over the output's; and the logits of the network as it is.
    """
    energies = {name: [0.0, 0.0] for name in kernels}

    def add(name: str, layer: nn.Conv1d, sequences: Tensor) -> None:
        if name not in kernels:
            return
        change = conv1d(sequences, kernels[name] - layer.weight, padding=layer.kernel_size[0] // 2)
        output = conv1d(sequences, layer.weight, padding=layer.kernel_size[0] // 2)
        for place, values in enumerate((change, output)):
            energies[name][place] += float(values.double().square().sum())

    found = []
    with _hooked(network, add):
        for logits in logits_of(network, clips, spec):
            found.append(logits)
            watch()
    return {name: _relative(*energy) for name, energy in energies.items()}, found


def _relative(change: float, output: float) -> float:
    return math.sqrt(change / output) if output else 0.0


def _windows(sequences: Tensor, taps: int) -> Tensor:
    """``[N, C, T]`` to ``[N * T, C * k]``, zero padded."""
    padded = pad(sequences, (taps // 2, taps // 2))
    return padded.unfold(2, taps, 1).permute(0, 2, 1, 3).flatten(2).flatten(0, 1)


@contextmanager
def _hooked(network: VideoFocalNet, seen: _Seen) -> Iterator[None]:
    def watching(name: str) -> Callable[[nn.Conv1d, tuple[Tensor, ...]], None]:
        return lambda layer, inputs: seen(name, layer, inputs[0])

    layers = temporal_layers(network).items()
    handles = [layer.register_forward_pre_hook(watching(name)) for name, layer in layers]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
