"""What the report shows beside the manifest: the runs themselves."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from dvfl.manifest import Manifest, ParityReport
from dvfl_converter.compression.summary import Compression
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
class StressEvidence:
    """What clips made to hurt did.

    Attributes:
        clips: on which some artifact fared worst of all.
        parity: of each executed artifact by its stress gate, by artifact name.
    """

    clips: tuple[ClipEvidence, ...] = ()
    parity: dict[str, ParityReport] = field(default_factory=dict)


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
    """An artifact that could not be made, or was made and ``refused``; the others are kept."""

    name: str
    message: str
    refused: bool = False


@dataclass(frozen=True)
class PlanTrial:
    """A quantisation plan as it ran on the selection clips.

    Attributes:
        name: what was quantised how.
        bytes: size of the artifact; 0 if it did not convert.
        agreement: share of clips with PyTorch's best class.
        worst_cosine, snr_db: of the worst clip.
        time_ratio: fastest run over fp32's, interleaved; ``None`` where only accuracy was asked.
        missed: what keeps it from passing the selection gate; empty if it passes.
        best: no other trial is both faster and more accurate.
        chosen: the artifact was made by it.
    """

    name: str
    bytes: int
    agreement: float
    worst_cosine: float
    snr_db: float
    time_ratio: float | None
    missed: str
    best: bool
    chosen: bool


@dataclass(frozen=True)
class LayerSensitivity:
    """Signal-to-noise ratio of the logits when one group of layers is computed by the cheaper scheme."""

    group: str
    scheme: str
    snr_db: float
    macs: int


@dataclass(frozen=True)
class SearchEvidence:
    """How the plan of one int8 artifact was found.

    Attributes:
        artifact: its name.
        calibration, selection: numbers of clips.
        remembered: recalled from an earlier search on this machine.
    """

    artifact: str
    trials: tuple[PlanTrial, ...]
    sensitivities: tuple[LayerSensitivity, ...]
    calibration: int
    selection: int
    remembered: bool


@dataclass(frozen=True)
class HalfRange:
    """The largest magnitude of an fp16 artifact's network: see ``parity.half_range.Peak``."""

    artifact: str
    value: float
    operator: str
    source: str
    clip: str


@dataclass(frozen=True)
class Evidence:
    """Everything ``report.html`` is rendered from."""

    manifest: Manifest
    clips: tuple[ClipEvidence, ...]
    latencies: tuple[Latency, ...]
    failures: tuple[Failure, ...]
    machine: str
    devices: tuple[DeviceRun, ...] = ()
    searches: tuple[SearchEvidence, ...] = ()
    peaks: tuple[HalfRange, ...] = ()
    compression: Compression | None = None
    stress: StressEvidence = StressEvidence()
