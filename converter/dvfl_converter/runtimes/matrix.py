"""Artifacts against runtimes: asked, judged by the artifact's gate, and the oldest that is right."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict

from dvfl.bundle import Bundle
from dvfl.engines.base import to_input
from dvfl.manifest import Artifact
from dvfl_converter.clips import NamedClip
from dvfl_converter.parity.compare import LogitsByClip, compare_clips
from dvfl_converter.parity.gates import GATES, judge

PROBE = Path(__file__).with_name("probe.py")
TIMEOUT_S = 1800.0
# The version of a runtime that a given Python has.
GIVEN = "given"

Outcome = Literal["right", "wrong", "run_failed", "load_failed", "crashed", "not_installed"]


@dataclass(frozen=True)
class Subject:
    """A runtime that can be asked.

    Attributes:
        python: the Python that has it; ``None`` where it could not be installed.
        obstacle: why not.
    """

    name: str
    family: str
    version: str
    api: str
    target: str
    python: Path | None
    obstacle: str = ""


class Entry(BaseModel):
    """What one runtime makes of one artifact.

    Attributes:
        error_of_range: the largest error of any logit over the range of PyTorch's, worst clip.
        cosine: with PyTorch's logits, worst clip.
        from_here: the largest distance of any logit from what this machine's runtime says, over the range.
        p50_ms: median time of a run; ``None`` where none was asked for.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    runtime: str
    family: str
    version: str
    artifact: str
    machine: str
    outcome: Outcome
    reason: str
    error_of_range: float | None = None
    cosine: float | None = None
    from_here: float | None = None
    p50_ms: float | None = None


class Matrix(BaseModel):
    """All entries of one run, by runtime in the order of the registry."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    schema_version: Literal[1] = 1
    manifest_sha256: str
    entries: tuple[Entry, ...]


@dataclass(frozen=True)
class Examiner:
    """What is asked of every runtime: the bundle's artifacts on these clips.

    Attributes:
        reference: PyTorch's logits of the clips.
        here: per artifact, the logits of this machine's runtime.
        folder: a place for the clips' files.
    """

    bundle: Bundle
    clips: tuple[NamedClip, ...]
    reference: LogitsByClip
    here: dict[str, LogitsByClip]
    folder: Path
    runs: int

    def examine(self, subject: Subject, artifact: Artifact) -> Entry:
        """One entry."""
        entry = Entry(
            runtime=subject.name,
            family=subject.family,
            version=subject.version,
            artifact=artifact.name,
            machine="",
            outcome="not_installed",
            reason=subject.obstacle,
        )
        if subject.python is None:
            return entry
        said = ask(
            subject.python, subject.api, self.bundle.verified(artifact), self._clips_of(artifact), self.runs
        )
        changed: dict[str, Any] = {"machine": said.get("machine", ""), "reason": said["reason"]}
        if said["status"] != "ran":
            return entry.model_copy(update={**changed, "outcome": said["status"]})
        return entry.model_copy(update={**changed, **self._judged(artifact, said)})

    def _judged(self, artifact: Artifact, said: dict[str, Any]) -> dict[str, Any]:
        names = [clip.name for clip in self.clips]
        logits = {name: np.array(row, np.float32) for name, row in zip(names, said["logits"], strict=True)}
        if not all(np.isfinite(row).all() for row in logits.values()):
            return {"outcome": "wrong", "reason": "logits that are not finite"}
        parity = judge(GATES[artifact.precision], compare_clips(self.reference, logits))
        here = self.here.get(artifact.name)
        distances = compare_clips(here, logits) if here else ()
        return {
            "outcome": "right" if parity.status == "passed" else "wrong",
            "reason": "" if parity.status == "passed" else parity.reason or "",
            "error_of_range": max(clip.error_of_range for clip in parity.clips),
            "cosine": min(clip.cosine for clip in parity.clips),
            "from_here": max(clip.error_of_range for clip in distances) if distances else None,
            "p50_ms": median(said["times_ms"]) if said["times_ms"] else None,
        }

    def _clips_of(self, artifact: Artifact) -> Path:
        path = self.folder / f"{artifact.input.layout}-{artifact.input.dtype}.npz"
        if not path.exists():
            arrays: dict[str, Any] = {
                f"{i:03}": to_input(clip.pixels, artifact.input) for i, clip in enumerate(self.clips)
            }
            np.savez(path, **arrays)
        return path


def ask(python: Path, api: str, artifact: Path, clips: Path, runs: int) -> dict[str, Any]:
    """What ``probe.py`` prints under that Python; a process that dies is ``crashed``."""
    # Isolated: neither this folder nor this environment may lend it modules.
    command = [str(python), "-I", str(PROBE), api, str(artifact), str(clips), str(runs)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        return {"status": "crashed", "reason": f"no answer in {TIMEOUT_S:.0f} s"}
    try:
        answer: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    except (ValueError, IndexError):
        return {"status": "crashed", "reason": _death(done.returncode, done.stderr)}
    return answer


def _death(code: int, errors: str) -> str:
    what = signal.Signals(-code).name if code < 0 else f"exit code {code}"
    last = errors.strip().splitlines()[-1:] or [""]
    return f"{what}: {last[0][:200]}".rstrip(": ")


def minimum(entries: Iterable[Entry], artifact: str, family: str) -> str | None:
    """The oldest version of a family from which on every one that was asked is right with this artifact.

    Entries come from the oldest to the newest; ``None`` if the newest is not right.
    """
    asked = [entry for entry in entries if (entry.artifact, entry.family) == (artifact, family)]
    versions = list(dict.fromkeys(entry.version for entry in asked if entry.outcome != "not_installed"))
    oldest = None
    for version in reversed(versions):
        if any(entry.outcome != "right" for entry in asked if entry.version == version):
            break
        oldest = version
    return oldest


def families(entries: Sequence[Entry]) -> list[str]:
    """Every family that was asked, in order."""
    return list(dict.fromkeys(entry.family for entry in entries))
