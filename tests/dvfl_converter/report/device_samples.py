"""A bundle without its artifacts, which a report does not need, and what a phone would say of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from report_samples import clip, evidence, moving_pattern

from dvfl.bundle import MANIFEST_FILE, Bundle
from dvfl.manifest import Artifact, Manifest, ReferenceVector
from dvfl_converter.bundle_writer import REPORT_FILE
from dvfl_converter.report.clips import with_pictures
from dvfl_converter.report.evidence import Failure, Latency
from dvfl_converter.report.record import write_record
from dvfl_converter.report.render import render

CLIPS = ("first.mp4", "second.mp4")
ARTIFACTS = ("litert-fp32", "coreml-fp16")


def write_bundle(root: Path, artifacts: Sequence[str] = ARTIFACTS) -> Bundle:
    """The manifest, the page and its record, of made-up logits."""
    clips = [clip(name, moving_pattern(seed=i), seed=i) for i, name in enumerate(CLIPS)]
    latencies = (Latency("torch-fp32", 400.0, 420.0, 800.0, 20, 2),)
    given = evidence(clips, artifacts=artifacts, latencies=latencies, failures=[Failure("x-fp32", "no way")])
    vectors = tuple(
        ReferenceVector(
            file=f"vectors/{index:03d}.clip.u8.gz",
            sha256="00" * 32,
            bytes=1,
            name=entry.name,
            shape=(8, 64, 64, 3),
            logits=tuple(map(float, entry.reference)),
        )
        for index, entry in enumerate(clips)
    )
    manifest = Manifest.model_validate({**given.manifest.model_dump(), "reference_vectors": vectors})
    root.mkdir()
    (root / MANIFEST_FILE).write_text(manifest.model_dump_json(indent=2) + "\n")
    pictured = with_pictures(replace(given, manifest=manifest))
    write_record(Bundle(root, manifest), pictured)
    (root / REPORT_FILE).write_text(render(pictured), encoding="utf-8")
    return Bundle.open(root)


def results(bundle: Bundle, *runs: dict[str, Any], model: str = "Pixel 8", **other: Any) -> dict[str, Any]:
    """A file of device results: of the runs given, or of one good run of the first artifact."""
    return {
        "schema_version": 1,
        "manifest_sha256": bundle.manifest_sha256,
        "created_at": "2026-11-22T10:00:00Z",
        "device": {
            "manufacturer": "Google", "model": model, "os": "Android", "os_version": "15 (API 35)",
            "soc": "Tensor G3",
        },
        "sdk": {"name": "dvfl-android", "version": "0.1.0"},
        "runs": list(runs) or [good_run(bundle)],
        **other,
    }  # fmt: skip


def good_run(bundle: Bundle, artifact: Artifact | None = None, **other: Any) -> dict[str, Any]:
    """A run whose logits are the reference's with an error in the last bits."""
    logits = {
        vector.name: np.array(vector.logits, np.float32) * np.float32(1 + 3e-7)
        for vector in bundle.manifest.reference_vectors
    }
    return run_of(bundle, logits, artifact or bundle.manifest.artifacts[0], **other)


def failed_run(bundle: Bundle, reason: str, **other: Any) -> dict[str, Any]:
    """A run that gave nothing."""
    nothing = dict.fromkeys(("load_ms", "first_ms", "latency_ms", "memory_bytes"))
    return {**good_run(bundle), **nothing, "status": "failed", "reason": reason, "clips": [], **other}


def run_of(
    bundle: Bundle, logits: Mapping[str, np.ndarray], artifact: Artifact, **other: Any
) -> dict[str, Any]:
    """A run with these float32 logits by clip, and the figures that the device would work out of them."""
    return {
        "target": artifact.target,
        "precision": artifact.precision,
        "artifact_sha256": artifact.sha256,
        "accelerator": "cpu",
        "threads": 4,
        "runtime": "LiteRT 2.16.1",
        "status": "ran",
        "reason": None,
        "load_ms": 12.3,
        "first_ms": 30.1,
        "clips": [clip_run(bundle, name, values) for name, values in logits.items()],
        "latency_ms": {"runs": 50, "min": 20.1, "p50": 21.4, "p90": 24.0},
        "memory_bytes": 123_456_789,
        "thermal_before": "none",
        "thermal_after": "light",
        **other,
    }


def clip_run(bundle: Bundle, name: str, logits: np.ndarray) -> dict[str, Any]:
    """One clip as a device writes it: shortest float32 decimals, its error from the float32 values."""
    vector = next(vector for vector in bundle.manifest.reference_vectors if vector.name == name)
    reference = np.array(vector.logits, np.float64)
    return {
        "clip": name,
        "logits": [float(str(value)) for value in logits],
        "max_abs_error": float(str(np.float32(np.abs(logits.astype(np.float64) - reference).max()))),
        "top1_agrees": bool(logits.argmax() == reference.argmax()),
    }


def write(folder: Path, data: Any, name: str = "phone.json") -> Path:
    """The data as a file."""
    path = folder / name
    path.write_text(json.dumps(data))
    return path
