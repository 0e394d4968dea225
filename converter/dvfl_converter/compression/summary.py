"""What compressing gave, layer by layer, and as lines for a terminal."""

from __future__ import annotations

import re
from dataclasses import dataclass

from dvfl.manifest import ClipParity

_NAME = re.compile(r"layers\.(\d+)\.blocks\.(\d+)\.modulation\.focal_layers_temporal\.(\d+)\.0")
HEADINGS = ("layer", "rank", "MACs before", "after", "error", "on other clips")


@dataclass(frozen=True)
class Place:
    """Where in the network a temporal convolution is: stage, block in it, focal level in that; from 0."""

    stage: int
    block: int
    level: int

    def __str__(self) -> str:
        return f"stage {self.stage}, block {self.block}, level {self.level}"


def place_of(name: str) -> Place:
    """The place that a module name of the reference stands for."""
    found = _NAME.fullmatch(name)
    if found is None:
        raise ValueError(f"'{name}' is no temporal convolution")
    return Place(*map(int, found.groups()))


@dataclass(frozen=True)
class LayerSaving:
    """One temporal convolution, before and after.

    Attributes:
        layer: module name in the reference.
        channels, rank: equal where the layer was left alone.
        macs, compressed_macs: per clip; for the first of a block with the linear layer that feeds it.
        calibration_error: relative error of the output on the clips that it was fitted on.
        error: the same on the clips that judge.
    """

    layer: str
    channels: int
    rank: int
    macs: int
    compressed_macs: int
    calibration_error: float
    error: float


@dataclass(frozen=True)
class Compression:
    """What compressing gave.

    Attributes:
        asked: the largest allowed relative error of a layer's output.
        layers: all temporal convolutions, in order.
        macs: of the whole network before, per clip.
        calibration_clips: how many it was fitted on.
        clips: the compressed network's logits against the original's, on other clips.
    """

    asked: float
    layers: tuple[LayerSaving, ...]
    macs: int
    calibration_clips: int
    clips: tuple[ClipParity, ...]

    @property
    def saved(self) -> int:
        """Multiply-accumulates saved per clip."""
        return sum(layer.macs - layer.compressed_macs for layer in self.layers)

    @property
    def ranks(self) -> dict[str, int]:
        """Of the layers that were compressed, by module name."""
        return {layer.layer: layer.rank for layer in self.layers if layer.rank < layer.channels}

    @property
    def top1_agreement(self) -> float:
        """Share of clips whose best label is the original's."""
        return sum(clip.top1_agrees for clip in self.clips) / max(1, len(self.clips))

    @property
    def worst(self) -> ClipParity:
        """The clip with the lowest signal-to-noise ratio."""
        return min(self.clips, key=lambda clip: clip.snr_db)

    def rows(self) -> list[tuple[str, ...]]:
        """One per layer, under :data:`HEADINGS`."""
        return [_row(layer) for layer in self.layers]

    def sentence(self) -> str:
        """The sum of it, in one line."""
        saved = (
            f"{self.saved / 1e6:,.1f} M of {self.macs / 1e6:,.1f} M MACs saved ({self.saved / self.macs:.1%})"
        )
        worst = f"worst SNR {self.worst.snr_db:.1f} dB ({self.worst.clip})"
        agreement = f"top-1 agreement {self.top1_agreement:.1%}"
        return f"{saved}; {agreement}, {worst} on {len(self.clips)} clips, against the original"


def _row(layer: LayerSaving) -> tuple[str, ...]:
    kept = layer.rank == layer.channels
    return (
        str(place_of(layer.layer)),
        f"{layer.rank} of {layer.channels}",
        f"{layer.macs / 1e6:,.2f} M",
        "as it was" if kept else f"{layer.compressed_macs / 1e6:,.2f} M",
        "" if kept else f"{layer.calibration_error:.4f}",
        "" if kept else f"{layer.error:.4f}",
    )
