"""The answer in words: the headline, each artifact against its gate, what was checked and what was not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from dvfl.manifest import Artifact, Manifest, ParityReport
from dvfl_converter.devices import DeviceRun
from dvfl_converter.report.evidence import Evidence
from dvfl_converter.report.formats import cosine, enumerate_words, percent, plural, scientific
from dvfl_converter.targets.base import PROVED_BY_INTERPRETER
from dvfl_converter.targets.registry import TARGETS

Tone = Literal["passed", "failed", "not_run"]
WORDS: dict[Tone, str] = {"passed": "Passed", "failed": "Failed", "not_run": "Not run"}


_NO_DEVICE = (
    "No phone took part. Speed, memory and heat on a device, and a phone's GPU or neural accelerator, "
    "are not covered here."
)
_DEVICES_LIMIT = (
    "Another phone, system version, driver or accelerator than those under “On devices” may say something "
    "else. Times, memory and heat there are the device's own figures, and its file is not signed."
)


@dataclass(frozen=True)
class Headline:
    """The first thing a reader sees."""

    tone: Tone
    answer: str
    sentence: str


@dataclass(frozen=True)
class Criterion:
    """One figure over all clips; ``limit`` is ``None`` where the gate does not ask for it."""

    figure: str
    measured: str
    limit: str | None
    tone: Tone
    clip: str | None = None


@dataclass(frozen=True)
class ArtifactCard:
    """An artifact, its verdict in plain words, and the figures behind the verdict."""

    artifact: Artifact
    title: str
    tone: Tone
    word: str
    reason: str
    criteria: tuple[Criterion, ...]


@dataclass(frozen=True)
class Scope:
    """What stands behind this page, and what does not."""

    checked: tuple[str, ...]
    unchecked: tuple[str, ...]


def title(artifact: Artifact) -> str:
    """``LiteRT int8``."""
    return name_title(artifact.name)


def is_interpreted(artifact: Artifact) -> bool:
    """Whether a stand-in computed what the artifact says, instead of its runtime."""
    return artifact.options.items() >= PROVED_BY_INTERPRETER.items()


def name_title(name: str) -> str:
    """``LiteRT int8`` of ``litert-int8``; what is no such name stays as it is."""
    target, _, precision = name.partition("-")
    return f"{_short_title(target)} {precision}".strip() if target in TARGETS else name


def device_run_title(run: DeviceRun) -> str:
    """``LiteRT fp32 on Google Pixel 8 (cpu)``."""
    return f"{title(run.artifact)} on {run.device.name} ({run.run.accelerator})"


def _short_title(target: str) -> str:
    return TARGETS[target].title.split(" (")[0]


def headline(evidence: Evidence) -> Headline:
    """One answer and one sentence for the whole bundle."""
    artifacts = evidence.manifest.artifacts
    passed, failed, unrun = (_titles(evidence.manifest, status) for status in ("passed", "failed", "not_run"))
    parts = []
    if failed:
        parts.append(f"{enumerate_words(failed)} failed {'its gate' if len(failed) == 1 else 'their gates'}")
    if passed and len(passed) == len(artifacts):
        parts.append(f"{_all(len(passed))} executed and passed")
    elif passed or failed:
        parts.append(f"{len(passed)} of {plural(len(artifacts), 'artifact')} executed and passed")
    if interpreted := [title(artifact) for artifact in artifacts if is_interpreted(artifact)]:
        parts.append(f"{enumerate_words(interpreted)} in this project's interpreter, not in Core ML")
    if unrun:
        parts.append(f"{enumerate_words(unrun)} converted, not executed here")
    for refused, what in ((False, "failed to convert"), (True, "refused")):
        if names := [name_title(item.name) for item in evidence.failures if item.refused == refused]:
            parts.append(f"{enumerate_words(names)} {what}")
    sentence = "; ".join(parts) + "." if parts else "The bundle holds no artifact."
    tone: Tone = "failed" if failed else "passed" if passed and not evidence.failures else "not_run"
    return Headline(tone, _answer(len(passed), len(failed), bool(unrun or evidence.failures)), sentence)


def cards(manifest: Manifest) -> list[ArtifactCard]:
    """The artifacts in the manifest's order."""
    return [_card(artifact) for artifact in manifest.artifacts]


def scope(evidence: Evidence) -> Scope:
    """Two honest lists."""
    manifest = evidence.manifest
    computed = [item for item in manifest.artifacts if item.parity.status != "not_run"]
    executed = [title(item) for item in computed if not is_interpreted(item)]
    interpreted = [title(item) for item in computed if is_interpreted(item)]
    placed = [title(item) for item in manifest.artifacts if item.operators is not None]
    clips = max((len(item.parity.clips) for item in manifest.artifacts), default=0)
    checked = []
    if executed:
        checked.append(
            f"{enumerate_words(executed)} ran with {'its' if len(executed) == 1 else 'their'} own runtime on "
            f"{evidence.machine}; the logits of {plural(clips, 'clip')} were compared with PyTorch's in "
            "float64."
        )
    if interpreted:
        checked.append(
            f"{enumerate_words(interpreted)} {'was' if len(interpreted) == 1 else 'were'} computed by this "
            "project's interpreter of ML programs, operator by operator as coremltools documents them, every "
            "value rounded to its declared type: graph, weights, layouts and rounding are proved."
        )
    ran = [run for run in evidence.devices if run.run.status == "ran"]
    if ran:
        vectors = plural(len(manifest.reference_vectors), "reference clip")
        checked.append(
            f"{enumerate_words(list(dict.fromkeys(map(device_run_title, ran))))} returned the logits of "
            f"{vectors}; they were compared with PyTorch's here, with each artifact's own gate."
        )
    if placed:
        checked.append(
            f"Where each operator runs was read from the converted program of {enumerate_words(placed)}."
        )
    checked.append("The sha256 of every file is in manifest.json; dvfl verify computes it again.")
    return Scope(tuple(checked), tuple(_unchecked(evidence, clips)))


def _unchecked(evidence: Evidence, clips: int) -> list[str]:
    on_devices = {run.artifact.name for run in evidence.devices if run.run.status == "ran"}
    lines = [
        f"{title(artifact)} was not executed. {_card(artifact).reason} "
        "Run dvfl verify where its runtime exists."
        for artifact in evidence.manifest.artifacts
        if artifact.parity.status == "not_run" and artifact.name not in on_devices
    ]
    if interpreted := [
        title(artifact)
        for artifact in evidence.manifest.artifacts
        if is_interpreted(artifact) and artifact.name not in on_devices
    ]:
        lines.append(
            f"Core ML itself did not run {enumerate_words(interpreted)}: what Apple's kernels and the Neural "
            "Engine make of it, only a Mac or a phone can show. Run dvfl verify on a Mac."
        )
    lines.append(_DEVICES_LIMIT if evidence.devices else _NO_DEVICE)
    lines.append(
        "Whether the model is right was not measured: this page compares each artifact with PyTorch, "
        "not PyTorch with the truth."
    )
    if clips:
        # No disagreement in n independent clips bounds the rate at 1 - 0.05 ** (1 / n), 95 % confidence.
        bound = 1 - 0.05 ** (1 / clips)
        lines.append(
            f"{plural(clips, 'clip')} cannot show rare disagreements: even full top-1 agreement only rules "
            f"out, with 95 % confidence, that more than {percent(bound)} of clips like these would disagree."
        )
    return lines


def _answer(passed: int, failed: int, gaps: bool) -> str:
    if failed:
        return "Not every artifact does" if passed else "No"
    if not passed:
        return "Not known: nothing was executed"
    return "Yes, as far as it could be run" if gaps else "Yes"


def _all(count: int) -> str:
    return {1: "The only artifact was", 2: "Both artifacts were"}.get(count, f"All {count} artifacts were")


def _titles(manifest: Manifest, status: str) -> list[str]:
    return [title(artifact) for artifact in manifest.artifacts if artifact.parity.status == status]


def _card(artifact: Artifact) -> ArtifactCard:
    parity = artifact.parity
    criteria = _criteria(parity)
    return ArtifactCard(
        artifact, title(artifact), parity.status, WORDS[parity.status], _reason(parity, criteria), criteria
    )


def _reason(parity: ParityReport, criteria: tuple[Criterion, ...]) -> str:
    if parity.status == "not_run":
        return _sentence(parity.reason or "no runtime for it exists on this machine")
    broken = [item for item in criteria if item.tone == "failed"]
    if broken:
        # The recorded reason lists the same figures in shorthand.
        return " ".join(
            f"{item.figure} is {item.measured}, but the gate asks for {item.limit}." for item in broken
        )
    said = [_sentence(parity.reason)] if parity.reason else []
    if parity.status == "failed":
        return " ".join(said) or "It failed outside the figures below; run dvfl verify to see where."
    gated = [item for item in criteria if item.limit]
    gate = (
        "meets every figure of its gate" if gated else "ran; it has no gate, so its figures are only reported"
    )
    done = "Compared" if parity.reason else "Executed"
    return " ".join([*said, f"{done} on {plural(len(parity.clips), 'clip')} and {gate}."])


def _criteria(parity: ParityReport) -> tuple[Criterion, ...]:
    gate, clips = parity.gate, len(parity.clips)
    limits = (
        ("Largest error / logit range", _limit("≤", gate.max_error_of_range, scientific)),
        ("Mean cosine", _limit("≥", gate.min_mean_cosine, str)),
        ("Worst cosine", _limit("≥", gate.min_worst_cosine, str)),
        ("Same top class", _limit("≥", gate.min_top1_agreement, percent)),
    )
    if not parity.clips:
        return tuple(Criterion(name, "not measured", limit, "not_run") for name, limit in limits if limit)
    worst = max(parity.clips, key=lambda clip: clip.error_of_range)
    least = min(parity.clips, key=lambda clip: clip.cosine)
    measured = (
        (
            scientific(worst.error_of_range),
            worst.clip,
            _at_most(worst.error_of_range, gate.max_error_of_range),
        ),
        (cosine(parity.mean_cosine), None, _at_least(parity.mean_cosine, gate.min_mean_cosine)),
        (cosine(least.cosine), least.clip, _at_least(least.cosine, gate.min_worst_cosine)),
        (
            _share(parity.top1_agreement, clips),
            None,
            _at_least(parity.top1_agreement, gate.min_top1_agreement),
        ),
    )
    return (
        *(
            Criterion(name, value, limit, "passed" if holds else "failed", clip)
            for (name, limit), (value, clip, holds) in zip(limits, measured, strict=True)
        ),
        Criterion("Same five best classes", _share(parity.top5_agreement, clips), None, "passed"),
        Criterion(
            "Lowest signal to noise", f"{min(clip.snr_db for clip in parity.clips):.0f} dB", None, "passed"
        ),
    )


def _at_most(value: float, limit: float | None) -> bool:
    return limit is None or value <= limit


def _at_least(value: float, limit: float | None) -> bool:
    return limit is None or value >= limit


def _share(agreement: float, clips: int) -> str:
    return f"{round(agreement * clips)} of {clips} ({percent(agreement)})"


def _limit(sign: str, value: float | None, form: Callable[[float], str]) -> str | None:
    return None if value is None else f"{sign} {form(value)}"


def _sentence(text: str) -> str:
    text = text.strip()
    return f"{text[:1].upper()}{text[1:]}" + ("" if text.endswith((".", "!", "?")) else ".")
