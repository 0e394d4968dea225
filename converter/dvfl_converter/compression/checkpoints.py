"""Compressed checkpoints as files, and what a bundle's manifest says of compressed weights."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from dvfl.files import atomic_write
from dvfl.model import VideoFocalNet
from dvfl.model.checkpoint import Checkpoint, read_content
from dvfl.model.low_rank import factorised, temporal_layers
from dvfl_converter.compression.summary import Compression

RANKS = "temporal_ranks"
_DESCRIBING = ("classes", "dataset", "frames", "size", "short_side", "recipe")


def write_compressed(path: Path, compressed: Checkpoint, compression: Compression) -> None:
    """Writes a checkpoint with dense float32 weights; its ``config`` holds the original's and the ranks.

    In half precision the kernels would not have the ranks any more.

    Args:
        path: of the file to write.
        compressed: as ``compress`` gave it: its ``path`` is the original's.

    Raises:
        OutputError: the file cannot be written; an earlier one stays.
    """
    config = _described(compressed.path) | {
        RANKS: compression.ranks,
        "compression": {
            "error": compression.asked,
            "of_sha256": compressed.sha256,
            "calibration_clips": compression.calibration_clips,
            "top1_agreement": compression.top1_agreement,
            "worst_snr_db": compression.worst.snr_db,
        },
    }
    weights = {key: value.contiguous() for key, value in compressed.weights.items()}
    # torch.save reports a full disk as a RuntimeError about positions; a plain write says what it is.
    buffer = io.BytesIO()
    torch.save({"model": weights, "config": config}, buffer)
    with atomic_write(path) as stream:
        stream.write(buffer.getbuffer())


def recorded(network: VideoFocalNet, compression: Compression | None) -> dict[str, str]:
    """The options by which the manifest tells a compressed model; none for one of full rank.

    ``temporal_ranks`` lists the rank of every temporal convolution over its channels, in order.
    """
    layers = temporal_layers(network).values()
    ranks = [(factorised(layer.weight).rank, layer.in_channels) for layer in layers]
    asked = {} if compression is None else {"compress": f"{compression.asked:g}"}
    if all(rank == channels for rank, channels in ranks):
        return asked
    return asked | {RANKS: " ".join(f"{rank}/{channels}" for rank, channels in ranks)}


def _described(path: Path) -> dict[str, Any]:
    """What the original says of itself in plain values; its accuracy is no longer true."""
    content = read_content(path)
    config = content.get("config") if isinstance(content, Mapping) else None
    if not isinstance(config, Mapping):
        return {}
    return {name: config[name] for name in _DESCRIBING if name in config}
