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
from dvfl_converter.parity.gates import GATES, judge, not_run
from dvfl_converter.parity.localize import Drift, localize
from dvfl_converter.parity.metrics import compare
from dvfl_converter.parity.stress import ascent, stress_clips
from dvfl_converter.progress import Steps
from dvfl_converter.targets.base import Magnitude
from dvfl_converter.targets.registry import TARGETS, load_magnitudes, load_stand_in


@dataclass(frozen=True)
class Verified:
    """One artifact's result.

    Attributes:
        intact: its bytes are those the converter wrote.
        error: why it could not be run although a runtime is here.
        drift: the first layer that leaves the tolerance, when asked for and found.
        magnitudes: every fp16 value of the artifact, at its largest over the clips, where they can be seen.
        stand_in: where the artifact's runtime ran and something could stand in for it: how far the latter's
            logits are from the runtime's.
    """

    name: str
    intact: bool
    parity: ParityReport
    error: str | None = None
    drift: Drift | None = None
    magnitudes: tuple[Magnitude, ...] = ()
    stand_in: tuple[ClipParity, ...] = ()

    @property
    def ok(self) -> bool:
        """Intact, and not outside its gate; not running for want of a runtime is no failure."""
        return self.intact and self.error is None and self.parity.status != "failed"


def reference_vectors(bundle: Bundle) -> tuple[NamedClip, ...]:
    """The clips that the bundle carries."""
    vectors = bundle.manifest.reference_vectors
    return tuple(NamedClip(vector.name, bundle.reference_clip(vector)) for vector in vectors)


def verify(
    bundle: Bundle,
    extra: Sequence[NamedClip],
    *,
    find_drift: bool = False,
    stress: bool = False,
    quiet: bool = False,
) -> tuple[Verified, ...]:
    """Verifies every artifact on the bundle's own clips and on ``extra`` ones.

    Args:
        find_drift: also name the first layer that drifts where a gate is missed.
        stress: also use clips made to hurt; for int8, one more that is climbed to from the worst of all.

    Raises:
        BundleError: the reference itself was changed or no longer gives the recorded logits.
    """
    own = reference_vectors(bundle)
    hurting = stress_clips(bundle.manifest.preprocessing) if stress else ()
    clips = (*own, *_told_apart(extra, own), *hurting)
    if not clips:
        raise BundleError(f"{bundle.root}: holds no reference clips; give some with --clip")
    with Steps(total=1 + len(bundle.manifest.artifacts), quiet=quiet) as steps:
        with steps.step("running the PyTorch reference"):
            reference = _reference(bundle, clips)
        results = []
        for artifact in bundle.manifest.artifacts:
            with steps.step(f"{artifact.name}: comparing with PyTorch"):
                result = _verify_artifact(bundle, artifact, clips, reference)
                result = _with_magnitudes(bundle, artifact, result, clips)
            if stress and artifact.precision == "int8" and result.parity.worst is not None:
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
    bundle: Bundle, artifact: Artifact, clips: Sequence[NamedClip], reference: LogitsByClip
) -> Verified:
    gate = GATES[artifact.precision]
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
            note = TARGETS[artifact.target].stand_in_reason
            return Verified(artifact.name, True, judge(gate, compare_clips(reference, imitated), note))
        with closing(open_engine(bundle, artifact)) as engine:
            measured = run_clips(engine, clips)
    except DvflError as error:
        return Verified(artifact.name, True, not_run(gate, str(error)), error=str(error))
    parity = judge(gate, compare_clips(reference, measured))
    distance = compare_clips(measured, imitated) if imitated is not None else ()
    return Verified(artifact.name, True, parity, stand_in=tuple(distance))


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
    worst = min(result.parity.clips, key=lambda parity: parity.cosine)
    start = next(clip for clip in clips if clip.name == worst.clip)
    with closing(open_engine(bundle, "torch")) as torch, closing(_opened(bundle, artifact)) as engine:
        found = ascent(torch.run, engine.run, start)
        parity = compare(found.name, torch.run(found.pixels), engine.run(found.pixels))
    judged = judge(result.parity.gate, (*result.parity.clips, parity))
    # What a stand-in leaves open is told of whatever passed.
    note = result.parity.reason if judged.reason is None else judged.reason
    return replace(result, parity=judged.model_copy(update={"reason": note}))


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
    worst = result.parity.worst
    clip = next(clip for clip in clips if worst is None or clip.name == worst.clip)
    try:
        return replace(result, drift=localize(bundle, artifact, clip))
    except DvflError:
        # What does not even run tells no layers; why it does not is in the result.
        if result.error is not None:
            return result
        raise
