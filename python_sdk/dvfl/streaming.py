"""Frames with time stamps in, smoothed results and enter/leave events out.

Everything is decided by the frames' own time stamps, in the integer ticks of the preprocessing spec, and
never by the clock of the machine: the same frames give the same results, on every machine.
"""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from types import TracebackType

from dvfl.bundle import Bundle
from dvfl.errors import ClosedError
from dvfl.frame import Frame, RgbFrame
from dvfl.predictions import Prediction, rank, softmax
from dvfl.preprocess import preprocess_frame
from dvfl.recognizer import ActionRecognizer
from dvfl.stream_state import Activity, Change, FrameWindow, RateLimit, ScoreSmoother


@dataclass(frozen=True)
class StreamingOptions:
    """How a stream is cut into windows and how results become events. Validated when it is built.

    Attributes:
        window_s: seconds of video that one inference sees. The first result comes after this long.
        stride_s: seconds between inferences.
        smoothing_half_life_s: the weight of an earlier result's scores halves in this many seconds;
            0 turns smoothing off.
        enter_threshold: a label is entered when its smoothed score is the highest and at least this.
        leave_threshold: a label is left when its smoothed score falls below this; less than
            ``enter_threshold``, so that a score near one threshold does not flicker.
        min_hold_s: a label that was entered is not left sooner than this.
        max_late_s: a frame that is not newer than the newest is late and dropped; one that is older than
            it by more than this means that the camera's clock restarted, and so does the stream.
        max_fps: frames beyond this rate are dropped before any work is done on them; bounds memory to about
            ``window_s * max_fps`` preprocessed frames.
        top: predictions in a result; ``None`` for every class.

    Raises:
        ValueError: an option is out of its range; the message names it.
    """

    window_s: float = 2.0
    stride_s: float = 0.5
    smoothing_half_life_s: float = 0.5
    enter_threshold: float = 0.6
    leave_threshold: float = 0.4
    min_hold_s: float = 0.0
    max_late_s: float = 1.0
    max_fps: float = 30.0
    top: int | None = 5

    def __post_init__(self) -> None:
        for name in ("window_s", "stride_s", "max_fps"):
            _require(name, getattr(self, name), "more than 0", getattr(self, name) > 0)
        for name in ("smoothing_half_life_s", "min_hold_s", "max_late_s"):
            _require(name, getattr(self, name), "0 or more", getattr(self, name) >= 0)
        enter, leave = self.enter_threshold, self.leave_threshold
        _require("enter_threshold", enter, "more than 0 and at most 1", 0 < enter <= 1)
        _require(
            "leave_threshold", leave, f"0 or more and less than enter_threshold {enter}", 0 <= leave < enter
        )
        _require("top", self.top or 1, "at least 1", self.top is None or self.top >= 1)


def _require(name: str, value: float, wanted: str, holds: bool) -> None:
    if not (holds and math.isfinite(value)):
        raise ValueError(f"{name} must be {wanted}, not {value}")


@dataclass(frozen=True)
class Result:
    """One inference.

    Attributes:
        time_s: presentation time of the newest frame it saw.
        predictions: best smoothed score first; ``logit`` is this window's own.
        active: the label that is entered after this result, or ``None``.
    """

    time_s: float
    predictions: tuple[Prediction, ...]
    active: str | None


@dataclass(frozen=True)
class Entered:
    """A label became active at ``time_s`` with a smoothed ``score``."""

    label: str
    time_s: float
    score: float


@dataclass(frozen=True)
class Left:
    """The active label ended at ``time_s`` with a smoothed ``score``. Every Entered is followed by its Left
    before the next Entered."""

    label: str
    time_s: float
    score: float


Event = Entered | Left
Update = Result | Event


@dataclass(frozen=True)
class StreamCounters:
    """What happened to the frames so far.

    Attributes:
        received: frames pushed.
        dropped_late: of these, dropped because a frame at least as new had come before.
        dropped_rate: of these, dropped because they came faster than ``max_fps``.
        dropped_paused: of these, dropped because the stream was paused.
        inferences: how often the model ran.
        restarts: how often the clock jumped back by more than ``max_late_s``.
    """

    received: int = 0
    dropped_late: int = 0
    dropped_rate: int = 0
    dropped_paused: int = 0
    inferences: int = 0
    restarts: int = 0


class StreamingActionRecognizer:
    """Recognises actions in a live stream::

        with StreamingActionRecognizer.open("bundle") as stream:
            for frame in camera:
                for update in stream.push(frame):
                    print(update)

    ``push`` runs the model in the caller's thread when an inference is due, and returns what came of it.
    At a due time that passed without a frame nothing runs: an inference never looks at a window twice. After
    a gap longer than a window the window fills anew. Methods may be called from any thread.
    """

    def __init__(self, recognizer: ActionRecognizer, options: StreamingOptions | None = None) -> None:
        """Streams through a recognizer that the caller keeps and closes."""
        self.recognizer = recognizer
        self.options = options or StreamingOptions()
        self._owns_recognizer = False
        self._lock = threading.RLock()
        self._counters = StreamCounters()
        self._closed = False
        self._paused = False
        self._last_time_s = 0.0
        self._start()

    @classmethod
    def open(
        cls,
        bundle: str | os.PathLike[str] | Bundle,
        engine: str | None = None,
        precision: str | None = None,
        threads: int | None = None,
        options: StreamingOptions | None = None,
    ) -> StreamingActionRecognizer:
        """Opens a recognizer of its own; arguments and errors as :meth:`ActionRecognizer.open`."""
        stream = cls(ActionRecognizer.open(bundle, engine, precision, threads), options)
        stream._owns_recognizer = True
        return stream

    @property
    def counters(self) -> StreamCounters:
        """A snapshot of the counts since the stream was made."""
        return self._counters

    def push(self, frame: Frame | RgbFrame) -> list[Update]:
        """Takes the next frame; returns nothing, or a result followed by its events.

        The frame's pixels are not kept: it may be reused after the call.

        Raises:
            ClosedError: the stream or its recognizer was closed.
            EngineError: the model returned NaN; the stream goes on with the next stride.
        """
        with self._lock:
            self._check_open()
            self._count(received=1)
            if self._paused:
                self._count(dropped_paused=1)
                return []
            tick = self._ticks(frame.time_s)
            updates: list[Update] = []
            if self._window.is_late(tick):
                if not self._window.restarted(tick, self._ticks(self.options.max_late_s)):
                    self._count(dropped_late=1)
                    return []
                self._count(restarts=1)
                updates += self.reset()
            if not self._rate.admits(tick):
                self._count(dropped_rate=1)
                return updates
            self._window.add(tick, frame.time_s, preprocess_frame(frame, self.recognizer.spec))
            if self._window.take_due():
                updates += self._infer()
            return updates

    def process(self, frames: Iterable[Frame | RgbFrame]) -> Iterator[Update]:
        """Pushes every frame and yields every update, ending with :meth:`reset`."""
        for frame in frames:
            yield from self.push(frame)
        yield from self.reset()

    def reset(self) -> list[Update]:
        """Forgets the window and the scores, as after a change of camera; counters stay.

        Returns:
            The ``Left`` of the active label, if there is one.
        """
        with self._lock:
            left = self._activity.end()
            self._start()
            return self._events([left]) if left else []

    def pause(self) -> list[Update]:
        """Resets, then ignores frames until :meth:`resume`; does nothing when paused already.

        Returns:
            As :meth:`reset`.
        """
        with self._lock:
            self._paused = True
            return self.reset()

    def resume(self) -> None:
        """Takes frames again after :meth:`pause`; the window fills anew. Does nothing when not paused."""
        with self._lock:
            self._paused = False

    def close(self) -> None:
        """Ends the stream; waits for a ``push`` in another thread; may be called twice, from any thread.

        A recognizer that :meth:`open` made is closed too.
        """
        with self._lock:
            self._closed = True
            self._start()
        if self._owns_recognizer:
            self.recognizer.close()

    def __enter__(self) -> StreamingActionRecognizer:
        self._check_open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _start(self) -> None:
        options, per_second = self.options, self.recognizer.spec.window.ticks_per_second
        window = self._ticks(options.window_s)
        _require("window_s", options.window_s, f"at least one tick of 1/{per_second} s", window >= 1)
        self._window = FrameWindow(window, self._ticks(options.stride_s))
        self._rate = RateLimit(max(1, math.floor(per_second / options.max_fps + 0.5)))
        self._smoother = ScoreSmoother(options.smoothing_half_life_s, per_second)
        self._activity = Activity(
            options.enter_threshold, options.leave_threshold, self._ticks(options.min_hold_s)
        )

    def _infer(self) -> list[Update]:
        clip = self._window.clip(self.options.window_s, self.recognizer.spec)
        tick, time_s = self._window.newest_tick, self._window.newest_time_s
        logits = self.recognizer.logits(clip)
        self._count(inferences=1)
        self._last_time_s = time_s
        scores = self._smoother.update(tick, softmax(logits))
        changes = self._activity.update(tick, scores)
        labels = self.recognizer.labels
        active = None if self._activity.index is None else labels[self._activity.index]
        ranked = rank(logits, labels, self.options.top, scores)
        return [Result(time_s, tuple(ranked), active), *self._events(changes)]

    def _events(self, changes: list[Change]) -> list[Update]:
        labels, time_s = self.recognizer.labels, self._last_time_s
        return [
            (Entered if change.entered else Left)(labels[change.index], time_s, change.score)
            for change in changes
        ]

    def _ticks(self, time_s: float) -> int:
        return math.floor(time_s * self.recognizer.spec.window.ticks_per_second + 0.5)

    def _count(self, **more: int) -> None:
        now = {name: getattr(self._counters, name) + number for name, number in more.items()}
        self._counters = replace(self._counters, **now)

    def _check_open(self) -> None:
        if self._closed:
            raise ClosedError("this stream is closed; open another with StreamingActionRecognizer.open")
