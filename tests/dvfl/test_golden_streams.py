"""The golden streams and predictions, read as every SDK reads them, and faults that they must catch."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import fakes
import numpy as np
import pytest

from dvfl.frame import RgbFrame
from dvfl.predictions import Prediction, rank
from dvfl.spec import PreprocessingSpec
from dvfl.stream_state import Activity, FrameWindow, RateLimit, ScoreSmoother
from dvfl.streaming import Entered, Result, StreamingActionRecognizer, StreamingOptions, Update

SPEC_FOLDER = Path(__file__).resolve().parents[2] / "spec"
STREAMS: dict[str, Any] = json.loads((SPEC_FOLDER / "golden" / "streams.json").read_text())
PREDICTIONS: dict[str, Any] = json.loads((SPEC_FOLDER / "golden" / "predictions.json").read_text())
CASES: dict[str, dict[str, Any]] = {case["name"]: case for case in STREAMS["cases"]}
SIZE = 4
TOLERANCE = 1e-9


def replay(case: dict[str, Any]) -> dict[str, Any]:
    """What this SDK makes of a case's steps: ``expected``, ``clip_times`` and ``counters``."""
    answers = iter(case["logits"])
    spec = PreprocessingSpec.default().with_clip(frames=case["frames"], size=SIZE)
    recognizer, _ = fakes.recognizer(lambda _: np.array(next(answers), np.float32), case["labels"], spec)
    clip_times: list[list[float]] = []
    run = recognizer.logits

    def noting(clip: Any) -> np.ndarray:
        clip_times.append(list(clip.time_s))
        return run(clip)

    recognizer.logits = noting
    stream = StreamingActionRecognizer(recognizer, StreamingOptions(**case["options"]))
    expected = [[described(update) for update in take(stream, step)] for step in case["steps"]]
    return {"expected": expected, "clip_times": clip_times, "counters": asdict(stream.counters)}


def take(stream: StreamingActionRecognizer, step: dict[str, Any]) -> list[Update]:
    if step["do"] == "push":
        return stream.push(RgbFrame(np.zeros((SIZE, SIZE, 3), np.uint8), step["time_s"]))
    return {"reset": stream.reset, "pause": stream.pause, "resume": stream.resume}[step["do"]]() or []


def described(update: Update) -> dict[str, Any]:
    if isinstance(update, Result):
        found = [row(prediction) for prediction in update.predictions]
        return {"type": "result", "time_s": update.time_s, "active": update.active, "predictions": found}
    kind = "entered" if isinstance(update, Entered) else "left"
    return {"type": kind, "label": update.label, "time_s": update.time_s, "score": near(update.score)}


def row(prediction: Prediction) -> dict[str, Any]:
    return asdict(prediction) | {"score": near(prediction.score)}


def near(score: float) -> Any:
    return pytest.approx(score, rel=0, abs=TOLERANCE)


def golden(case: dict[str, Any]) -> dict[str, Any]:
    return {key: case[key] for key in ("expected", "clip_times", "counters")}


@pytest.mark.parametrize("name", CASES)
def test_a_stream_equals_its_golden_vector(name: str) -> None:
    assert replay(CASES[name]) == golden(CASES[name])


@pytest.mark.parametrize("case", PREDICTIONS["cases"], ids=lambda case: case["name"])
def test_predictions_equal_their_golden_vectors(case: dict[str, Any]) -> None:
    logits = np.array(case["logits"], np.float32)
    assert [row(found) for found in rank(logits, case["labels"], case["top"])] == case["expected"]


def test_the_streams_name_the_spec_they_were_made_with() -> None:
    assert (
        STREAMS["spec_sha256"]
        == hashlib.sha256((SPEC_FOLDER / "preprocessing.json").read_bytes()).hexdigest()
    )


def test_the_streams_cover_every_kind_of_update_step_and_counter() -> None:
    cases = STREAMS["cases"]
    assert {step["do"] for case in cases for step in case["steps"]} == {"push", "reset", "pause", "resume"}
    kinds = {update["type"] for case in cases for step in case["expected"] for update in step}
    assert kinds == {"result", "entered", "left"}
    for counter in cases[0]["counters"]:
        assert any(case["counters"][counter] for case in cases), counter


def _drifting_grid(patch: pytest.MonkeyPatch) -> None:
    def take_due(self: FrameWindow) -> bool:
        due = self.newest_tick >= self._due
        if due:
            self._due = self.newest_tick + self._stride
        return due

    patch.setattr(FrameWindow, "take_due", take_due)


def _impatient_clock(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(FrameWindow, "restarted", lambda self, tick, late: self.newest_tick - tick >= late)


def _no_slack(patch: pytest.MonkeyPatch) -> None:
    def admits(self: RateLimit, tick: int) -> bool:
        admitted = self._next is None or tick >= self._next
        if admitted:
            self._next = tick + self._interval
        return admitted

    patch.setattr(RateLimit, "admits", admits)


def _smoothing_per_result(patch: pytest.MonkeyPatch) -> None:
    def update(self: ScoreSmoother, tick: int, scores: np.ndarray) -> np.ndarray:
        self._scores = scores if self._scores is None else (self._scores + scores) / 2
        return self._scores

    patch.setattr(ScoreSmoother, "update", update)


def _nudged_thresholds(patch: pytest.MonkeyPatch) -> None:
    make = Activity.__init__

    def init(self: Activity, enter: float, leave: float, min_hold: int) -> None:
        make(self, enter + 1e-12, leave + 1e-12, min_hold)

    patch.setattr(Activity, "__init__", init)


def _holds_forever_from_reset(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Activity, "end", lambda self: None)


FAULTS: dict[Callable[[pytest.MonkeyPatch], None], tuple[str, ...]] = {
    _drifting_grid: ("jittered_30_fps", "missed_strides", "variable_rate"),
    _impatient_clock: ("late_and_repeated_time_stamps",),
    _no_slack: ("jittered_30_fps", "camera_of_60_fps_thinned_to_30"),
    _smoothing_per_result: ("smoothing_over_uneven_intervals", "smoothing_off", "variable_rate"),
    _nudged_thresholds: ("scores_equal_to_the_thresholds", "a_score_equal_to_the_leave_threshold"),
    _holds_forever_from_reset: (
        "reset_in_the_middle",
        "pause_and_resume",
        "clock_restarts_while_a_label_is_active",
    ),
}


@pytest.mark.parametrize(
    ("fault", "name"), [(fault, name) for fault, names in FAULTS.items() for name in names]
)
def test_the_comparison_of_streams_catches(
    fault: Callable[[pytest.MonkeyPatch], None], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fault(monkeypatch)
    case = CASES[name]
    # A fault may ask for more inferences than the case has rows.
    replayed = replay(case | {"logits": case["logits"] * 3})
    assert replayed != golden(case)
