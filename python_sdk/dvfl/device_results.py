"""What a phone measured: the file that the on-device tests write and ``dvfl report`` reads.

The device only reports. Whether a run meets its gate is decided on the host, from the logits in here and
the reference logits in the manifest. Strict for the manifest's reason: a skipped field is a skipped fact.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator

from dvfl.errors import DeviceResultsError
from dvfl.manifest import Precision, Sha256

SCHEMA_VERSION: Literal[1] = 1

_LARGEST_FLOAT32 = 3.4028234663852886e38

Text = Annotated[str, Field(min_length=1)]
Milliseconds = Annotated[float, Field(ge=0)]
Float32 = Annotated[float, Field(ge=-_LARGEST_FLOAT32, le=_LARGEST_FLOAT32)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Device(_Strict):
    """The machine that ran. ``soc`` is its chip, where the system tells it."""

    manufacturer: Text
    model: Text
    os: Text
    os_version: Text
    soc: Text | None = None

    @property
    def name(self) -> str:
        """``Google Pixel 8``, without saying the manufacturer twice."""
        if self.model.lower().startswith(self.manufacturer.lower()):
            return self.model
        return f"{self.manufacturer} {self.model}"


class Sdk(_Strict):
    """The SDK whose test wrote the file."""

    name: Text
    version: Text


class ClipRun(_Strict):
    """One reference clip: ``logits`` are the float32 values that came out, before any softmax.

    ``max_abs_error`` is ``max abs(logits - reference)`` and ``top1_agrees`` compares the best class, both as
    the device worked them out; the host works them out again and refuses a file that contradicts itself.
    """

    clip: Text
    logits: tuple[Float32, ...] = Field(min_length=1)
    max_abs_error: float = Field(ge=0)
    top1_agrees: bool


class RunLatency(_Strict):
    """Milliseconds per clip without preprocessing, over ``runs`` after warm-up."""

    runs: int = Field(ge=1)
    min: Milliseconds
    p50: Milliseconds
    p90: Milliseconds

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.min <= self.p50 <= self.p90:
            raise ValueError(f"min {self.min} <= p50 {self.p50} <= p90 {self.p90} does not hold")
        return self


class Run(_Strict):
    """One artifact on one accelerator. Times in milliseconds, memory in bytes; what is not known is null."""

    target: Text
    precision: Precision
    artifact_sha256: Sha256
    accelerator: str = Field(pattern=r"^[a-z0-9_]+$")
    threads: int | None = Field(default=None, ge=1)
    runtime: Text
    status: Literal["ran", "failed"]
    reason: Text | None = None
    load_ms: Milliseconds | None = None
    first_ms: Milliseconds | None = None
    clips: tuple[ClipRun, ...]
    latency_ms: RunLatency | None = None
    memory_bytes: int | None = Field(default=None, ge=0)
    thermal_before: Text | None = None
    thermal_after: Text | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.status == "failed" and self.reason is None:
            raise ValueError("a failed run needs a reason")
        if self.status == "ran" and not self.clips:
            raise ValueError("a run with status 'ran' needs clips")
        names = [clip.clip for clip in self.clips]
        if len(set(names)) != len(names):
            raise ValueError("a clip occurs twice in one run")
        return self

    @property
    def artifact(self) -> str:
        """``target-precision``, the artifact's name in the manifest."""
        return f"{self.target}-{self.precision}"


class DeviceResults(_Strict):
    """The whole file of one test on one device."""

    schema_version: Literal[1]
    manifest_sha256: Sha256
    created_at: AwareDatetime
    device: Device
    sdk: Sdk
    runs: tuple[Run, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _runs_differ(self) -> Self:
        keys = [(run.artifact, run.accelerator, run.threads, run.runtime) for run in self.runs]
        if len(set(keys)) != len(keys):
            raise ValueError("two runs have the same artifact, accelerator, threads and runtime")
        return self


def read_device_results(path: str | os.PathLike[str]) -> DeviceResults:
    """Reads and validates one file.

    Raises:
        DeviceResultsError: the file is missing, unreadable, malformed or of another schema version.
    """
    file = Path(path)
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise DeviceResultsError(
            f"{file}: no such file; run the device test and copy its results here"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise DeviceResultsError(f"{file}: unreadable: {error}; copy it from the device again") from None
    _check_version(file, text)
    try:
        return DeviceResults.model_validate_json(text)
    except ValidationError as error:
        raise DeviceResultsError(f"{file}: {_first(error)}; see spec/device-results.md") from None


def _check_version(file: Path, text: str) -> None:
    try:
        data: Any = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        where = f"line {error.lineno}: {error.msg}" if isinstance(error, json.JSONDecodeError) else "too deep"
        raise DeviceResultsError(f"{file}: not JSON ({where}); copy it from the device again") from None
    version = data.get("schema_version") if isinstance(data, dict) else None
    if version != SCHEMA_VERSION:
        raise DeviceResultsError(
            f"{file}: schema version {version!r}, this dvfl reads {SCHEMA_VERSION}; "
            "run the device test of the SDK of this version"
        )


def _first(error: ValidationError) -> str:
    first = error.errors()[0]
    where = ".".join(map(str, first["loc"])) or "file"
    return f"{where}: {'unknown field' if first['type'] == 'extra_forbidden' else first['msg']}"
