"""The golden streams and predictions: time stamps and logits in, updates and counters out."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from typing import Any, cast

import numpy as np
from golden_stream_cases import StreamCase, stream_cases

from dvfl.frame import Clip, RgbFrame
from dvfl.predictions import Prediction, rank
from dvfl.recognizer import ActionRecognizer
from dvfl.spec import PreprocessingSpec
from dvfl.streaming import Entered, Result, StreamingActionRecognizer, StreamingOptions, Update

SIZE = 4
PIXELS = np.zeros((SIZE, SIZE, 3), np.uint8)
# Digits of a score: far finer than the 1e-9 it is compared with, far coarser than a CPU's last bit.
SCORE_DIGITS = 12
# What another language's exp() may change must never change a decision.
MARGIN = 1e-6

PREDICTION_CASES: tuple[tuple[str, tuple[float, ...], int | None], ...] = (
    ("five_of_seven", (0.5, -1.25, 3.0, 2.75, -0.5, 0.0, 1.5), 5),
    ("tied", (1.0, 2.0, 1.0, 2.0, 0.0), 5),
    ("tied_at_the_cut", (1.0, 2.0, 2.0, 2.0), 2),
    ("all_equal", (0.75,) * 6, 5),
    # The softmax of all but the first is 0: the logits decide.
    ("huge", (10000.0, -10000.0, 0.0, 9000.0, -9999.0), 5),
    ("huge_and_tied", (-10000.0, 10000.0, -10000.0, 10000.0), None),
    ("top_null", (0.25, 0.5, 0.125, -4.0, 8.0, 0.0, 1.0), None),
    ("top_beyond_the_labels", (-0.5, 0.5, 0.0), 10),
    ("one_label", (-3.5,), 5),
    ("top_1", (2.0, 4.0, 4.0), 1),
)
LABELS = ("walk", "run", "sit down", "stand up", "wave", "jeté", 'a, "b"')


@dataclass
class ScriptedRecognizer:
    """Answers with given logits, one row per inference, and remembers the times of every clip."""

    spec: PreprocessingSpec
    labels: Sequence[str]
    answers: Iterator[Sequence[float]]
    given: list[list[float]] = field(default_factory=list)
    clip_times: list[list[float]] = field(default_factory=list)

    def logits(self, clip: Clip) -> np.ndarray:
        self.clip_times.append(list(clip.time_s))
        self.given.append([float(value) for value in next(self.answers)])
        logits = np.array(self.given[-1], np.float32)
        assert logits.tolist() == self.given[-1], "logits must be exact in float32"
        return logits


def streams(spec_sha256: str) -> dict[str, Any]:
    """The content of ``streams.json``."""
    return {"format": 1, "spec_sha256": spec_sha256, "cases": [run(case) for case in stream_cases()]}


def predictions() -> dict[str, Any]:
    """The content of ``predictions.json``."""
    rows = []
    for name, logits, top in PREDICTION_CASES:
        labels = LABELS[: len(logits)]
        expected = [described(found) for found in rank(logits, labels, top)]
        rows.append({"name": name, "labels": labels, "logits": logits, "top": top, "expected": expected})
    return {"format": 1, "cases": rows}


def run(case: StreamCase) -> dict[str, Any]:
    spec = PreprocessingSpec.default().with_clip(frames=case.frames, size=SIZE)
    scripted = ScriptedRecognizer(spec, case.labels, iter(case.logits))
    stream = StreamingActionRecognizer(cast(ActionRecognizer, scripted), case.options)
    expected = []
    for step in case.steps:
        updates = take(stream, step)
        check_margins(updates, case.options)
        expected.append([described_update(update) for update in updates])
    if case.exact_script:
        assert next(scripted.answers, None) is None, f"{case.name}: not every row of logits was asked for"
    return {
        "name": case.name,
        "options": asdict(case.options),
        "frames": case.frames,
        "labels": case.labels,
        "logits": scripted.given,
        "steps": case.steps,
        "expected": expected,
        "clip_times": scripted.clip_times,
        "counters": asdict(stream.counters),
    }


def take(stream: StreamingActionRecognizer, step: dict[str, Any]) -> list[Update]:
    if step["do"] == "push":
        return stream.push(RgbFrame(PIXELS, step["time_s"]))
    if step["do"] == "reset":
        return stream.reset()
    if step["do"] == "pause":
        return stream.pause()
    stream.resume()
    return []


def described_update(update: Update) -> dict[str, Any]:
    if isinstance(update, Result):
        found = [described(prediction) for prediction in update.predictions]
        return {"type": "result", "time_s": update.time_s, "active": update.active, "predictions": found}
    kind = "entered" if isinstance(update, Entered) else "left"
    score = round(update.score, SCORE_DIGITS)
    return {"type": kind, "label": update.label, "time_s": update.time_s, "score": score}


def described(prediction: Prediction) -> dict[str, Any]:
    return asdict(prediction) | {"score": round(prediction.score, SCORE_DIGITS)}


def check_margins(updates: list[Update], options: StreamingOptions) -> None:
    """No score lies so near a threshold or another score that the last bit decides; equal is fine."""
    for result in (update for update in updates if isinstance(update, Result)):
        scores = sorted(prediction.score for prediction in result.predictions)
        limits = [
            (score, limit) for score in scores for limit in (options.enter_threshold, options.leave_threshold)
        ]
        for one, other in (*pairwise(scores), *limits):
            assert one == other or not math.isclose(one, other, rel_tol=0, abs_tol=MARGIN), (result, other)
