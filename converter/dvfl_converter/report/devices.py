"""The rows of "On devices", and what they add to the answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dvfl_converter.devices import DeviceRun
from dvfl_converter.report.formats import (
    cosine,
    enumerate_words,
    file_size,
    milliseconds,
    percent,
    plural,
    scientific,
)
from dvfl_converter.report.verdict import Headline, Tone, device_run_title, title

_UNKNOWN = "not measured"


@dataclass(frozen=True)
class DeviceRow:
    """One artifact on one accelerator of one device, as text.

    ``why`` is empty where there is nothing to say, the figures against PyTorch where nothing was
    ``compared``, and the times where the device took none.
    """

    device: str
    system: str
    artifact: str
    accelerator: str
    tone: Tone
    word: str
    why: str
    compared: bool
    error: str
    cosine: str
    top1: str
    p50: str
    p90: str
    memory: str
    thermal: str
    runtime: str


def device_rows(runs: Sequence[DeviceRun]) -> list[DeviceRow]:
    """One per run, in the order of the files."""
    return [_row(run) for run in runs]


def with_devices(headline: Headline, runs: Sequence[DeviceRun]) -> Headline:
    """The answer for the converting machine and the devices together; unchanged without devices."""
    if not runs:
        return headline
    missed = [device_run_title(run) for run in runs if not run.ok]
    good = len(runs) - len(missed)
    said = f"On devices, {good} of {plural(len(runs), 'run')} passed"
    said += f"; {enumerate_words(missed)} did not." if missed else "."
    sentence = f"{headline.sentence} {said}"
    if not missed or headline.tone == "failed":
        return Headline(headline.tone, headline.answer, sentence)
    return Headline("failed", "Not on every device" if good else "Not on a device", sentence)


def _row(run: DeviceRun) -> DeviceRow:
    device, figures, parity = run.device, run.run, run.parity
    threads = f", {plural(figures.threads, 'thread')}" if figures.threads else ""
    worst = min(parity.clips, key=lambda clip: clip.cosine, default=None)
    latency = figures.latency_ms
    return DeviceRow(
        device=device.name,
        system=", ".join(filter(None, (f"{device.os} {device.os_version}", device.soc))),
        artifact=title(run.artifact),
        accelerator=f"{figures.accelerator}{threads}",
        tone="passed" if run.ok else "failed",
        word="Passed" if run.ok else "Failed" if figures.status == "ran" else "Did not run",
        why=_why(run),
        compared=worst is not None,
        error=scientific(max(clip.max_abs_error for clip in parity.clips)) if worst else "",
        cosine=cosine(worst.cosine) if worst else "",
        top1=_agreement(run),
        p50=milliseconds(latency.p50) if latency else "",
        p90=milliseconds(latency.p90) if latency else "",
        memory=_UNKNOWN if figures.memory_bytes is None else file_size(figures.memory_bytes),
        thermal=_thermal(figures.thermal_before, figures.thermal_after),
        runtime=figures.runtime,
    )


def _why(run: DeviceRun) -> str:
    if run.parity.reason and run.run.reason and run.run.status == "ran":
        return f"{run.parity.reason}. The device says: {run.run.reason}"
    return run.parity.reason or run.run.reason or ""


def _agreement(run: DeviceRun) -> str:
    clips = run.parity.clips
    if not clips:
        return ""
    return f"{sum(clip.top1_agrees for clip in clips)} of {len(clips)} ({percent(run.parity.top1_agreement)})"


def _thermal(before: str | None, after: str | None) -> str:
    if before is None and after is None:
        return _UNKNOWN
    return f"{before or 'unknown'} → {after or 'unknown'}"
