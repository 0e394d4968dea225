"""The stream: windows, rates, smoothing, events, late frames, memory; all decided by time stamps."""

from __future__ import annotations

import dataclasses
import random
import threading

import fakes
import numpy as np
import pytest

import tiny_bundle as tiny
from dvfl import (
    ClosedError,
    EngineError,
    Entered,
    Left,
    Result,
    RgbFrame,
    StreamCounters,
    StreamingActionRecognizer,
    StreamingOptions,
)
from dvfl.predictions import softmax
from dvfl.sampling import window_frame_indices
from dvfl.video import iter_frames


def frame(time_s: float, value: int = 0) -> RgbFrame:
    """A frame of one grey."""
    return RgbFrame(np.full((4, 4, 3), value, np.uint8), time_s)


def frames(count: int, fps: float = 30.0, start: float = 0.0) -> list[RgbFrame]:
    return [frame(start + i / fps, i % 256) for i in range(count)]


def logits_for(index: int, score: float) -> np.ndarray:
    """Logits whose softmax gives ``index`` that score and the others the rest, evenly."""
    scores = np.full(5, (1 - score) / 4)
    scores[index] = score
    return np.log(scores).astype(np.float32)


def stream(answer=lambda _: np.zeros(5, np.float32), **options):
    """A stream on a fake engine, and the engine."""
    recognizer, engine = fakes.recognizer(answer)
    return StreamingActionRecognizer(recognizer, StreamingOptions(**options)), engine


def results(updates) -> list[Result]:
    return [update for update in updates if isinstance(update, Result)]


def events(updates) -> list[Entered | Left]:
    return [update for update in updates if not isinstance(update, Result)]


def push_all(opened, given) -> list:
    return [update for each in given for update in opened.push(each)]


class TestOptions:
    def test_defaults(self):
        assert dataclasses.asdict(StreamingOptions()) == {
            "window_s": 2.0,
            "stride_s": 0.5,
            "smoothing_half_life_s": 0.5,
            "enter_threshold": 0.6,
            "leave_threshold": 0.4,
            "min_hold_s": 0.0,
            "max_late_s": 1.0,
            "max_fps": 30.0,
            "top": 5,
        }

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("window_s", 0),
            ("window_s", float("nan")),
            ("window_s", float("inf")),
            ("stride_s", -1),
            ("smoothing_half_life_s", -0.1),
            ("enter_threshold", 0),
            ("enter_threshold", 1.1),
            ("enter_threshold", 0.4),
            ("leave_threshold", 0.6),
            ("leave_threshold", -0.1),
            ("min_hold_s", -1),
            ("max_late_s", float("nan")),
            ("max_fps", 0),
            ("top", 0),
        ],
    )
    def test_refused_when_built(self, name, value):
        with pytest.raises(ValueError, match="must be") as error:
            StreamingOptions(**{name: value})
        assert "threshold" in str(error.value) or name in str(error.value)

    def test_a_window_of_less_than_a_tick_is_refused_before_a_frame_comes(self):
        with pytest.raises(ValueError, match="window_s must be at least one tick"):
            stream(window_s=1e-9)

    def test_frozen(self):
        with pytest.raises(dataclasses.FrozenInstanceError):
            StreamingOptions().window_s = 1


class TestWindows:
    def test_first_result_after_a_window_then_one_per_stride(self):
        opened, engine = stream(window_s=1.0, stride_s=0.5)
        times = [result.time_s for result in results(push_all(opened, frames(91)))]
        assert times == pytest.approx([1.0, 1.5, 2.0, 2.5, 3.0])
        assert opened.counters == StreamCounters(received=91, inferences=5)
        assert engine.runs == 5

    def test_the_model_sees_the_sample_of_the_window(self):
        seen = []
        opened, _ = stream(
            lambda clip: seen.append(clip[:, 0, 0, 0]) or np.zeros(5, np.float32), window_s=1.0
        )
        given = frames(31)
        push_all(opened, given)
        wanted = window_frame_indices([f.time_s for f in given], given[-1].time_s, 1.0, tiny.SPEC)
        assert tuple(seen[0]) == wanted

    def test_variable_frame_rate(self):
        dice = random.Random(1)
        times, now = [], 0.0
        while now < 6:
            times.append(now)
            now += dice.choice([0.02, 0.033, 0.1, 0.2])
        seen = []
        opened, _ = stream(
            lambda clip: seen.append(tuple(clip[:, 0, 0, 0])) or np.zeros(5, np.float32), max_fps=1000.0
        )
        found = results(push_all(opened, [frame(time, i) for i, time in enumerate(times)]))
        assert len(found) >= 8
        for clip, result in zip(seen, found, strict=True):
            past = [time for time in times if time <= result.time_s]
            assert clip == window_frame_indices(past, result.time_s, 2.0, tiny.SPEC)

    def test_the_grid_does_not_drift(self):
        opened, _ = stream(window_s=1.0, stride_s=0.5)
        found = results(push_all(opened, frames(25 * 60, fps=25)))
        assert len(found) == 118

    def test_a_gap_shorter_than_the_window_skips_the_missed_strides(self):
        opened, _ = stream(window_s=1.0, stride_s=0.25)
        found = results(push_all(opened, [*frames(31), *frames(31, start=1.9)]))
        assert [round(result.time_s, 2) for result in found[:3]] == [1.0, 1.9, 2.0]

    def test_after_a_longer_gap_the_window_fills_anew(self):
        opened, _ = stream(window_s=1.0, stride_s=0.5)
        found = results(push_all(opened, [*frames(40), *frames(40, start=60.0)]))
        assert [result.time_s for result in found] == pytest.approx([1.0, 61.0])

    def test_frames_may_be_reused_after_the_call(self):
        seen = []
        opened, _ = stream(lambda clip: seen.append(clip.copy()) or np.zeros(5, np.float32), window_s=1.0)
        buffer = np.zeros((4, 4, 3), np.uint8)
        for i in range(31):
            buffer[:] = i
            opened.push(RgbFrame(buffer, i / 30))
        assert len(np.unique(seen[0])) == tiny.FRAMES


class TestRates:
    @pytest.mark.parametrize("camera_fps", [30.0, 29.97, 24.0, 15.0, 1.0])
    def test_a_camera_within_the_rate_loses_no_frame(self, camera_fps):
        dice = random.Random(0)
        opened, _ = stream()
        push_all(opened, [frame((i + dice.uniform(-0.2, 0.2)) / camera_fps + 1) for i in range(600)])
        assert opened.counters.dropped_rate == 0

    @pytest.mark.parametrize("camera_fps", [31.0, 60.0, 120.0, 240.0, 1000.0])
    def test_a_faster_camera_is_thinned_to_the_rate(self, camera_fps):
        opened, _ = stream()
        push_all(opened, frames(int(camera_fps * 10), camera_fps))
        kept = opened.counters.received - opened.counters.dropped_rate
        assert kept == pytest.approx(300, abs=2)

    def test_memory_is_bounded(self):
        opened, _ = stream(window_s=2.0)
        largest = 0
        for each in frames(2000, fps=500.0):
            opened.push(each)
            largest = max(largest, len(opened._window))
        assert largest <= 2.0 * 30 + 1


class TestLateFrames:
    def test_dropped_and_counted(self):
        opened, _ = stream()
        push_all(opened, [frame(1.0), frame(0.9), frame(1.0), frame(1.1), frame(1.05)])
        assert opened.counters == StreamCounters(received=5, dropped_late=3)

    def test_they_change_nothing(self):
        given = frames(120, start=1.0)
        dice = random.Random(3)
        with_late = [late for each in given for late in (each, frame(each.time_s - dice.random() * 0.9, 255))]
        seen: list[list] = [[], []]
        for store, source in zip(seen, (given, with_late), strict=True):
            opened, _ = stream(lambda clip: clip[0, 0, 0, 0] * np.arange(5, dtype=np.float32) / 100)
            store += push_all(opened, source)
        assert seen[0] == seen[1]

    def test_a_clock_that_restarted_restarts_the_stream(self):
        opened, _ = stream(lambda _: logits_for(2, 0.9), window_s=1.0)
        updates = push_all(opened, [*frames(40, start=100.0), *frames(40)])
        assert opened.counters.restarts == 1
        assert opened.counters.dropped_late == 0
        assert [result.time_s for result in results(updates)] == pytest.approx([101.0, 1.0])
        assert [type(event) for event in events(updates)] == [Entered, Left, Entered]

    def test_times_that_are_one_tick_are_equal(self):
        opened, _ = stream()
        push_all(opened, [frame(1.0), frame(1.0 + 1e-9)])
        assert opened.counters.dropped_late == 1


class TestSmoothing:
    def test_results_carry_smoothed_scores_and_this_windows_logits(self):
        answers = [logits_for(0, 0.9), logits_for(1, 0.9)]
        opened, _ = stream(lambda _: answers.pop(0), window_s=1.0, stride_s=0.5, smoothing_half_life_s=0.5)
        first, second = results(push_all(opened, frames(50)))
        assert first.predictions[0].score == pytest.approx(0.9)
        smoothed = (softmax(logits_for(0, 0.9)) + softmax(logits_for(1, 0.9))) / 2
        assert {p.index: p.score for p in second.predictions} == pytest.approx(dict(enumerate(smoothed)))
        assert second.predictions[0].logit == pytest.approx(np.log(0.025))

    def test_top(self):
        opened, _ = stream(window_s=1.0, top=2)
        assert len(results(push_all(opened, frames(31)))[0].predictions) == 2


class TestEvents:
    def test_in_a_stream(self):
        script = [0.9, 0.9, 0.3, 0.3]
        opened, _ = stream(
            lambda _: logits_for(2, script.pop(0)), window_s=1.0, stride_s=0.5, smoothing_half_life_s=0
        )
        updates = push_all(opened, frames(80))
        assert [result.active for result in results(updates)] == ["pan right", "pan right", None, None]
        entered, left = events(updates)
        assert entered == Entered("pan right", pytest.approx(1.0), pytest.approx(0.9))
        assert left == Left("pan right", pytest.approx(2.0), pytest.approx(0.3))

    def test_every_entered_is_followed_by_its_left(self):
        dice = np.random.default_rng(5)
        opened, _ = stream(
            lambda _: logits_for(int(dice.integers(5)), float(dice.uniform(0.2, 0.99))),
            window_s=0.2,
            stride_s=0.1,
            smoothing_half_life_s=0.05,
        )
        found = events(opened.process(frames(3000)))
        assert len(found) > 100
        for entered, left in zip(found[::2], found[1::2], strict=True):
            assert isinstance(entered, Entered)
            assert isinstance(left, Left)
            assert entered.label == left.label
            assert entered.time_s <= left.time_s

    def test_reset_leaves_and_keeps_the_counters(self):
        opened, _ = stream(lambda _: logits_for(1, 0.9), window_s=1.0)
        push_all(opened, frames(31))
        assert opened.reset() == [Left("pan left", pytest.approx(1.0), pytest.approx(0.9))]
        assert opened.reset() == []
        assert opened.counters.inferences == 1
        assert len(results(push_all(opened, frames(31)))) == 1


class TestPause:
    def test_it_leaves_the_active_label_and_ignores_frames_until_resumed(self):
        opened, engine = stream(lambda _: logits_for(1, 0.9), window_s=1.0)
        push_all(opened, frames(31))
        assert opened.pause() == [Left("pan left", pytest.approx(1.0), pytest.approx(0.9))]
        assert push_all(opened, frames(60, start=2.0)) == []
        assert opened.counters == StreamCounters(received=91, dropped_paused=60, inferences=1)
        opened.resume()
        updates = push_all(opened, frames(31, start=5.0))
        assert [type(update) for update in updates] == [Result, Entered]
        assert updates[0].time_s == pytest.approx(6.0)
        assert engine.runs == 2

    def test_twice_is_as_good_as_once(self):
        opened, _ = stream(lambda _: logits_for(1, 0.9), window_s=1.0)
        opened.resume()
        push_all(opened, frames(31))
        assert len(opened.pause()) == 1
        assert opened.pause() == []
        assert opened.push(frame(2.0)) == []
        opened.resume()
        push_all(opened, frames(15, start=3.0))
        opened.resume()
        assert len(results(push_all(opened, frames(16, start=3.5)))) == 1, "resuming twice forgot nothing"
        assert opened.counters.dropped_paused == 1

    def test_the_clock_may_restart_meanwhile(self):
        opened, _ = stream(window_s=1.0)
        push_all(opened, frames(31, start=100.0))
        opened.pause()
        opened.resume()
        assert len(results(push_all(opened, frames(31)))) == 1
        assert opened.counters.restarts == 0

    def test_a_reset_does_not_resume(self):
        opened, _ = stream()
        opened.pause()
        assert opened.reset() == []
        opened.push(frame(0.0))
        assert opened.counters.dropped_paused == 1

    def test_a_paused_stream_that_is_closed_says_so(self):
        opened, _ = stream()
        opened.pause()
        opened.close()
        with pytest.raises(ClosedError, match="this stream is closed"):
            opened.push(frame(0.0))


class TestFailures:
    def test_nan_is_an_error_and_the_stream_goes_on(self):
        answers = [np.full(5, np.nan, np.float32), np.zeros(5, np.float32)]
        opened, _ = stream(lambda _: answers.pop(0), window_s=1.0, stride_s=0.5)
        given = iter(frames(50))
        with pytest.raises(EngineError, match="NaN or infinite"):
            push_all(opened, given)
        assert [result.time_s for result in results(push_all(opened, given))] == pytest.approx([1.5])
        assert opened.counters.inferences == 1

    def test_a_closed_stream_says_so(self):
        opened, engine = stream()
        with opened:
            opened.push(frame(0.0))
        opened.close()
        assert engine.closes == 0, "the caller's recognizer stays open"
        with pytest.raises(ClosedError, match="this stream is closed"):
            opened.push(frame(1.0))

    def test_a_closed_recognizer_says_so(self):
        opened, _ = stream(window_s=1.0)
        push_all(opened, frames(30))
        opened.recognizer.close()
        with pytest.raises(ClosedError, match="this recognizer is closed"):
            opened.push(frame(1.0))

    def test_close_waits_for_a_push_in_another_thread(self):
        started, go_on = threading.Event(), threading.Event()

        def slow(_: np.ndarray) -> np.ndarray:
            started.set()
            assert go_on.wait(10)
            return np.zeros(5, np.float32)

        opened, _ = stream(slow, window_s=1.0)
        updates: list = []
        pushing = threading.Thread(target=lambda: updates.extend(push_all(opened, frames(31))))
        pushing.start()
        assert started.wait(10)
        closing = threading.Thread(target=opened.close)
        closing.start()
        closing.join(0.1)
        assert closing.is_alive()
        go_on.set()
        closing.join(10)
        pushing.join(10)
        assert len(results(updates)) == 1


def test_close_from_inside_a_push():
    def closing(_: np.ndarray) -> np.ndarray:
        opened.close()
        return np.zeros(5, np.float32)

    opened, _ = stream(closing, window_s=1.0)
    assert len(results(push_all(opened, frames(31)))) == 1
    with pytest.raises(ClosedError):
        opened.push(frame(2.0))


@pytest.mark.parametrize("engine", ["litert", "executorch"])
def test_a_real_video_through_a_real_engine_twice(tiny_bundle, clip_file, engine):
    options = StreamingOptions(window_s=1.0, stride_s=0.5)
    runs = []
    for _ in range(2):
        with StreamingActionRecognizer.open(tiny_bundle, engine, threads=1, options=options) as opened:
            updates = list(opened.process(iter_frames(clip_file, opened.recognizer.spec)))
            counters = opened.counters
        assert opened.recognizer.closed
        runs.append((updates, counters))
    assert runs[0] == runs[1]
    assert counters.inferences == len(results(updates)) >= 3
