"""What the report shows beside the manifest: the runs themselves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dvfl.manifest import Manifest
from dvfl_converter.devices import DeviceRun


@dataclass(frozen=True)
class Strip:
    """A clip's frames as small pictures.

    Attributes:
        frame_count: frames that the model saw.
        pictures: data URIs of the frames that are shown; none where the page does not picture the clip.
    """

    frame_count: int
    pictures: tuple[str, ...]


@dataclass(frozen=True)
class ClipEvidence:
    """One clip as the model saw it, and what each engine said of it.

    Attributes:
        name: the clip's file name, or that of a generated pattern.
        pixels: uint8 ``[T, H, W, 3]``, or the pictures that were made of them.
        reference: PyTorch's logits ``[K]``.
        logits: each executed artifact's logits ``[K]``, by artifact name.
    """

    name: str
    pixels: NDArray[np.uint8] | Strip
    reference: NDArray[np.float32]
    logits: dict[str, NDArray[np.float32]]


@dataclass(frozen=True)
class Latency:
    """Time per clip on the machine that converted, in milliseconds; ``runs`` after warm-up."""

    engine: str
    p50_ms: float
    p90_ms: float
    load_ms: float
    runs: int
    threads: int


@dataclass(frozen=True)
class Failure:
    """A target that failed to convert; the others are kept."""

    name: str
    message: str


@dataclass(frozen=True)
class Evidence:
    """Everything ``report.html`` is rendered from."""

    manifest: Manifest
    clips: tuple[ClipEvidence, ...]
    latencies: tuple[Latency, ...]
    failures: tuple[Failure, ...]
    machine: str
    devices: tuple[DeviceRun, ...] = ()
