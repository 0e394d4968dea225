"""The artifacts of one conversion, one after the other: planned, made, proved, refused where they must be."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from time import perf_counter

from rich.markup import escape

from dvfl.bundle import Bundle
from dvfl.engines import Engine, open_engine
from dvfl.engines.base import Logits
from dvfl.errors import ConversionError, DvflError
from dvfl.manifest import Artifact, ParityReport
from dvfl.model.checkpoint import Checkpoint
from dvfl_converter import workshop as shop
from dvfl_converter.announcements import artifact_line, search_lines
from dvfl_converter.bundle_writer import discard, plan_file
from dvfl_converter.clips import NamedClip
from dvfl_converter.inputs import Inputs, Request
from dvfl_converter.parity.compare import LogitsByClip, compare_clips, run_clips
from dvfl_converter.parity.gates import GATES, STRESS_GATES, judge, with_stress
from dvfl_converter.parity.half_range import LARGEST_HALF, peak
from dvfl_converter.parity.stress import climb
from dvfl_converter.plan import Conversion
from dvfl_converter.progress import Steps
from dvfl_converter.quantization.decision import chosen, find, plan_without_search
from dvfl_converter.quantization.merit import Merit, shortcomings
from dvfl_converter.quantization.plan import QuantizationPlan, write_plan
from dvfl_converter.quantization.summary import search_evidence
from dvfl_converter.report.evidence import Failure, HalfRange, Latency, SearchEvidence
from dvfl_converter.targets.base import PROVED_BY_INTERPRETER
from dvfl_converter.workshop import Workshop, latency, time_ratio


class RefusedError(ConversionError):
    """An int8 artifact that does not earn its place."""


@dataclass
class Made:
    """Artifacts and their runs, collected while the targets are worked through."""

    artifacts: list[Artifact] = field(default_factory=list)
    logits: dict[str, LogitsByClip] = field(default_factory=dict)
    latencies: list[Latency] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    searches: list[SearchEvidence] = field(default_factory=list)
    peaks: list[HalfRange] = field(default_factory=list)
    stress: dict[str, ParityReport] = field(default_factory=dict)
    climbed: dict[str, NamedClip] = field(default_factory=dict)

    def forget(self, name: str) -> None:
        """Drops what an artifact said that is not kept."""
        for kept in (self.logits, self.stress, self.climbed):
            kept.pop(name, None)


def run_reference(bundle: Bundle, inputs: Inputs, made: Made) -> tuple[dict[str, Logits], LogitsByClip]:
    """PyTorch's logits of the proving clips, those made to hurt included, and of the selection clips."""
    start = perf_counter()
    with closing(open_engine(bundle, "torch", threads=shop.THREADS)) as engine:
        load_ms = (perf_counter() - start) * 1e3
        proving = run_clips(engine, (*inputs.clips, *inputs.stress))
        selecting = run_clips(engine, inputs.selection)
        made.latencies.append(latency("torch-fp32", engine, inputs.clips[0], load_ms))
    return proving, selecting


@dataclass(frozen=True)
class Production:
    """What every artifact of the run needs while it is made."""

    request: Request
    inputs: Inputs
    workshop: Workshop
    reference: dict[str, Logits]
    selection_reference: LogitsByClip
    made: Made
    steps: Steps

    def make(self, conversion: Conversion) -> None:
        """One artifact: convert, execute, judge, time. A failure is recorded, and the next target goes on."""
        path = self.workshop.path(conversion.file)
        try:
            plan = self._plan(conversion)
            with self.steps.step(f"{conversion.name}: converting"):
                artifact = self.workshop.make(conversion, plan)
            with self.steps.step(f"{conversion.name}: comparing with PyTorch"):
                self._check_range(conversion)
                artifact = self._prove(artifact, conversion)
                self._check_merit(artifact, conversion)
        except OSError:
            # The place written to is full or closed: no other target would fare better.
            raise
        except Exception as error:
            # Any other: converters fail in ways of their own, and must not take the finished artifacts along.
            discard(path)
            self.made.forget(conversion.name)
            self._failed(conversion, _message(error, conversion), refused=isinstance(error, RefusedError))
        else:
            if plan is not None:
                artifact = _with_plan(artifact, conversion, plan, self.workshop)
            self.made.artifacts.append(artifact)
            self.steps.done(artifact_line(artifact, self.made.stress.get(artifact.name)))

    def _plan(self, conversion: Conversion) -> QuantizationPlan | None:
        if conversion.int8 != "search":
            return plan_without_search(conversion, self.workshop)
        with self.steps.step(f"{conversion.name}: searching"):
            searched = find(
                conversion,
                self.workshop,
                self.inputs,
                self.selection_reference,
                lambda trial: self.steps.doing(f"{conversion.name}: trying {trial}"),
            )
        self.made.searches.append(search_evidence(conversion.name, searched, self.inputs))
        for line in search_lines(self.made.searches[-1]):
            self.steps.done(line)
        return chosen(searched.found, conversion.name)

    def _prove(self, artifact: Artifact, conversion: Conversion) -> Artifact:
        target = conversion.target
        if not target.runs_here and target.stand_in is None:
            return artifact
        with self.workshop.running(artifact) as (engine, load_ms):
            measured = run_clips(engine, (*self.inputs.clips, *self.inputs.stress))
            # The time of what stands in for a runtime says nothing of the runtime.
            if target.runs_here:
                self.made.latencies.append(latency(artifact.name, engine, self.inputs.clips[0], load_ms))
            if self.request.stress == "ascent" and artifact.precision == "int8":
                self._climb(artifact, engine, measured)
        self.made.logits[artifact.name] = measured
        note = None if target.runs_here else target.stand_in_reason
        parity = self._judge(artifact, measured, note)
        options = artifact.options if note is None else {**artifact.options, **PROVED_BY_INTERPRETER}
        return artifact.model_copy(update={"parity": parity, "options": options})

    def _judge(self, artifact: Artifact, measured: LogitsByClip, note: str | None) -> ParityReport:
        """On the natural clips, and failed where those made to hurt miss their gate."""
        natural = compare_clips(self._reference_of(self.inputs.clips), measured)
        parity = judge(GATES[artifact.precision], natural, note)
        climbed = self.made.climbed.get(artifact.name)
        hurting = (*self.inputs.stress, *([climbed] if climbed else []))
        if not hurting:
            return parity
        stress = judge(STRESS_GATES[artifact.precision], compare_clips(self._reference_of(hurting), measured))
        self.made.stress[artifact.name] = stress
        return with_stress(parity, stress)

    def _climb(self, artifact: Artifact, engine: Engine, measured: dict[str, Logits]) -> None:
        """Adds the clip that ascent finds, and both engines' logits of it."""
        clips = (*self.inputs.clips, *self.inputs.stress)
        parity = compare_clips(self._reference_of(clips), measured)
        self.steps.doing(f"{artifact.name}: climbing to a worse clip")
        with closing(open_engine(self.workshop.bundle, "torch", threads=shop.THREADS)) as torch:
            clip = climb(torch.run, engine.run, clips, parity, artifact.name)
            self.reference[clip.name] = torch.run(clip.pixels)
        measured[clip.name] = engine.run(clip.pixels)
        self.made.climbed[artifact.name] = clip

    def _reference_of(self, clips: Sequence[NamedClip]) -> LogitsByClip:
        return {clip.name: self.reference[clip.name] for clip in clips}

    def _check_range(self, conversion: Conversion) -> None:
        """Refuses an fp16 artifact whose activations overflow on the clips."""
        if conversion.config.precision != "fp16":
            return
        clips = (*self.inputs.clips, *self.inputs.stress)
        found = peak(self.workshop.program(conversion.target, "fp16"), clips)
        self.made.peaks.append(
            HalfRange(conversion.name, found.value, found.operator, found.source, found.clip)
        )
        if not found.fits:
            raise ConversionError(
                f"{conversion.name}: overflows fp16: {found.operator} at {found.source} reaches "
                f"{found.value:,.0f} on {found.clip or 'no clip'}, and fp16 ends at {LARGEST_HALF:,.0f}; "
                f"use {conversion.target.name}=fp32"
            )

    def _check_merit(self, artifact: Artifact, conversion: Conversion) -> None:
        """Refuses an int8 artifact that fp32 beats; kept ones are named all the same."""
        if artifact.precision != "int8":
            return
        missed = shortcomings(artifact, self._merit(artifact, conversion))
        if missed and not self.request.keep_refused:
            raise RefusedError(f"{artifact.target}: int8 is refused: {'; '.join(missed)}")
        if missed:
            message = f"{artifact.target}: int8 is kept although refused: {'; '.join(missed)}"
            self._failed(conversion, message, refused=True)

    def _merit(self, artifact: Artifact, conversion: Conversion) -> Merit:
        if not conversion.target.runs_here:
            return Merit(artifact.bytes, _fp32_bytes(self.inputs.checkpoint), None)
        pixels, fp32 = self.inputs.clips[0].pixels, self.workshop.fp32(conversion.target)
        with self.workshop.running(fp32) as (base, _), self.workshop.running(artifact) as (engine, _):
            ratio = time_ratio(lambda: base.run(pixels), lambda: engine.run(pixels))
        return Merit(artifact.bytes, fp32.bytes, ratio)

    def _failed(self, conversion: Conversion, message: str, *, refused: bool) -> None:
        self.made.failures.append(Failure(conversion.name, message, refused))
        self.steps.done(f"[red]✗[/] {conversion.name}: {escape(message)}")


def _fp32_bytes(checkpoint: Checkpoint) -> int:
    return sum(weight.numel() for weight in checkpoint.weights.values()) * 4


def _with_plan(
    artifact: Artifact, conversion: Conversion, plan: QuantizationPlan, workshop: Workshop
) -> Artifact:
    """Stores the plan in the bundle, and says in the artifact's options that it is there and who chose it."""
    file = plan_file(artifact.target)
    path = workshop.path(file)
    path.parent.mkdir(exist_ok=True)
    write_plan(plan, path)
    said = {"int8": str(conversion.int8), "plan": file, "layers": plan.summary}
    return artifact.model_copy(update={"options": {**artifact.options, **said}})


def _message(error: Exception, conversion: Conversion) -> str:
    if isinstance(error, DvflError):
        return str(error)
    first = (str(error).strip() or "no message").splitlines()[0][:300]
    return f"{conversion.target.name}: failed unexpectedly: {type(error).__name__}: {first}"
