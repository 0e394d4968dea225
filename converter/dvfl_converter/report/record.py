"""``report.json``: what ``report.html`` shows beside the manifest, kept so that the page can be made again.

Only ``dvfl report`` reads it. The manifest does not list it, so it names its manifest instead.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from dvfl.bundle import Bundle
from dvfl.errors import BundleError
from dvfl.manifest import ParityReport, Sha256
from dvfl_converter.compression.summary import Compression
from dvfl_converter.report.evidence import (
    ClipEvidence,
    Evidence,
    Failure,
    HalfRange,
    Latency,
    SearchEvidence,
    StressEvidence,
    Strip,
)
from dvfl_converter.report.images import shown_frames

RECORD_FILE = "report.json"

Picture = Annotated[str, Field(pattern=r"^data:image/jpeg;base64,[A-Za-z0-9+/]+=*$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class ClipRecord(_Strict):
    """A clip: how many frames the model saw, their pictures, and the logits of PyTorch and each artifact."""

    name: str
    frame_count: int = Field(ge=1)
    pictures: tuple[Picture, ...]
    reference: tuple[float, ...]
    logits: dict[str, tuple[float, ...]]

    @model_validator(mode="after")
    def _pictured(self) -> Self:
        if self.pictures and len(self.pictures) != len(shown_frames(self.frame_count)):
            raise ValueError(f"{len(self.pictures)} pictures of {self.frame_count} frames")
        return self


class Record(_Strict):
    """The whole of ``report.json``."""

    schema_version: Literal[2]
    manifest_sha256: Sha256
    machine: str
    latencies: tuple[Latency, ...]
    failures: tuple[Failure, ...]
    searches: tuple[SearchEvidence, ...]
    peaks: tuple[HalfRange, ...]
    clips: tuple[ClipRecord, ...]
    compression: Compression | None = None
    stress_clips: tuple[ClipRecord, ...] = ()
    stress: dict[str, ParityReport] = Field(default_factory=dict)


def write_record(bundle: Bundle, evidence: Evidence) -> None:
    """Writes the record beside a manifest that is already there; clips must hold pictures.

    Plainly, because the folder of a new bundle appears as a whole.
    """
    record = Record(
        schema_version=2,
        manifest_sha256=bundle.manifest_sha256,
        machine=evidence.machine,
        latencies=evidence.latencies,
        failures=evidence.failures,
        searches=evidence.searches,
        peaks=evidence.peaks,
        clips=tuple(map(_record, evidence.clips)),
        compression=evidence.compression,
        stress_clips=tuple(map(_record, evidence.stress.clips)),
        stress=evidence.stress.parity,
    )
    (bundle.root / RECORD_FILE).write_text(record.model_dump_json() + "\n", encoding="utf-8")


def read_record(bundle: Bundle) -> Evidence:
    """The evidence from which the bundle's page was rendered.

    Raises:
        BundleError: the record is missing, malformed, or that of another manifest.
    """
    path = bundle.root / RECORD_FILE
    try:
        record = Record.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        raise BundleError(
            f"{bundle.root}: no {RECORD_FILE}, so its report cannot be made again; "
            "copy the whole folder, or convert again with this dvfl"
        ) from None
    except OSError as error:
        raise BundleError(f"{path}: unreadable: {error.strerror}; copy the bundle again") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "record"
        raise BundleError(f"{path}: {where}: {first['msg']}; copy the bundle again") from None
    if record.manifest_sha256 != bundle.manifest_sha256:
        raise BundleError(f"{path}: is about another manifest.json; copy the whole bundle again")
    clips, hurting = (tuple(map(_evidence, clips)) for clips in (record.clips, record.stress_clips))
    _check_logits(bundle, (*clips, *hurting))
    return Evidence(
        bundle.manifest,
        clips,
        record.latencies,
        record.failures,
        record.machine,
        searches=record.searches,
        peaks=record.peaks,
        compression=record.compression,
        stress=StressEvidence(hurting, record.stress),
    )


def _check_logits(bundle: Bundle, clips: tuple[ClipEvidence, ...]) -> None:
    classes = len(bundle.manifest.labels)
    for clip in clips:
        for logits in (clip.reference, *clip.logits.values()):
            if len(logits) != classes:
                raise BundleError(
                    f"{bundle.root / RECORD_FILE}: {len(logits)} logits of '{clip.name}', but "
                    f"{classes} labels; copy the bundle again"
                )


def _record(clip: ClipEvidence) -> ClipRecord:
    strip = clip.pixels
    assert isinstance(strip, Strip), "made by with_pictures"
    return ClipRecord(
        name=clip.name,
        frame_count=strip.frame_count,
        pictures=strip.pictures,
        reference=_shortest(clip.reference),
        logits={name: _shortest(logits) for name, logits in clip.logits.items()},
    )


def _shortest(logits: NDArray[np.float32]) -> tuple[float, ...]:
    """The shortest decimals that give the same float32 again: half the digits of a float64."""
    return tuple(float(str(value)) for value in logits.astype(np.float32))


def _evidence(clip: ClipRecord) -> ClipEvidence:
    return ClipEvidence(
        clip.name,
        Strip(clip.frame_count, clip.pictures),
        np.array(clip.reference, np.float32),
        {name: np.array(logits, np.float32) for name, logits in clip.logits.items()},
    )
