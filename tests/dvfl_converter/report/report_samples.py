"""Evidence for the report's tests: real figures computed from made-up logits."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dvfl.manifest import (
    Artifact,
    InputContract,
    Manifest,
    ModelCard,
    OperatorReport,
    OperatorUse,
    OutputContract,
    ParityReport,
    Precision,
    StoredFile,
)
from dvfl.spec import PreprocessingSpec
from dvfl_converter.parity.gates import GATES, STRESS_GATES, judge, not_run
from dvfl_converter.parity.metrics import compare
from dvfl_converter.report.evidence import ClipEvidence, Evidence, Failure, Latency, StressEvidence

NOISE = {"litert-fp32": 1.5e-6, "executorch-fp32": 2e-6, "litert-int8": 0.09}
LABELS = (
    "static", "pan left", "pan right", "tilt up", "tilt down",
    "zoom in", "zoom out", "roll clockwise", "roll counter-clockwise", "shake",
)  # fmt: skip
NOT_RUN = "Core ML runs only on macOS and iOS: converted, but never executed here"
FILES = {"litert": "model-{}.tflite", "executorch": "model-{}.pte", "coreml": "model-{}.mlpackage"}


def evidence(
    clips: Sequence[ClipEvidence],
    labels: Sequence[str] = LABELS,
    artifacts: Sequence[str] = ("executorch-fp32", "litert-fp32", "litert-int8", "coreml-fp16"),
    failures: Sequence[Failure] = (),
    latencies: Sequence[Latency] = (),
    size: int = 64,
) -> Evidence:
    """A bundle's evidence over the given clips."""
    frames = len(clips[0].pixels) if clips else 8
    spec = PreprocessingSpec.default().with_clip(frames=frames, size=size)
    manifest = Manifest(
        model=ModelCard(
            name="nano-w32",
            depths=(1, 1, 2, 1),
            width=32,
            parameters=2_483_210,
            macs=249_000_000,
            frames=frames,
            size=size,
            checkpoint="camera_motion.pth",
            checkpoint_sha256="9f" * 32,
        ),
        labels=tuple(labels),
        preprocessing=spec,
        reference=StoredFile(file="reference.pth", sha256="ab" * 32, bytes=9_970_000),
        artifacts=tuple(_artifact(name, clips, len(labels), frames, size) for name in artifacts),
        reference_vectors=(),
    )
    return Evidence(
        manifest,
        tuple(clips),
        tuple(latencies),
        tuple(failures),
        "Linux x86-64, 2 cores of a server processor",
    )


def clip(
    name: str,
    pixels: np.ndarray,
    classes: int = len(LABELS),
    seed: int = 0,
    spread: float = 4.0,
    engines: dict[str, float] = NOISE,
) -> ClipEvidence:
    """A clip with random reference logits, and every engine's with that much noise on them."""
    random = np.random.default_rng(seed)
    reference = random.normal(0, spread, classes).astype(np.float32)
    logits = {
        engine: (reference + random.normal(0, noise * spread, classes)).astype(np.float32)
        for engine, noise in engines.items()
    }
    return ClipEvidence(name, pixels, reference, logits)


def stress(clips: Sequence[ClipEvidence], artifacts: Sequence[str]) -> StressEvidence:
    """The artifacts on clips made to hurt, each judged by its gate for them."""
    parity = {
        name: judge(
            STRESS_GATES[name.split("-")[1]],
            [compare(entry.name, entry.reference, entry.logits[name]) for entry in clips],
        )
        for name in artifacts
    }
    return StressEvidence(tuple(clips), parity)


def moving_pattern(frames: int = 8, size: int = 64, seed: int = 0) -> np.ndarray:
    """A coloured wave that drifts: uint8 [T, H, W, 3]."""
    random = np.random.default_rng(seed)
    rows, columns = np.mgrid[:size, :size] / size * 2 * np.pi
    across, down, drift = random.uniform(0.5, 3, 3)
    shown = [
        [np.sin(across * columns + down * rows + drift * step / 4 + shift) for shift in (0, 1.5, 3)]
        for step in range(frames)
    ]
    return np.asarray((np.moveaxis(np.asarray(shown), 1, -1) + 1) * 127.5, np.uint8)


def _artifact(name: str, clips: Sequence[ClipEvidence], classes: int, frames: int, size: int) -> Artifact:
    target, precision = name.split("-")
    layout = "THWC" if target == "litert" else "TCHW"
    shape = (frames, size, size, 3) if layout == "THWC" else (frames, 3, size, size)
    return Artifact(
        file=FILES[target].format(precision),
        sha256="0c" * 32,
        bytes={"fp32": 9_961_000, "fp16": 4_990_000, "int8": 2_907_000}[precision],
        target=target,
        precision=precision,
        input=InputContract(name="clip", dtype="float32", layout=layout, shape=shape),
        output=OutputContract(name="logits", dtype="float32", shape=(1, classes)),
        options={"recipe": "dynamic"} if precision == "int8" else {},
        operators=_operators(target, precision),
        parity=_parity(name, clips, precision),
        tools={
            "torch": "2.13.0",
            {"litert": "litert-torch", "coreml": "coremltools"}.get(target, target): "1.4.1",
        },
    )


def _parity(name: str, clips: Sequence[ClipEvidence], precision: Precision) -> ParityReport:
    if name not in NOISE:
        return not_run(GATES[precision], NOT_RUN)
    return judge(
        GATES[precision], [compare(entry.name, entry.reference, entry.logits[name]) for entry in clips]
    )


def _operators(target: str, precision: str) -> OperatorReport:
    if target == "coreml":
        rows = [
            ("aten.conv2d", "native", "Core ML", 46, 240_000_000),
            ("aten.gelu", "native", "Core ML", 31, 0),
        ]
        return _report(None, 0, rows)
    rows = [
        ("aten.conv2d", "delegate", "XNNPACK", 61, 240_000_000),
        ("aten.mul", "delegate", "XNNPACK", 48, 0),
    ]
    if precision == "int8":
        rows += [
            ("aten.conv2d -> DEPTHWISE_CONV_2D", "native", "TFLite kernel", 10, 9_000_000),
            ("aten.mean", "native", "TFLite kernel", 2, 0),
            ("aten.native_layer_norm", "portable", "portable kernel", 4, 0),
            ("aten.some_operator_with_a_long_name_that_must_wrap", "unsupported", "nowhere", 1, 0),
        ]
    return _report("XNNPACK", 11 if precision == "int8" else 1, rows)


def _report(delegate: str | None, calls: int, rows: list[tuple[str, str, str, int, int]]) -> OperatorReport:
    total = sum(row[4] for row in rows)
    return OperatorReport(
        delegate=delegate,
        delegate_calls=calls,
        operators=tuple(
            OperatorUse(
                operator=operator,
                placement=placement,
                where=where,
                count=count,
                macs=macs,
                macs_share=macs / total,
                reason="taken by the delegate" if placement == "delegate" else "the delegate did not take it",
                source=None if placement == "delegate" else "dvfl_converter/targets/litert/lowering.py:112",
            )
            for operator, placement, where, count, macs in rows
        ),
    )
