"""A checkpoint whose temporal kernels have the lowest rank that clips allow, and what that costs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from torch import Tensor

from dvfl.errors import ConversionError, GateError
from dvfl.model.checkpoint import Checkpoint
from dvfl.spec import PreprocessingSpec
from dvfl_converter.clips import NamedClip
from dvfl_converter.compression.costs import layer_cost
from dvfl_converter.compression.fitting import fit_low_rank
from dvfl_converter.compression.statistics import (
    Clips,
    input_moments,
    logits_of,
    output_errors,
)
from dvfl_converter.compression.summary import Compression, LayerSaving
from dvfl_converter.parity.gates import compression_misses
from dvfl_converter.parity.metrics import compare


def compress(
    checkpoint: Checkpoint,
    error: float,
    calibration: Clips,
    clips: Sequence[NamedClip],
    spec: PreprocessingSpec,
    macs: int,
    watch: Callable[[], None] = lambda: None,
) -> tuple[Checkpoint, Compression]:
    """Replaces each temporal kernel by that of the least rank whose output is within ``error`` on clips.

    Layers in which that rank saves nothing stay as they are. The result keeps the original's path and sha256.

    Args:
        error: relative, of each layer's output on the calibration clips.
        calibration: uint8 ``[T, H, W, 3]``; kernels are fitted on these.
        clips: others, on which the result is compared with the original.
        macs: of the whole network.
        watch: called after each of ``len(calibration) + 2 * len(clips)`` passes through the network.

    Raises:
        ConversionError: nothing can be saved.
    """
    network = checkpoint.network()
    moments = input_moments(network, calibration, spec, watch)
    dense = {name: checkpoint.weights[f"{name}.weight"] for name in moments}
    found, kernels = _fitted(dense, moments, error, spec)
    if not kernels:
        raise ConversionError(_nothing(checkpoint, error, found))
    changed = {f"{name}.weight": kernel for name, kernel in kernels.items()}
    smaller = replace(checkpoint, weights=checkpoint.weights | changed)
    pixels = [clip.pixels for clip in clips]
    errors, reference = output_errors(network, kernels, pixels, spec, watch)
    measured = []
    for logits in logits_of(smaller.network(), pixels, spec):
        measured.append(logits)
        watch()
    parity = tuple(
        compare(clip.name, wanted, got) for clip, wanted, got in zip(clips, reference, measured, strict=True)
    )
    layers = tuple(replace(layer, error=errors.get(layer.layer, 0.0)) for layer in found)
    return smaller, Compression(error, layers, macs, len(calibration), parity)


def check_gate(compression: Compression, checkpoint: Checkpoint) -> None:
    """Lets a compressed network pass that says what it said before.

    Raises:
        GateError: it does not, on clips that it was not fitted on.
    """
    missed = compression_misses(compression.clips)
    if missed:
        raise GateError(
            f"{checkpoint.path}: compressed to an error of {compression.asked:g} per layer it says something "
            f"else: {'; '.join(missed)}; allow less, calibrate on more clips, or train it further "
            "(dvfl compress --for-training)"
        )


def _fitted(
    kernels: Mapping[str, Tensor], moments: Mapping[str, Tensor], error: float, spec: PreprocessingSpec
) -> tuple[list[LayerSaving], dict[str, Tensor]]:
    """Every layer's rank, and the new kernels of those where it saves something."""
    layers, replaced = [], {}
    for name, kernel in kernels.items():
        channels, _, taps = kernel.shape
        cost = layer_cost(name, channels, taps, spec.temporal.frames, spec.crop.size)
        fits = fit_low_rank(kernel, moments[name])
        rank = fits.least_rank(error)
        layer = LayerSaving(name, channels, channels, cost.dense, cost.dense, 0.0, 0.0)
        if cost.saves(rank):
            replaced[name] = fits.kernel(rank).float()
            layer = replace(
                layer,
                rank=rank,
                compressed_macs=cost.at(rank),
                calibration_error=float(fits.errors[rank - 1]),
            )
        layers.append(layer)
    return layers, replaced


def _nothing(checkpoint: Checkpoint, error: float, layers: Sequence[LayerSaving]) -> str:
    return (
        f"{checkpoint.path}: nothing to save at an error of {error:g}: none of its {len(layers)} temporal "
        "convolutions has so low a rank on these clips; allow a larger error, or convert it as it is"
    )
