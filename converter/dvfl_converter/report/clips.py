"""Each clip's frames, and what every engine said of it, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from dvfl.manifest import Artifact, ClipParity, Manifest
from dvfl.predictions import rank, softmax
from dvfl_converter.report.evidence import ClipEvidence, Evidence, StressEvidence, Strip
from dvfl_converter.report.formats import cosine, enumerate_words, percent, scientific
from dvfl_converter.report.images import shown_frames, strips
from dvfl_converter.report.verdict import title

REFERENCE = "PyTorch"
OPEN_CLIPS = 6
MOST_CLIPS = 60
_TOP = 5
# A lead of less than this share is as good as a tie: any rounding may turn it.
_NEAR_TIE = 0.005


@dataclass(frozen=True)
class Score:
    """One engine's score for one class; ``width`` is the bar's length in percent of the clip's best score."""

    engine: str
    text: str
    width: float
    best: bool


@dataclass(frozen=True)
class ClassRow:
    """A class and each engine's score."""

    label: str
    scores: tuple[Score, ...]


@dataclass(frozen=True)
class Column:
    """An engine over one clip. ``error`` and ``cosine`` are empty for the reference."""

    engine: str
    agrees: bool
    error: str
    cosine: str


@dataclass(frozen=True)
class Picture:
    """One frame as a data URI, and its place among the model's frames, from 1."""

    uri: str
    number: int


@dataclass(frozen=True)
class ClipView:
    """One clip of the report."""

    name: str
    pictures: tuple[Picture, ...]
    frame_count: int
    columns: tuple[Column, ...]
    rows: tuple[ClassRow, ...]
    disagreements: tuple[str, ...]
    worst_of: str


def with_pictures(evidence: Evidence) -> Evidence:
    """The evidence with each clip's pixels as the pictures of its card; what is no longer pixels stays."""
    stress = evidence.stress
    hurting = _pictured(stressed(evidence.manifest, stress), stress.clips)
    return replace(
        evidence,
        clips=_pictured(evidence.manifest, evidence.clips),
        stress=replace(stress, clips=hurting),
    )


def stressed(manifest: Manifest, stress: StressEvidence) -> Manifest:
    """The manifest as it would be if the artifacts were judged on the clips made to hurt alone."""
    artifacts = (
        artifact.model_copy(update={"parity": stress.parity[artifact.name]})
        for artifact in manifest.artifacts
        if artifact.name in stress.parity
    )
    return manifest.model_copy(update={"artifacts": tuple(artifacts)})


def _pictured(manifest: Manifest, evidence: Sequence[ClipEvidence]) -> tuple[ClipEvidence, ...]:
    clips = list(evidence)
    shown = [place for place, _, _ in _first_to_show(manifest, clips)]
    raw = [(place, pixels) for place in shown if not isinstance(pixels := clips[place].pixels, Strip)]
    uris = dict(zip((place for place, _ in raw), strips([pixels for _, pixels in raw]), strict=True))
    for place, clip in enumerate(clips):
        if not isinstance(clip.pixels, Strip):
            clips[place] = replace(clip, pixels=Strip(len(clip.pixels), tuple(uris.get(place, ()))))
    return tuple(clips)


def clip_views(manifest: Manifest, clips: Sequence[ClipEvidence]) -> list[ClipView]:
    """The pictured clips: disagreements first, then each artifact's worst, then the others."""
    return [
        _view(manifest, clips[place], disagreements, worst_of)
        for place, disagreements, worst_of in _first_to_show(manifest, clips)
    ]


def _first_to_show(
    manifest: Manifest, clips: Sequence[ClipEvidence]
) -> list[tuple[int, tuple[str, ...], str]]:
    """Place among ``clips``, disagreements, and whose worst clip it is; at most ``MOST_CLIPS``."""
    judged = [(place, *_judged(manifest, clip)) for place, clip in enumerate(clips)]
    return sorted(judged, key=lambda item: (not item[1], not item[2]))[:MOST_CLIPS]


def _view(
    manifest: Manifest,
    clip: ClipEvidence,
    disagreements: tuple[str, ...],
    worst_of: str,
) -> ClipView:
    engines, strip = _engines(manifest, clip), clip.pixels
    assert isinstance(strip, Strip), "made by with_pictures"
    numbers = shown_frames(strip.frame_count)
    return ClipView(
        name=clip.name,
        pictures=tuple(Picture(uri, index + 1) for uri, index in zip(strip.pictures, numbers, strict=True)),
        frame_count=strip.frame_count,
        columns=(Column(REFERENCE, True, "", ""), *(_column(artifact, clip) for artifact in engines)),
        rows=_rows(manifest, clip, engines),
        disagreements=disagreements,
        worst_of=worst_of,
    )


def _engines(manifest: Manifest, clip: ClipEvidence) -> list[Artifact]:
    return [artifact for artifact in manifest.artifacts if artifact.name in clip.logits]


def _judged(manifest: Manifest, clip: ClipEvidence) -> tuple[tuple[str, ...], str]:
    engines = _engines(manifest, clip)
    said = [_disagreement(manifest.labels, clip, artifact) for artifact in engines]
    worst = [
        title(artifact)
        for artifact in manifest.artifacts
        if len(artifact.parity.clips) > 1
        and artifact.parity.worst
        and artifact.parity.worst.clip == clip.name
    ]
    return tuple(filter(None, said)), enumerate_words(worst)


def _disagreement(labels: Sequence[str], clip: ClipEvidence, artifact: Artifact) -> str:
    logits = clip.logits[artifact.name]
    if not np.isfinite(logits).all():
        return f"{title(artifact)} returned values that are no finite numbers."
    theirs = rank(logits, labels, 1)[0]
    ours, *others = rank(clip.reference, labels, 2)
    if theirs.index == ours.index:
        return ""
    said = (
        f"{title(artifact)} says “{theirs.label}” ({percent(theirs.score)}) where {REFERENCE} says "
        f"“{ours.label}” ({percent(ours.score)})."
    )
    if others and ours.score - others[0].score < _NEAR_TIE:
        said += f" For {REFERENCE} itself the two best classes are nearly tied."
    return said


def _column(artifact: Artifact, clip: ClipEvidence) -> Column:
    parity = next((entry for entry in artifact.parity.clips if entry.clip == clip.name), None)
    return Column(title(artifact), _same_top(artifact, clip, parity), *_figures(parity))


def _same_top(artifact: Artifact, clip: ClipEvidence, parity: ClipParity | None) -> bool:
    logits = clip.logits[artifact.name]
    if not np.isfinite(logits).all() or (parity and not parity.top1_agrees):
        return False
    return int(np.argmax(logits)) == int(np.argmax(clip.reference))


def _figures(parity: ClipParity | None) -> tuple[str, str]:
    return (scientific(parity.error_of_range), cosine(parity.cosine)) if parity else ("unknown", "unknown")


def _rows(manifest: Manifest, clip: ClipEvidence, engines: Sequence[Artifact]) -> tuple[ClassRow, ...]:
    logits = {REFERENCE: clip.reference} | {title(item): clip.logits[item.name] for item in engines}
    finite = {name: values for name, values in logits.items() if np.isfinite(values).all()}
    scores = {name: softmax(values) for name, values in finite.items()}
    best = {name: int(np.argmax(values)) for name, values in finite.items()}
    shown = [found.index for found in rank(clip.reference, manifest.labels, _TOP)]
    shown += [index for index in dict.fromkeys(best.values()) if index not in shown]
    longest = max((float(values[shown].max()) for values in scores.values()), default=1.0) or 1.0
    return tuple(
        ClassRow(
            manifest.labels[index],
            tuple(
                Score(
                    name,
                    percent(float(scores[name][index])) if name in scores else "not finite",
                    100 * float(scores[name][index]) / longest if name in scores else 0.0,
                    best.get(name) == index,
                )
                for name in logits
            ),
        )
        for index in shown
    )
