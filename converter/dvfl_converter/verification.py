"""Re-running a bundle's proof: sha256, then every runnable artifact against PyTorch on every clip."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace

from dvfl.bundle import Bundle
from dvfl.engines import ENGINES, Engine, open_engine
from dvfl.errors import BundleError, DvflError
from dvfl.manifest import Artifact, ClipParity, ParityReport
from dvfl_converter.clips import NamedClip
from dvfl_converter.parity.compare import LogitsByClip, compare_clips, run_clips
from dvfl_converter.parity.gates import GATES, STRESS_GATES, judge, not_run
from dvfl_converter.parity.localize import Drift, localize
from dvfl_converter.parity.metrics import compare
from dvfl_converter.parity.stress import Stress, climb, stress_clips
from dvfl_converter.progress import Steps
from dvfl_converter.targets.base import Magnitude
from dvfl_converter.targets.registry import TARGETS, load_magnitudes, load_stand_in


@dataclass(frozen=True)
class Verified:
    """One artifact's result.

    Attributes:
        intact: its bytes are those the converter wrote.
        parity: on the natural clips.
        error: why it could not be run although a runtime is here.
        drift: the first layer that leaves the tolerance, when asked for and found.
        magnitudes: every fp16 value of the artifact, at its largest over the clips, where they can be seen.
        stand_in: where the artifact's runtime ran and something could stand in for it: how far the latter's
            logits are from the runtime's.
        stress: on clips made to hurt, by the gate for them; ``None`` if there was none, or nothing ran.
    """

    name: str
    intact: bool
    parity: ParityReport
    error: str | None = None
    drift: Drift | None = None
    magnitudes: tuple[Magnitude, ...] = ()
    stand_in: tuple[ClipParity, ...] = ()
    stress: ParityReport | None = None

    @property
    def ok(self) -> bool:
        """Intact, and not outside its gates; not running for want of a runtime is no failure."""
        return self.intact and self.error is None and not self.missed

    @property
    def missed(self) -> tuple[ParityReport, ...]:
        """Those of the natural clips and of the clips made to hurt that are outside their gate."""
        reports = (self.parity, *([self.stress] if self.stress else []))
        return tuple(report for report in reports if report.status == "failed")


def reference_vectors(bundle: Bundle) -> tuple[NamedClip, ...]:
    """The clips that the bundle carries."""
    vectors = bundle.manifest.reference_vectors
    return tuple(NamedClip(vector.name, bundle.reference_clip(vector)) for vector in vectors)


def verify(
    bundle: Bundle,
    extra: Sequence[NamedClip],
    *,
    find_drift: bool = False,
    stress: Stress = "patterns",
    quiet: bool = False,
) -> tuple[Verified, ...]:
    """Verifies every artifact on the bundle's own clips and on ``extra`` ones.

    Args:
        find_drift: also name the first layer that drifts where a gate is missed.
        stress: which clips made to hurt are used besides.

    Raises:
        BundleError: the reference itself was changed or no longer gives the recorded logits.
    """
    own = reference_vectors(bundle)
    natural = (*own, *_told_apart(extra, own))
    if not natural:
        raise BundleError(f"{bundle.root}: holds no reference clips; give some with --clip")
    hurting = () if stress == "off" else stress_clips(bundle.manifest.preprocessing)
    clips = (*natural, *hurting)
    with Steps(total=1 + len(bundle.manifest.artifacts), quiet=quiet) as steps:
        with steps.step("running the PyTorch reference"):
            reference = _reference(bundle, clips)
        results = []
        for artifact in bundle.manifest.artifacts:
            with steps.step(f"{artifact.name}: comparing with PyTorch"):
                result = _verify_artifact(bundle, artifact, natural, hurting, reference)
                result = _with_magnitudes(bundle, artifact, result, clips)
            if stress == "ascent" and artifact.precision == "int8" and result.stress is not None:
                with steps.step(f"{artifact.name}: climbing to a worse clip"):
                    result = _climbed(bundle, artifact, result, clips)
            if find_drift and result.intact and not result.ok:
                with steps.step(f"{artifact.name}: looking for the first layer that drifts"):
                    result = _with_drift(bundle, artifact, result, clips)
            results.append(result)
    return tuple(results)


def _told_apart(extra: Sequence[NamedClip], own: Sequence[NamedClip]) -> tuple[NamedClip, ...]:
    """Another video of the same name must not stand for the bundle's own clip."""
    taken = {clip.name for clip in own}
    return tuple(
        NamedClip(f"{clip.name} (--clip)", clip.pixels) if clip.name in taken else clip for clip in extra
    )


def _reference(bundle: Bundle, clips: Sequence[NamedClip]) -> LogitsByClip:
    with closing(open_engine(bundle, "torch")) as engine:
        reference = run_clips(engine, clips)
    recorded = {vector.name: vector.logits for vector in bundle.manifest.reference_vectors}
    for parity in compare_clips(recorded, {name: reference[name] for name in recorded}):
        if parity.error_of_range > (GATES["fp32"].max_error_of_range or 0.0):
            raise BundleError(
                f"{bundle.root}: the reference no longer gives the recorded logits of '{parity.clip}' "
                f"(error {parity.error_of_range:.1e} of the range); convert again"
            )
    return reference


def _verify_artifact(
    bundle: Bundle,
    artifact: Artifact,
    natural: Sequence[NamedClip],
    hurting: Sequence[NamedClip],
    reference: LogitsByClip,
) -> Verified:
    gate, clips = GATES[artifact.precision], (*natural, *hurting)
    try:
        bundle.verified(artifact)
    except BundleError as error:
        return Verified(artifact.name, False, not_run(gate, str(error)))
    obstacle = _obstacle(artifact)
    try:
        imitated = _imitated(bundle, artifact, clips)
        if obstacle and imitated is None:
            return Verified(artifact.name, True, not_run(gate, obstacle))
        if obstacle and imitated is not None:
            measured, note = imitated, TARGETS[artifact.target].stand_in_reason
        else:
            with closing(open_engine(bundle, artifact)) as engine:
                measured, note = run_clips(engine, clips), None
    except DvflError as error:
        return Verified(artifact.name, True, not_run(gate, str(error)), error=str(error))
    result = Verified(
        artifact.name, True, judge(gate, compare_clips(_only(reference, natural), measured), note)
    )
    if hurting:
        stress = judge(STRESS_GATES[artifact.precision], compare_clips(_only(reference, hurting), measured))
        result = replace(result, stress=stress)
    distance = compare_clips(measured, imitated) if imitated is not None and not obstacle else ()
    return replace(result, stand_in=tuple(distance))


def _only(logits: LogitsByClip, clips: Sequence[NamedClip]) -> LogitsByClip:
    return {clip.name: logits[clip.name] for clip in clips}


def _imitated(bundle: Bundle, artifact: Artifact, clips: Sequence[NamedClip]) -> LogitsByClip | None:
    """The logits that the target's stand-in computes; ``None`` where it has none."""
    known = TARGETS.get(artifact.target)
    stand_in = load_stand_in(known) if known else None
    if stand_in is None:
        return None
    with closing(stand_in(bundle, artifact)) as engine:
        return run_clips(engine, clips)


def _with_magnitudes(
    bundle: Bundle, artifact: Artifact, result: Verified, clips: Sequence[NamedClip]
) -> Verified:
    known = TARGETS.get(artifact.target)
    measure = load_magnitudes(known) if known else None
    if measure is None or not result.intact:
        return result
    try:
        return replace(result, magnitudes=measure(bundle, artifact, [clip.pixels for clip in clips]))
    except DvflError:
        # Why it cannot be computed is already the result's error.
        return result


def _climbed(bundle: Bundle, artifact: Artifact, result: Verified, clips: Sequence[NamedClip]) -> Verified:
    """The result with a further clip, on which the artifact was led away from the reference."""
    assert result.stress is not None, "it ran on clips made to hurt"
    figures = (*result.parity.clips, *result.stress.clips)
    with closing(open_engine(bundle, "torch")) as torch, closing(_opened(bundle, artifact)) as engine:
        found = climb(torch.run, engine.run, clips, figures, artifact.name)
        parity = compare(found.name, torch.run(found.pixels), engine.run(found.pixels))
    return replace(result, stress=judge(result.stress.gate, (*result.stress.clips, parity)))


def _opened(bundle: Bundle, artifact: Artifact) -> Engine:
    """The artifact's engine, or what stands in for it."""
    known = TARGETS.get(artifact.target)
    stand_in = load_stand_in(known) if known and _obstacle(artifact) else None
    return stand_in(bundle, artifact) if stand_in else open_engine(bundle, artifact)


def _obstacle(artifact: Artifact) -> str | None:
    """Why no engine here runs an artifact; ``None`` if one does."""
    known = TARGETS.get(artifact.target)
    if known and not known.runs_here:
        return known.not_run_reason
    if artifact.target not in ENGINES:
        return "no engine for this target"
    return ENGINES[artifact.target].obstacle()


def _with_drift(bundle: Bundle, artifact: Artifact, result: Verified, clips: Sequence[NamedClip]) -> Verified:
    worst = result.missed[0].worst if result.missed else None
    clip = next((clip for clip in clips if worst and clip.name == worst.clip), clips[0])
    try:
        return replace(result, drift=localize(bundle, artifact, clip))
    except DvflError:
        # What does not even run tells no layers; why it does not is in the result.
        if result.error is not None:
            return result
        raise
