"""Trying quantisation plans on the runtime itself: eager simulation does not predict what a runtime does."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from dvfl.engines import Engine
from dvfl.errors import DvflError
from dvfl.manifest import Artifact, Gate
from dvfl_converter.bundle_writer import discard
from dvfl_converter.clips import NamedClip
from dvfl_converter.parity.compare import LogitsByClip, compare_clips, run_clips
from dvfl_converter.parity.gates import judge
from dvfl_converter.parity.metrics import MAX_SNR_DB
from dvfl_converter.plan import Conversion
from dvfl_converter.quantization.plan import QuantizationPlan
from dvfl_converter.quantization.search import Trial
from dvfl_converter.workshop import Workshop, time_ratio

RANKING_CLIPS = 8


def tightened(gate: Gate) -> Gate:
    """Half the gate's distance from perfect.

    The plan with the best figures on the selection clips looks better there than on others; a plan that just
    passes here would often miss the gate on the clips that prove it.
    """
    limits = gate.model_dump()
    return Gate(
        **{
            name: value if value is None else value / 2 if name.startswith("max") else (1 + value) / 2
            for name, value in limits.items()
        }
    )


@contextmanager
def laboratory(
    workshop: Workshop,
    conversion: Conversion,
    clips: Sequence[NamedClip],
    reference: LogitsByClip,
    gate: Gate,
    doing: Callable[[str], None],
) -> Iterator[RuntimeLaboratory]:
    """A laboratory with the target's fp32 artifact running beside, to compare times with.

    Args:
        workshop: makes the artifacts.
        conversion: to int8.
        clips: the selection clips.
        reference: PyTorch's logits of these clips.
        gate: what a plan must meet on them.
        doing: told what is tried.

    Raises:
        DvflError: the fp32 artifact cannot be made or run.
    """
    doing("fp32, for comparison")
    base = workshop.fp32(conversion.target)
    with workshop.running(base) as (engine, _):
        yield RuntimeLaboratory(workshop, conversion, tuple(clips), reference, gate, engine, doing)


@dataclass(frozen=True)
class RuntimeLaboratory:
    """Converts a plan, loads it, runs it on the selection clips, and times it in turn with fp32."""

    workshop: Workshop
    conversion: Conversion
    clips: tuple[NamedClip, ...]
    reference: LogitsByClip
    gate: Gate
    fp32: Engine
    doing: Callable[[str], None]

    def trial(self, name: str, plan: QuantizationPlan, *, timed: bool) -> Trial:
        """What came out; a plan that does not convert or load is a trial that missed.

        One that is not timed only ranks groups by their noise, for which a few clips are enough.
        """
        self.doing(name)
        file = self.workshop.aside(self.conversion.target, "trial")
        try:
            return self._run(name, plan, self.workshop.make(self.conversion, plan, file), timed)
        except DvflError as error:
            return Trial(name, plan, 0, -1.0, -1.0, "", 0.0, -MAX_SNR_DB, str(error), None)
        finally:
            discard(self.workshop.path(file))

    def _run(self, name: str, plan: QuantizationPlan, artifact: Artifact, timed: bool) -> Trial:
        pixels = self.clips[0].pixels
        clips = self.clips if timed else self.clips[:RANKING_CLIPS]
        reference = {clip.name: self.reference[clip.name] for clip in clips}
        with self.workshop.running(artifact) as (engine, _):
            parity = judge(self.gate, compare_clips(reference, run_clips(engine, clips)))
            ratio = time_ratio(lambda: self.fp32.run(pixels), lambda: engine.run(pixels)) if timed else None
        worst = min(parity.clips, key=lambda clip: clip.cosine)
        return Trial(
            name=name,
            plan=plan,
            bytes=artifact.bytes,
            mean_cosine=parity.mean_cosine,
            worst_cosine=worst.cosine,
            worst_clip=worst.clip,
            agreement=parity.top1_agreement,
            snr_db=min(clip.snr_db for clip in parity.clips),
            missed=parity.reason or "",
            time_ratio=ratio,
        )
