"""The oldest runtimes on which artifacts are right: as measured, recorded in the manifest, checked again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from dvfl.manifest import Artifact, Manifest, Precision
from dvfl_converter.quantization.plan import QuantizationPlan, Scheme
from dvfl_converter.runtimes.matrix import Entry, Matrix

# The artifact's option that the SDKs quote where a load fails.
OPTION = "min_runtime"

_REFERENCE = "tensorflow reference kernels"

# By target, then how a layer is stored and computed, then family. `dvfl runtimes` fails where this promises
# too much. Nothing older than the registry's releases was tried.
MINIMUM: Mapping[str, Mapping[Scheme, Mapping[str, str]]] = {
    "litert": {
        "fp32": {
            "ai-edge-litert": "1.0.1",
            "tensorflow": "2.17.1",
            _REFERENCE: "2.17.1",
            "tflite-runtime": "2.14.0",
        },
        # 1.0.1, 2.17 and 2.18 are right, what came between gives NaN or does not load.
        "fp16": {
            "ai-edge-litert": "1.4.0",
            "tensorflow": "2.20.0",
            _REFERENCE: "2.17.1",
            "tflite-runtime": "2.14.0",
        },
        # Older reference kernels give other logits, and no error.
        "static": {
            "ai-edge-litert": "1.0.1",
            "tensorflow": "2.17.1",
            _REFERENCE: "2.19.1",
            "tflite-runtime": "2.14.0",
        },
        # tflite-runtime 2.14, the last one, gives other logits, and no error.
        "dynamic": {"ai-edge-litert": "1.0.1", "tensorflow": "2.17.1", _REFERENCE: "2.17.1"},
    },
    "executorch": {scheme: {"executorch": "1.0.1"} for scheme in ("fp32", "static", "dynamic")},
}


def recorded(target: str, precision: Precision, plan: QuantizationPlan | None) -> dict[str, str]:
    """The manifest's option: ``ai-edge-litert 1.4.0, tensorflow 2.20.0``; none where nothing is known.

    An artifact needs what the most demanding of its layers needs; a family that is wrong for one of them is
    left out.
    """
    known = MINIMUM.get(target)
    if known is None:
        return {}
    schemes: set[Scheme] = {"fp32", *(plan.layers.values() if plan else ())}
    if precision == "fp16":
        schemes.add("fp16")
    needs = [known[scheme] for scheme in schemes]
    right = [family for family in needs[0] if all(family in need for need in needs)]
    newest = {family: max((need[family] for need in needs), key=_number) for family in right}
    return {OPTION: ", ".join(f"{family} {newest[family]}" for family in sorted(newest))}


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
