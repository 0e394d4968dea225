"""The oldest runtimes on which artifacts are right: as measured, recorded in the manifest, checked again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from dvfl.manifest import Artifact, Manifest, Precision
from dvfl_converter.runtimes.matrix import Entry, Matrix

# The artifact's option that the SDKs quote where a load fails.
OPTION = "min_runtime"

_LITERT = {"ai-edge-litert": "1.0.1", "tensorflow": "2.17.1", "tflite-runtime": "2.14.0"}
_REFERENCE = "tensorflow reference kernels"

# By target and precision, then family: `dvfl runtimes` fails where this promises too much. Nothing older than
# the registry's releases was tried. TensorFlow's reference kernels give other int8 logits before 2.19.
MINIMUM: Mapping[tuple[str, Precision], Mapping[str, str]] = {
    ("litert", "fp32"): {**_LITERT, _REFERENCE: "2.17.1"},
    ("litert", "fp16"): {**_LITERT, _REFERENCE: "2.17.1"},
    ("litert", "int8"): {**_LITERT, _REFERENCE: "2.19.1"},
    ("executorch", "fp32"): {"executorch": "1.0.1"},
    ("executorch", "int8"): {"executorch": "1.0.1"},
}


def recorded(target: str, precision: Precision) -> dict[str, str]:
    """The manifest's option: ``ai-edge-litert 1.1.2, tensorflow 2.20.0``; none where nothing is known."""
    found = MINIMUM.get((target, precision), {})
    return {OPTION: ", ".join(f"{family} {version}" for family, version in found.items())} if found else {}


def broken_promises(manifest: Manifest, matrix: Matrix) -> list[str]:
    """One line per runtime that the manifest says is new enough, and that is not right."""
    artifacts = {artifact.name: artifact for artifact in manifest.artifacts}
    return [
        f"{entry.artifact} on {entry.runtime}: {entry.outcome.replace('_', ' ')}, but the manifest says "
        f"it is right from {entry.family} {promised}"
        for entry in matrix.entries
        for promised in _promised(artifacts[entry.artifact], entry)
    ]


def _promised(artifact: Artifact, entry: Entry) -> Iterator[str]:
    if entry.outcome in ("right", "not_installed"):
        return
    for promise in filter(None, artifact.options.get(OPTION, "").split(", ")):
        family, _, version = promise.rpartition(" ")
        if family == entry.family and _number(entry.version) >= _number(version):
            yield version


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
