"""Recognizing whole clips, and closing at any time."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from fakes import recognizer

import dvfl
import tiny_bundle as tiny
from dvfl import ActionRecognizer, Clip, ClosedError, EngineError, FrameError, RgbFrame, VideoError
from dvfl.sampling import clip_frame_indices
from dvfl.video import load_clip

CLIP = Clip(tiny.random_clip(), tuple(float(i) for i in range(tiny.FRAMES)))


def constant(_: np.ndarray) -> np.ndarray:
    return np.array([0, 1, 2, 3, 4], np.float32)


@pytest.mark.parametrize("engine", ["litert", "executorch", "torch"])
def test_recognizes_a_real_video(tiny_bundle, clip_file, engine):
    with ActionRecognizer.open(tiny_bundle, engine) as opened:
        predictions = opened.recognize(clip_file, top=None)
        logits = opened.logits(load_clip(clip_file, opened.spec))
    assert (opened.engine, opened.precision, opened.labels) == (engine, "fp32", tiny.LABELS)
    assert sorted(found.index for found in predictions) == list(range(5))
    assert [found.logit for found in predictions] == sorted(logits.tolist(), reverse=True)
    assert sum(found.score for found in predictions) == pytest.approx(1)
    assert all(found.label == tiny.LABELS[found.index] for found in predictions)


def test_engines_agree_on_a_real_video(tiny_bundle, clip_file):
    logits = []
    for engine in ("torch", "litert", "executorch"):
        with ActionRecognizer.open(tiny_bundle, engine) as opened:
            logits.append(opened.logits(str(clip_file)))
    for other in logits[1:]:
        assert np.abs(other - logits[0]).max() <= 1e-4 * np.ptp(logits[0])


def test_default_engine_and_an_opened_bundle(tiny_bundle):
    with ActionRecognizer.open(dvfl.Bundle.open(tiny_bundle), threads=1) as opened:
        opened.warm_up()
        assert opened.engine == "litert"
        assert len(opened.recognize(CLIP)) == 5
        assert len(opened.recognize(CLIP, top=2)) == 2


def test_frames_are_sampled_like_a_file():
    seen = []
    opened, _ = recognizer(lambda clip: seen.append(clip.copy()) or np.zeros(5, np.float32))
    frames = [RgbFrame(np.full((80, 100, 3), i, np.uint8), i / 30) for i in range(40)]
    opened.recognize(frames)
    assert tuple(seen[0][:, 0, 0, 0]) == clip_frame_indices(40, tiny.SPEC)


def test_a_clip_of_another_size(tiny_bundle):
    with ActionRecognizer.open(tiny_bundle) as opened, pytest.raises(EngineError, match="does not fit"):
        opened.recognize(Clip(np.zeros((8, 32, 32, 3), np.uint8), (0.0,) * 8))


def test_no_frames():
    opened, _ = recognizer(constant)
    with pytest.raises(FrameError, match="at least one frame"):
        opened.recognize([])


@pytest.mark.parametrize("last", [0.2, 0.1])
def test_frames_that_are_not_newer_than_the_one_before_are_refused(last):
    opened, engine = recognizer(constant)
    frames = [RgbFrame(np.zeros((4, 4, 3), np.uint8), time_s) for time_s in (0.0, 0.1, 0.2, last)]
    with pytest.raises(FrameError) as refused:
        opened.recognize(frames)
    assert str(refused.value) == (
        f"frame 3 ({last} s) is not newer than frame 2 (0.2 s); "
        "give every frame of the clip, in order, with its presentation time"
    )
    assert engine.runs == 0


def test_missing_video(tiny_bundle, tmp_path):
    with ActionRecognizer.open(tiny_bundle) as opened, pytest.raises(VideoError, match="no such file"):
        opened.recognize(tmp_path / "none.mp4")


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_nan_logits_are_refused_and_the_recognizer_lives_on(value):
    answers = [np.full(5, value, np.float32), constant(CLIP.pixels)]
    opened, _ = recognizer(lambda _: answers.pop(0))
    with pytest.raises(EngineError, match="NaN or infinite"):
        opened.recognize(CLIP)
    assert opened.recognize(CLIP)[0].index == 4


def test_a_closed_one_says_so(tmp_path):
    opened, engine = recognizer(constant)
    opened.close()
    opened.close()
    assert opened.closed
    assert engine.closes == 1
    for use in (
        lambda: opened.recognize(CLIP),
        # Before the file is looked at.
        lambda: opened.recognize(tmp_path / "none.mp4"),
        opened.warm_up,
        opened.__enter__,
    ):
        with pytest.raises(ClosedError, match="this recognizer is closed"):
            use()


def test_leaving_the_context_closes_after_an_error():
    opened, engine = recognizer(constant)
    with pytest.raises(KeyError), opened:
        raise KeyError
    assert engine.closes == 1


def test_close_waits_for_a_running_inference():
    started, go_on = threading.Event(), threading.Event()

    def slow(clip: np.ndarray) -> np.ndarray:
        started.set()
        assert go_on.wait(10)
        return constant(clip)

    opened, engine = recognizer(slow)
    results = []
    recognizing = threading.Thread(target=lambda: results.append(opened.recognize(CLIP)))
    recognizing.start()
    assert started.wait(10)
    closing = threading.Thread(target=opened.close)
    closing.start()
    closing.join(0.1)
    assert closing.is_alive()
    assert engine.closes == 0
    go_on.set()
    closing.join(10)
    recognizing.join(10)
    assert engine.closes == 1
    assert results[0][0].index == 4


def test_close_from_inside_a_running_inference_frees_the_engine_after_it():
    def closing(clip: np.ndarray) -> np.ndarray:
        opened.close()
        return constant(clip)

    opened, engine = recognizer(closing)
    assert opened.recognize(CLIP)[0].index == 4
    assert engine.closes == 1
    with pytest.raises(ClosedError):
        opened.recognize(CLIP)


@pytest.mark.skipif(not hasattr(signal, "SIGALRM"), reason="needs POSIX timers")
def test_close_from_a_signal_handler_of_the_recognizing_thread():
    def slow(clip: np.ndarray) -> np.ndarray:
        time.sleep(0.1)
        return constant(clip)

    opened, engine = recognizer(slow)
    before = signal.signal(signal.SIGALRM, lambda *_: opened.close())
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.03)
        opened.recognize(CLIP)
    finally:
        signal.signal(signal.SIGALRM, before)
    assert engine.closes == 1


@pytest.mark.parametrize("engine", ["litert", "executorch"])
def test_many_threads_recognize_and_close_on_a_real_runtime(tiny_bundle, engine):
    dice = random.Random(0)
    unexpected = []
    for _ in range(10):
        opened = ActionRecognizer.open(tiny_bundle, engine)
        expected = opened.recognize(CLIP, top=None)

        def work(opened: ActionRecognizer, expected: list[dvfl.Prediction], closes: bool) -> None:
            try:
                for _ in range(4):
                    assert opened.recognize(CLIP, top=None) == expected
                if closes:
                    opened.close()
            except ClosedError:
                pass
            except BaseException as error:
                unexpected.append(error)

        workers = [
            threading.Thread(target=work, args=(opened, expected, dice.random() < 0.5)) for _ in range(4)
        ]
        for worker in workers:
            worker.start()
        time.sleep(dice.uniform(0, 0.02))
        opened.close()
        for worker in workers:
            worker.join(60)
            assert not worker.is_alive()
    assert unexpected == []


def test_importing_the_package_is_light():
    code = (
        "import sys, dvfl; dvfl.ActionRecognizer, dvfl.StreamingActionRecognizer, dvfl.Bundle\n"
        "dvfl.__version__\n"
        "heavy = {'torch', 'av', 'ai_edge_litert', 'executorch', 'coremltools', 'cv2'} & set(sys.modules)\n"
        "print(sorted(heavy))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_export_exists():
    for name in dvfl.__all__:
        assert getattr(dvfl, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        dvfl.nothing  # noqa: B018
