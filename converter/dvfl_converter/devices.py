"""Judging what phones measured: their logits against the manifest's, here, with the artifact's own gate."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dvfl.bundle import Bundle
from dvfl.device_results import ClipRun, Device, DeviceResults, Run, read_device_results
from dvfl.errors import DeviceResultsError
from dvfl.manifest import Artifact, ClipParity, Manifest, ParityReport, ReferenceVector
from dvfl_converter.parity.gates import judge, not_run
from dvfl_converter.parity.metrics import compare

# A device may work out its error in another order, but from the same float32 logits.
_ERROR_TOLERANCE = 1e-5


@dataclass(frozen=True)
class DeviceRun:
    """One artifact on one accelerator of one device. ``parity`` was worked out on this machine."""

    results: DeviceResults
    run: Run
    artifact: Artifact
    parity: ParityReport

    @property
    def device(self) -> Device:
        """The device that ran it."""
        return self.results.device

    @property
    def ok(self) -> bool:
        """It ran on every reference clip and met the artifact's gate."""
        return self.run.status == "ran" and self.parity.status == "passed"

    @property
    def name(self) -> str:
        """``litert-fp32 on Google Pixel 8 (cpu)``."""
        return f"{self.artifact.name} on {self.device.name} ({self.run.accelerator})"


def judge_devices(bundle: Bundle, files: Sequence[Path]) -> tuple[DeviceRun, ...]:
    """Reads the files of device results and judges each of their runs, in their order.

    Raises:
        DeviceResultsError: a file is unreadable, given twice, about another bundle or artifact, names an
            unknown clip or lacks one, has a wrong number of logits, or contradicts its own logits.
    """
    read: dict[DeviceResults, Path] = {}
    judged: list[DeviceRun] = []
    manifest_sha256 = bundle.manifest_sha256
    for file in files:
        results = read_device_results(file)
        if results in read:
            raise DeviceResultsError(f"{file}: the same results as {read[results]}; give each file once")
        read[results] = file
        if results.manifest_sha256 != manifest_sha256:
            raise DeviceResultsError(
                f"{file}: is about another bundle (manifest.json {results.manifest_sha256[:12]}..., "
                f"{bundle.root} has {manifest_sha256[:12]}...); run the device test with this bundle"
            )
        for index, run in enumerate(results.runs):
            artifact, parity = _judge_run(bundle.manifest, run, f"{file}: runs.{index}")
            judged.append(DeviceRun(results, run, artifact, parity))
    return tuple(judged)


def _judge_run(manifest: Manifest, run: Run, where: str) -> tuple[Artifact, ParityReport]:
    artifact = _artifact(manifest, run, where)
    vectors = {vector.name: vector for vector in manifest.reference_vectors}
    measured = {clip.clip: _judge_clip(vectors, clip, where) for clip in run.clips}
    gate = artifact.parity.gate
    if run.status == "failed":
        return artifact, not_run(gate, run.reason or "no reason was given")
    missing = [name for name in vectors if name not in measured]
    if missing:
        raise DeviceResultsError(
            f"{where}: lacks the reference clip '{missing[0]}'; a run has all {len(vectors)}, or is 'failed'"
        )
    return artifact, judge(gate, [measured[name] for name in vectors])


def _artifact(manifest: Manifest, run: Run, where: str) -> Artifact:
    found = next((artifact for artifact in manifest.artifacts if artifact.name == run.artifact), None)
    if found is None:
        held = ", ".join(artifact.name for artifact in manifest.artifacts) or "none"
        raise DeviceResultsError(f"{where}: no artifact '{run.artifact}'; this bundle holds: {held}")
    if found.sha256 != run.artifact_sha256:
        raise DeviceResultsError(
            f"{where}: ran another {run.artifact} (sha256 {run.artifact_sha256[:12]}..., the manifest has "
            f"{found.sha256[:12]}...); copy the bundle to the device again"
        )
    return found


def _judge_clip(vectors: dict[str, ReferenceVector], clip: ClipRun, where: str) -> ClipParity:
    at = f"{where}: clip '{clip.clip}'"
    vector = vectors.get(clip.clip)
    if vector is None:
        known = ", ".join(f"'{name}'" for name in vectors) or "none"
        raise DeviceResultsError(f"{at} is no reference vector; this bundle's are: {known}")
    if len(clip.logits) != len(vector.logits):
        raise DeviceResultsError(
            f"{at} has {len(clip.logits)} logits, the model has {len(vector.logits)} classes; "
            "write the whole output"
        )
    # As float32, whatever decimals they were written with: the error is then the device's to the last bit.
    logits = np.array(clip.logits, np.float32)
    parity = compare(clip.clip, vector.logits, logits)
    if not math.isclose(clip.max_abs_error, parity.max_abs_error, rel_tol=_ERROR_TOLERANCE):
        raise DeviceResultsError(
            f"{at}: max_abs_error says {clip.max_abs_error:.6g}, its logits say {parity.max_abs_error:.6g}; "
            "the file was altered, or the device compared with something else"
        )
    tied = int((logits == logits.max()).sum()) > 1
    if clip.top1_agrees != parity.top1_agrees and not tied:
        raise DeviceResultsError(
            f"{at}: top1_agrees says {str(clip.top1_agrees).lower()}, its logits say otherwise; "
            "the file was altered, or the device compared with something else"
        )
    return parity
