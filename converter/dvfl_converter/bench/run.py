"""Timing a bundle's artifacts, and plain conversions of the same model beside them, in one run."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from dvfl.bundle import Bundle
from dvfl.engines import ENGINES
from dvfl.errors import BundleError, ConversionError, EngineError
from dvfl.manifest import Artifact
from dvfl_converter.bench import gemm, summary
from dvfl_converter.bench.messages import Job
from dvfl_converter.bench.progress import StillBar, not_timed
from dvfl_converter.bench.results import BenchResults, Settings
from dvfl_converter.bench.rounds import Outcome, measure, steps_of
from dvfl_converter.bench.summary import Entry
from dvfl_converter.progress import Steps
from dvfl_converter.targets.registry import TARGETS

# Core ML schedules its own work.
_CHOOSE_THEIR_THREADS = frozenset({"coreml"})
_SUBJECTS = "dvfl_converter.bench.subjects"
_MOST_CALIBRATION_CLIPS = 8


def bench(bundle: Bundle, settings: Settings, *, clip: Path | None, command: str) -> BenchResults:
    """Times every artifact that runs here, each at each number of threads in its own process.

    What cannot be converted, loaded or run gets a line in the results, shown when it happens; the rest is
    measured.

    Args:
        bundle: its artifacts' hashes are compared first.
        settings: rounds, threads, baselines.
        clip: a video to time preprocessing on.
        command: what repeats this run, for the results.

    Raises:
        EngineError: nothing of the bundle runs here, or nothing that should could be timed.
        BundleError: an artifact was changed, or baselines are asked for and the reference is missing.
    """
    here, elsewhere = _by_place(bundle)
    if not here:
        raise EngineError(f"{bundle.root}: no artifact of this bundle runs on this machine")
    if settings.baseline and bundle.manifest.reference is None:
        raise BundleError(f"{bundle.root}: holds no reference checkpoint to convert plainly; convert again")
    for artifact in here:
        bundle.verified(artifact)
    before = summary.load_average()
    failures: list[str] = []
    with tempfile.TemporaryDirectory(prefix="dvfl-bench-") as folder:
        plain = _plain_conversions(bundle, here, Path(folder), failures) if settings.baseline else []
        entries = _entries([(bundle, artifact) for artifact in here], "lowered", settings)
        entries += _entries(plain, "plain", settings)
        pixels = _write_pixels(bundle, Path(folder))
        jobs = [
            *(_engine_job(entry, pixels, settings.starts) for entry in entries),
            *_gemm_jobs(bundle, settings),
            *_preprocessing_jobs(bundle, clip),
        ]
        outcome = _measured(jobs, settings)
    failures += outcome.failures.values()
    if not any(entry.label in outcome.series for entry in entries):
        raise EngineError(f"{bundle.root}: no artifact could be timed: {failures[0]}")
    return summary.results(
        bundle,
        settings,
        entries=entries,
        outcome=outcome,
        elsewhere=elsewhere,
        failures=failures,
        clip=clip,
        command=command,
        load_before=before,
    )


def _measured(jobs: Sequence[Job], settings: Settings) -> Outcome:
    with StillBar(steps_of(jobs, settings.runs)) as bar:
        return measure(
            jobs,
            runs=settings.runs,
            seed=settings.seed,
            timeout_s=settings.timeout_s,
            doing=bar.doing,
            failed=lambda line: bar.say(not_timed(line)),
        )


def _by_place(bundle: Bundle) -> tuple[list[Artifact], list[tuple[Artifact, str]]]:
    """The artifacts that run on this machine, and the others with the reason."""
    here, elsewhere = [], []
    for artifact in bundle.manifest.artifacts:
        engine, target = ENGINES.get(artifact.target), TARGETS.get(artifact.target)
        obstacle = f"no engine for '{artifact.target}'" if engine is None else engine.obstacle()
        if obstacle is None:
            here.append(artifact)
        else:
            elsewhere.append((artifact, (target and target.not_run_reason) or obstacle))
    return here, elsewhere


def _plain_conversions(
    bundle: Bundle, here: Sequence[Artifact], folder: Path, failures: list[str]
) -> list[tuple[Bundle, Artifact]]:
    """Each target's plain fp32 and, beside an int8 artifact, plain int8; all converted before any timing."""
    from dvfl_converter.bench.own_int8 import OWN_INT8

    wanted: dict[str, set[str]] = {}
    for artifact in here:
        wanted.setdefault(artifact.target, {"fp32"}).add(artifact.precision)
    made = []
    with Steps(total=len(wanted)) as steps:
        for target, precisions in wanted.items():
            root = folder / target
            root.mkdir()
            int8 = "int8" in precisions and target in OWN_INT8
            with steps.step(f"{target}: converting without this project's lowering"):
                plain, failure = _plain_conversion(bundle, target, root, int8=int8)
            if failure is not None:
                failures.append(failure)
                steps.done(not_timed(failure))
            made += [(plain, artifact) for artifact in plain.manifest.artifacts]
    return made


def _plain_conversion(bundle: Bundle, target: str, folder: Path, *, int8: bool) -> tuple[Bundle, str | None]:
    """What could be converted, and the line about what could not."""
    from dvfl_converter.bench.plain import PlainConversions

    conversions, failure = PlainConversions(bundle, target, folder), None
    precision = "fp32"
    try:
        conversions.fp32()
        if int8:
            precision = "int8"
            vectors = bundle.manifest.reference_vectors[:_MOST_CALIBRATION_CLIPS]
            conversions.int8([bundle.reference_clip(vector) for vector in vectors])
    except ConversionError as error:
        failure = f"{target}-plain-{precision}: {error}"
    return conversions.bundle(), failure


def _entries(
    artifacts: Sequence[tuple[Bundle, Artifact]], conversion: summary.Conversion, settings: Settings
) -> list[Entry]:
    return [
        Entry(bundle, artifact, conversion, threads)
        for bundle, artifact in artifacts
        for threads in ((None,) if artifact.target in _CHOOSE_THEIR_THREADS else settings.threads)
    ]


def _write_pixels(bundle: Bundle, folder: Path) -> Path:
    """The clip that is timed: the bundle's first reference clip, or black where it has none."""
    spec, path = bundle.manifest.preprocessing, folder / "clip.npy"
    vectors = bundle.manifest.reference_vectors
    black = np.zeros((spec.temporal.frames, spec.crop.size, spec.crop.size, 3), np.uint8)
    np.save(path, bundle.reference_clip(vectors[0]) if vectors else black)
    return path


def _engine_job(entry: Entry, pixels: Path, starts: int) -> Job:
    arguments = {
        "root": str(entry.bundle.root.resolve()),
        "artifact": entry.artifact.name,
        "pixels": str(pixels),
        "threads": entry.threads,
    }
    return Job(entry.label, f"{_SUBJECTS}:EngineSubject", arguments, starts)


def _gemm_jobs(bundle: Bundle, settings: Settings) -> Iterator[Job]:
    libraries, shapes = gemm.libraries(), gemm.shapes(bundle.manifest.model)
    for threads in settings.threads:
        arguments = {"libraries": libraries, "shapes": shapes, "threads": threads}
        yield Job(summary.gemm_label(threads), f"{_SUBJECTS}:GemmSubject", arguments)


def _preprocessing_jobs(bundle: Bundle, clip: Path | None) -> Iterator[Job]:
    if clip is not None:
        arguments = {"root": str(bundle.root.resolve()), "video": str(clip.resolve())}
        yield Job(summary.PREPROCESSING, f"{_SUBJECTS}:PreprocessingSubject", arguments)
