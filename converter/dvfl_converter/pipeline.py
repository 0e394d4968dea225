"""From a checkpoint to a proved bundle: the stages in order."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter

import numpy as np
import torch
from numpy.typing import NDArray
from rich.markup import escape
from torch.utils.flop_counter import FlopCounterMode

from dvfl.bundle import Bundle
from dvfl.engines import Engine, open_engine
from dvfl.errors import ConversionError, DvflError
from dvfl.hashing import sha256_file
from dvfl.manifest import Artifact, InputContract, Manifest, ModelCard, OutputContract
from dvfl.model import VideoFocalNet, variant_name
from dvfl.model.checkpoint import Checkpoint, TrainedClip, load_checkpoint
from dvfl.spec import PreprocessingSpec
from dvfl_converter.bench.timing import interleaved, machine
from dvfl_converter.bundle_writer import (
    REPORT_FILE,
    discard,
    stored,
    write_manifest,
    write_reference,
    write_vector,
)
from dvfl_converter.clips import NamedClip, find_videos, patterns, read_clips
from dvfl_converter.labels import read_labels
from dvfl_converter.parity.compare import LogitsByClip, compare_clips, run_clips
from dvfl_converter.parity.gates import GATES, judge, not_run
from dvfl_converter.plan import Conversion, check_clip_shape
from dvfl_converter.progress import Steps
from dvfl_converter.report.clips import with_pictures
from dvfl_converter.report.evidence import ClipEvidence, Evidence, Failure, Latency
from dvfl_converter.report.record import write_record
from dvfl_converter.report.render import render
from dvfl_converter.staging import staged_folder
from dvfl_converter.targets.registry import load_backend

TIMED_RUNS = 10
THREADS = min(4, os.cpu_count() or 1)
MAX_VECTORS = 4


@dataclass(frozen=True)
class Request:
    """Everything a user asks of one conversion.

    ``frames`` and ``size`` are ``None`` for what the checkpoint was trained on, or for the published input
    where it does not say.
    """

    checkpoint: Path
    labels: Path
    out: Path
    conversions: tuple[Conversion, ...]
    frames: int | None = None
    size: int | None = None
    clips: tuple[Path, ...] = ()
    calibration: Path | None = None
    replace: bool = False


@dataclass(frozen=True)
class Outcome:
    """What became of it."""

    out: Path
    manifest: Manifest
    failures: tuple[Failure, ...]

    @property
    def failed_gates(self) -> tuple[Artifact, ...]:
        """Artifacts that were made and executed, but say something else than PyTorch."""
        return tuple(a for a in self.manifest.artifacts if a.parity.status == "failed")


@dataclass
class _Made:
    """Artifacts and their runs, collected while the targets are worked through."""

    artifacts: list[Artifact] = field(default_factory=list)
    logits: dict[str, LogitsByClip] = field(default_factory=dict)
    latencies: list[Latency] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)


@dataclass(frozen=True)
class _Inputs:
    """What every target starts from, read and checked before any work."""

    checkpoint: Checkpoint
    labels: tuple[str, ...]
    spec: PreprocessingSpec
    clips: tuple[NamedClip, ...]
    calibration: tuple[NDArray[np.uint8], ...]
    warning: str = ""


def convert(request: Request, *, quiet: bool = False) -> Outcome:
    """Converts, proves and writes the bundle, whole or not at all.

    A target that fails is reported in the outcome and does not lose the others.

    Raises:
        DvflError: an input is unusable, the output cannot be written, or every target failed.
    """
    with Steps(total=3 + 2 * len(request.conversions), quiet=quiet) as steps:
        with steps.step("reading checkpoint, labels and clips"):
            inputs = _read(request)
        if inputs.warning:
            steps.done(f"[yellow]warning:[/] {escape(inputs.warning)}")
        with staged_folder(request.out, replace=request.replace) as staging:
            with steps.step("running the PyTorch reference"):
                network = inputs.checkpoint.network()
                base = _base_manifest(staging, inputs, network)
                made = _Made()
                reference = _reference_logits(Bundle(staging, base), inputs.clips, made)
            for conversion in request.conversions:
                _make(conversion, network, inputs, Bundle(staging, base), reference, made, steps)
            if not made.artifacts:
                raise ConversionError("; ".join(failure.message for failure in made.failures))
            with steps.step("writing the bundle"):
                manifest = _complete(staging, base, inputs, reference, made)
                _write_report(staging, manifest, inputs, reference, made)
    return Outcome(request.out, manifest, tuple(made.failures))


def _read(request: Request) -> _Inputs:
    check_clip_shape(request.frames, request.size)
    for conversion in request.conversions:
        load_backend(conversion.target)
    checkpoint = load_checkpoint(request.checkpoint)
    labels = read_labels(request.labels, checkpoint.architecture.num_classes)
    spec, warning = input_of(checkpoint, request.frames, request.size)
    clips = read_clips(request.clips, spec) or patterns(spec)
    return _Inputs(checkpoint, labels, spec, clips, _read_calibration(request, spec), warning)


def input_of(checkpoint: Checkpoint, frames: int | None, size: int | None) -> tuple[PreprocessingSpec, str]:
    """The contract of the phone's input: what the checkpoint was trained on, unless another is asked for.

    Another size keeps the proportion of short side to size, so that the phone sees as much of the picture.

    Returns:
        It, and a warning where it is not what the checkpoint was trained on; empty otherwise.
    """
    spec, trained = PreprocessingSpec.default(), checkpoint.clip
    if trained is not None:
        spec = spec.with_clip(trained.frames, trained.size, trained.short_side)
    spec = spec.with_clip(frames, size)
    asked = TrainedClip(spec.temporal.frames, spec.crop.size, spec.resize.short_side)
    if trained is None or asked == trained:
        return spec, ""
    return spec, f"trained on {trained}; converted for {asked}, at which its accuracy is another"


def _read_calibration(request: Request, spec: PreprocessingSpec) -> tuple[NDArray[np.uint8], ...]:
    calibrating = [conversion.name for conversion in request.conversions if conversion.config.calibrates()]
    if calibrating and request.calibration is None:
        raise ConversionError(f"{calibrating[0]}: static int8 needs --calibration-clips DIR")
    if request.calibration is None:
        return ()
    if not calibrating:
        raise ConversionError(
            "--calibration-clips only applies to static int8; add e.g. "
            "--precision int8 --set litert.int8=static, or leave it out"
        )
    paths = find_videos(request.calibration)
    tested = {sha256_file(path): path for path in request.clips}
    for path in paths:
        if (same := tested.get(sha256_file(path))) is not None:
            raise ConversionError(f"{path}: calibrates and tests (--clip {same}); a gate needs unseen clips")
    return tuple(clip.pixels for clip in read_clips(paths, spec))


def _base_manifest(root: Path, inputs: _Inputs, network: VideoFocalNet) -> Manifest:
    checkpoint, spec = inputs.checkpoint, inputs.spec
    frames, size = spec.temporal.frames, spec.crop.size
    architecture = checkpoint.architecture
    card = ModelCard(
        name=variant_name(architecture),
        depths=architecture.depths,
        width=architecture.width,
        parameters=sum(parameter.numel() for parameter in network.parameters()),
        macs=count_macs(network, frames, size),
        frames=frames,
        size=size,
        checkpoint=checkpoint.path.name,
        checkpoint_sha256=checkpoint.sha256,
    )
    return Manifest(
        model=card,
        labels=inputs.labels,
        preprocessing=spec,
        reference=write_reference(root, checkpoint),
        artifacts=(),
        reference_vectors=(),
    )


def count_macs(network: VideoFocalNet, frames: int, size: int) -> int:
    """Multiply-accumulates of convolutions and linear layers for one clip."""
    with torch.device("meta"):
        shadow = VideoFocalNet(network.architecture).eval()
        clip = torch.zeros(1, frames, 3, size, size)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        shadow(clip)
    return int(counter.get_total_flops()) // 2


def _reference_logits(bundle: Bundle, clips: Sequence[NamedClip], made: _Made) -> LogitsByClip:
    start = perf_counter()
    with closing(open_engine(bundle, "torch", threads=THREADS)) as engine:
        load_ms = (perf_counter() - start) * 1e3
        logits = run_clips(engine, clips)
        made.latencies.append(_latency("torch-fp32", engine, clips[0], load_ms))
    return logits


def _latency(name: str, engine: Engine, clip: NamedClip, load_ms: float) -> Latency:
    timing = interleaved({name: lambda: engine.run(clip.pixels)}, TIMED_RUNS)[name]
    return Latency(name, timing.p50_ms, timing.p90_ms, load_ms, TIMED_RUNS, THREADS)


def _make(
    conversion: Conversion,
    network: VideoFocalNet,
    inputs: _Inputs,
    bundle: Bundle,
    reference: LogitsByClip,
    made: _Made,
    steps: Steps,
) -> None:
    """One artifact: convert, execute, judge, time. A failure is recorded, and the next target goes on."""
    try:
        with steps.step(f"{conversion.name}: converting"):
            artifact = _convert(conversion, network, inputs, bundle.root)
        with steps.step(f"{conversion.name}: comparing with PyTorch"):
            made.artifacts.append(_prove(artifact, conversion, inputs.clips, bundle, reference, made))
        steps.done(_line(made.artifacts[-1]))
    except OSError:
        # The place written to is full or closed: no other target would fare better.
        raise
    except Exception as error:
        # Any other: converters fail in ways of their own, and must not take the finished artifacts along.
        discard(bundle.root / conversion.file)
        message = _message(error, conversion)
        made.failures.append(Failure(conversion.name, message))
        steps.done(f"[red]✗[/] {conversion.name}: {escape(message)}")


def _message(error: Exception, conversion: Conversion) -> str:
    if isinstance(error, DvflError):
        return str(error)
    first = (str(error).strip() or "no message").splitlines()[0][:300]
    return f"{conversion.target.name}: failed unexpectedly: {type(error).__name__}: {first}"


def _convert(conversion: Conversion, network: VideoFocalNet, inputs: _Inputs, root: Path) -> Artifact:
    backend = load_backend(conversion.target)
    path = root / conversion.file
    path.parent.mkdir(parents=True, exist_ok=True)
    program = backend.lowered(network, inputs.spec)
    converted = backend.convert(program, conversion.config, inputs.calibration, path)
    frames, size = inputs.spec.temporal.frames, inputs.spec.crop.size
    layout = program.layout or "THWC"
    lengths = {"T": frames, "H": size, "W": size, "C": 3}
    return Artifact(
        **stored(root, conversion.file).model_dump(),
        target=conversion.target.name,
        precision=conversion.config.precision,
        input=InputContract(
            name=converted.input_name,
            dtype="float32",
            layout=layout,
            shape=(lengths[layout[0]], lengths[layout[1]], lengths[layout[2]], lengths[layout[3]]),
        ),
        output=OutputContract(name=converted.output_name, dtype="float32", shape=(1, len(inputs.labels))),
        options=conversion.config.options(),
        operators=converted.operators,
        parity=not_run(GATES[conversion.config.precision], conversion.target.not_run_reason),
        tools=converted.tools,
    )


def _prove(
    artifact: Artifact,
    conversion: Conversion,
    clips: Sequence[NamedClip],
    bundle: Bundle,
    reference: LogitsByClip,
    made: _Made,
) -> Artifact:
    if not conversion.target.runs_here:
        return artifact
    candidate = Bundle(bundle.root, bundle.manifest.model_copy(update={"artifacts": (artifact,)}))
    start = perf_counter()
    with closing(open_engine(candidate, artifact, threads=THREADS)) as engine:
        load_ms = (perf_counter() - start) * 1e3
        measured = run_clips(engine, clips)
        made.latencies.append(_latency(artifact.name, engine, clips[0], load_ms))
    made.logits[artifact.name] = measured
    parity = judge(GATES[artifact.precision], compare_clips(reference, measured))
    return artifact.model_copy(update={"parity": parity})


def _complete(root: Path, base: Manifest, inputs: _Inputs, reference: LogitsByClip, made: _Made) -> Manifest:
    vectors = tuple(
        write_vector(root, index, clip, reference[clip.name])
        for index, clip in enumerate(inputs.clips[:MAX_VECTORS])
    )
    manifest = base.model_copy(update={"artifacts": tuple(made.artifacts), "reference_vectors": vectors})
    write_manifest(root, Manifest.model_validate(manifest.model_dump()))
    return manifest


def _write_report(
    root: Path, manifest: Manifest, inputs: _Inputs, reference: LogitsByClip, made: _Made
) -> None:
    clips = tuple(
        ClipEvidence(
            name=clip.name,
            pixels=clip.pixels,
            reference=reference[clip.name],
            logits={name: logits[clip.name] for name, logits in made.logits.items()},
        )
        for clip in inputs.clips
    )
    # The pictures are made once: the record holds those of the page.
    evidence = with_pictures(
        Evidence(manifest, clips, tuple(made.latencies), tuple(made.failures), machine())
    )
    write_record(Bundle(root, manifest), evidence)
    (root / REPORT_FILE).write_text(render(evidence), encoding="utf-8")


def _line(artifact: Artifact) -> str:
    marks = {"passed": "[green]✓[/]", "failed": "[red]✗[/]", "not_run": "[yellow]-[/]"}
    size = f"{artifact.bytes / 1e6:.1f} MB"
    worst = artifact.parity.worst
    detail = artifact.parity.reason or ""
    if worst is not None and artifact.parity.status == "passed":
        detail = f"worst clip: error {worst.error_of_range:.1e} of the logit range, cosine {worst.cosine:.6f}"
    status = artifact.parity.status.replace("_", " ")
    return f"{marks[artifact.parity.status]} {artifact.name:<17} {size:>9}  {status}  {escape(detail)}"
