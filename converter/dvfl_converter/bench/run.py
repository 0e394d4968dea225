"""Timing a bundle's artifacts, and the plain conversion of the same model beside them."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import perf_counter

import numpy as np
import torch
from torch import Tensor, nn

from dvfl.bundle import Bundle
from dvfl.engines import ENGINES, Engine, open_engine
from dvfl.errors import BundleError, EngineError
from dvfl.frame import Frame
from dvfl.manifest import Artifact, InputContract
from dvfl.model.checkpoint import load_checkpoint
from dvfl.preprocess import preprocess_clip
from dvfl.spec import PreprocessingSpec
from dvfl.video import read_frames
from dvfl_converter.bench.timing import Timing, interleaved
from dvfl_converter.bundle_writer import stored
from dvfl_converter.parity.gates import GATES, not_run
from dvfl_converter.program import Program
from dvfl_converter.progress import Steps
from dvfl_converter.targets.registry import TARGETS, load_backend
from dvfl_converter.verification import reference_vectors


@dataclass(frozen=True)
class Measured:
    """One engine's figures; ``baseline`` names the plain conversion it is compared with."""

    name: str
    load_ms: float
    timing: Timing
    bytes: int
    baseline: str | None = None


@dataclass(frozen=True)
class Benchmark:
    """All engines of one interleaved run, and preprocessing apart."""

    measured: tuple[Measured, ...]
    preprocessing: Timing | None
    threads: int

    def ratio(self, name: str) -> float | None:
        """Fastest run over the baseline's fastest run; below 1 is faster than the plain conversion."""
        by_name = {row.name: row for row in self.measured}
        base = by_name[name].baseline
        if base is None or base not in by_name:
            return None
        return by_name[name].timing.min_ms / by_name[base].timing.min_ms


def bench(bundle: Bundle, *, runs: int, threads: int, baseline: bool, clip: Path | None) -> Benchmark:
    """Times every artifact that runs here, interleaved.

    Raises:
        EngineError: nothing in the bundle runs here.
    """
    artifacts = [a for a in bundle.manifest.artifacts if _runs_here(a)]
    if not artifacts:
        raise EngineError(f"{bundle.root}: no artifact of this bundle runs on this machine")
    vectors = reference_vectors(bundle)
    spec = bundle.manifest.preprocessing
    shape = (spec.temporal.frames, spec.crop.size, spec.crop.size, 3)
    pixels = vectors[0].pixels if vectors else np.zeros(shape, np.uint8)
    frames = None if clip is None else read_frames(clip, spec)
    with ExitStack() as stack, Steps(total=len(artifacts) * 2 + 1) as steps:
        rows: dict[str, tuple[Engine, float, int, str | None]] = {}
        for artifact in artifacts:
            with steps.step(f"{artifact.name}: loading"):
                engine, load_ms = _opened(stack, bundle, artifact, threads)
            name = f"{artifact.target}-plain"
            rows[artifact.name] = (engine, load_ms, artifact.bytes, name if baseline else None)
            with steps.step(f"{name}: converting without this project's lowering"):
                if baseline and name not in rows:
                    plain = stack.enter_context(plain_conversion(bundle, artifact.target))
                    engine, load_ms = _opened(stack, plain, plain.manifest.artifacts[0], threads)
                    rows[name] = (engine, load_ms, plain.manifest.artifacts[0].bytes, None)
        with steps.step(f"timing {runs} interleaved rounds"):
            calls: dict[str, Callable[[], object]] = {
                name: partial(row[0].run, pixels) for name, row in rows.items()
            }
            timings = interleaved(calls, runs)
    measured = tuple(
        Measured(name, load_ms, timings[name], size, base) for name, (_, load_ms, size, base) in rows.items()
    )
    return Benchmark(measured, _time_preprocessing(frames, spec, runs), threads)


@contextlib.contextmanager
def plain_conversion(bundle: Bundle, target: str) -> Iterator[Bundle]:
    """A throw-away bundle whose one artifact is the reference model, converted as it is.

    Only normalisation and the clip's layout are put in front, which any user would need.
    """
    if bundle.manifest.reference is None:
        raise BundleError(f"{bundle.root}: holds no reference checkpoint to convert plainly; convert again")
    row = TARGETS[target]
    backend = load_backend(row)
    manifest = bundle.manifest
    network = load_checkpoint(bundle.verified(bundle.manifest.reference)).network()
    normalization = manifest.preprocessing.normalization
    module = _Plain(network, torch.tensor(normalization.mean), torch.tensor(normalization.std))
    frames, size = manifest.model.frames, manifest.model.size
    program = Program(module.eval(), (torch.zeros(frames, 3, size, size),), "TCHW")
    with tempfile.TemporaryDirectory(prefix="dvfl-plain-") as folder:
        root = Path(folder)
        file = f"model{row.suffix}"
        converted = backend.convert(program, row.config(precision="fp32"), (), root / file)
        artifact = Artifact(
            **stored(root, file).model_dump(),
            target=target,
            precision="fp32",
            input=InputContract(
                name=converted.input_name, dtype="float32", layout="TCHW", shape=(frames, 3, size, size)
            ),
            output=manifest.artifacts[0].output,
            options={},
            operators=converted.operators,
            parity=not_run(GATES["fp32"], "baseline"),
            tools=converted.tools,
        )
        update = {"artifacts": (artifact,), "reference": None, "reference_vectors": ()}
        yield Bundle(root, manifest.model_copy(update=update))


class _Plain(nn.Module):
    """The reference network with its normalisation, untouched."""

    mean: Tensor
    std: Tensor

    def __init__(self, network: nn.Module, mean: Tensor, std: Tensor) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("mean", mean.view(1, 3, 1, 1))
        self.register_buffer("std", std.view(1, 3, 1, 1))

    def forward(self, clip: Tensor) -> Tensor:
        logits: Tensor = self.network(((clip - self.mean) / self.std).unsqueeze(0))
        return logits


def _runs_here(artifact: Artifact) -> bool:
    return artifact.target in ENGINES and ENGINES[artifact.target].obstacle() is None


def _opened(stack: ExitStack, bundle: Bundle, artifact: Artifact, threads: int) -> tuple[Engine, float]:
    start = perf_counter()
    engine = open_engine(bundle, artifact, threads=threads)
    load_ms = (perf_counter() - start) * 1e3
    return stack.enter_context(closing(engine)), load_ms


def _time_preprocessing(frames: Sequence[Frame] | None, spec: PreprocessingSpec, runs: int) -> Timing | None:
    if frames is None:
        return None
    return interleaved({"preprocessing": lambda: preprocess_clip(frames, spec)}, runs)["preprocessing"]
