"""The bundle's manifest: what the converter proved, and all that an SDK needs to run an artifact.

Strict on purpose: an unknown field or another schema version is refused, because an SDK that
skips what it does not know may feed a model the wrong tensor.
"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from dvfl.spec import PreprocessingSpec

SCHEMA_VERSION: Literal[1] = 1

Precision = Literal["fp32", "fp16", "int8"]
Placement = Literal["delegate", "native", "portable", "unsupported"]


def _inside_bundle(path: str) -> str:
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or "\\" in path or ":" in path or ".." in parts:
        raise ValueError(f"path '{path}' must be relative and stay inside the bundle")
    return path


BundlePath = Annotated[str, AfterValidator(_inside_bundle)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class StoredFile(_Strict):
    """A file of the bundle. For a folder (``.mlpackage``) ``sha256`` is that of its listing:
    the UTF-8 lines ``<sha256>  <relative path>\\n`` of its files, sorted by path."""

    file: BundlePath
    sha256: Sha256
    bytes: int = Field(ge=0)


class InputContract(_Strict):
    """The tensor an artifact takes: the uint8 clip's values, cast to ``dtype`` and laid out as ``layout``.

    ``layout`` names the axes in memory order: T frames, H rows, W columns, C = R, G, B.
    Values stay 0..255; mean and standard deviation are inside the artifact.
    """

    name: str
    dtype: Literal["float32", "uint8"]
    layout: Literal["THWC", "TCHW"]
    shape: tuple[int, int, int, int]
    value_range: tuple[int, int] = (0, 255)


class OutputContract(_Strict):
    """The tensor an artifact returns: logits, one per label, shape ``[1, K]``."""

    name: str
    dtype: Literal["float32"]
    shape: tuple[int, int]
    meaning: Literal["logits"] = "logits"


class OperatorUse(_Strict):
    """One operator of an exported program and where the phone runtime runs it."""

    operator: str
    placement: Placement
    where: str
    count: int = Field(ge=1)
    macs: int = Field(ge=0)
    macs_share: float = Field(ge=0, le=1)
    reason: str
    source: str | None = None


class OperatorReport(_Strict):
    """Operator compatibility of one program on one target.

    ``delegate_calls`` counts the partitions handed to the accelerator library: 1 is best.
    """

    delegate: str | None
    delegate_calls: int = Field(ge=0)
    operators: tuple[OperatorUse, ...]

    def count(self, placement: Placement) -> int:
        """Number of operator instances at a placement."""
        return sum(use.count for use in self.operators if use.placement == placement)

    def macs_share(self, placement: Placement) -> float:
        """Share of the multiply-accumulates at a placement, 0..1."""
        return sum(use.macs_share for use in self.operators if use.placement == placement)


class Gate(_Strict):
    """The tolerances an artifact must meet; ``None`` means the figure is reported, not gated."""

    max_error_of_range: float | None = None
    min_mean_cosine: float | None = None
    min_worst_cosine: float | None = None
    min_top1_agreement: float | None = None


class ClipParity(_Strict):
    """One clip's agreement between an artifact and the PyTorch reference (float64 on flattened logits)."""

    clip: str
    max_abs_error: float
    error_of_range: float
    cosine: float
    snr_db: float
    top1_agrees: bool
    top5_agrees: bool


class ParityReport(_Strict):
    """Agreement over all clips. ``status`` is ``not_run`` with a ``reason`` where no runtime exists."""

    status: Literal["passed", "failed", "not_run"]
    reason: str | None = None
    gate: Gate
    clips: tuple[ClipParity, ...] = ()

    @property
    def worst(self) -> ClipParity | None:
        """The clip that fares worst by what its gate limits: the cosine, or the error of the range."""
        if self.gate.max_error_of_range is None and self.gate.min_worst_cosine is not None:
            return min(self.clips, key=lambda clip: clip.cosine, default=None)
        return max(self.clips, key=lambda clip: clip.error_of_range, default=None)

    @property
    def mean_cosine(self) -> float:
        """Mean cosine similarity over the clips."""
        return sum(clip.cosine for clip in self.clips) / max(1, len(self.clips))

    @property
    def top1_agreement(self) -> float:
        """Share of clips whose best class is the reference's."""
        return sum(clip.top1_agrees for clip in self.clips) / max(1, len(self.clips))

    @property
    def top5_agreement(self) -> float:
        """Share of clips whose five best classes are the reference's, in any order."""
        return sum(clip.top5_agrees for clip in self.clips) / max(1, len(self.clips))


class Artifact(StoredFile):
    """One converted model: a target at a precision."""

    target: str
    precision: Precision
    input: InputContract
    output: OutputContract
    options: dict[str, str]
    operators: OperatorReport | None
    parity: ParityReport
    tools: dict[str, str]

    @property
    def name(self) -> str:
        """``target-precision``, unique in a bundle."""
        return f"{self.target}-{self.precision}"

    @property
    def min_runtime(self) -> str | None:
        """The oldest runtimes on which it was right, ``ai-edge-litert 1.0.1, ...``; ``None`` if unknown."""
        return self.options.get("min_runtime")


class ModelCard(_Strict):
    """The model behind every artifact of the bundle."""

    name: str
    depths: tuple[int, int, int, int]
    width: int
    parameters: int
    macs: int
    frames: int
    size: int
    checkpoint: str
    checkpoint_sha256: Sha256


class ReferenceVector(StoredFile):
    """A real clip's uint8 tensor (gzip of the raw bytes, THWC) and the PyTorch reference's logits."""

    name: str
    shape: tuple[int, int, int, int]
    logits: tuple[float, ...]


class Manifest(_Strict):
    """The whole of ``manifest.json``."""

    schema_version: Literal[1] = SCHEMA_VERSION
    model: ModelCard
    labels: tuple[str, ...] = Field(min_length=1)
    preprocessing: PreprocessingSpec
    reference: StoredFile | None
    artifacts: tuple[Artifact, ...]
    reference_vectors: tuple[ReferenceVector, ...]

    @model_validator(mode="after")
    def _consistent(self) -> Manifest:
        names = [artifact.name for artifact in self.artifacts]
        if len(set(names)) != len(names):
            raise ValueError("two artifacts have the same target and precision")
        heads = {artifact.output.shape[1] for artifact in self.artifacts}
        heads |= {len(vector.logits) for vector in self.reference_vectors}
        if heads - {len(self.labels)}:
            raise ValueError(f"{len(self.labels)} labels, but outputs of {sorted(heads)} logits")
        return self
