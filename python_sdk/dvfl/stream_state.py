"""The parts of a stream, each a small state machine in integer ticks that knows nothing of the others."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from dvfl.frame import Clip, Pixels
from dvfl.predictions import Scores
from dvfl.sampling import window_frame_indices
from dvfl.spec import PreprocessingSpec


class FrameWindow:
    """The preprocessed frames of the last window, and when the next inference is due.

    Inferences are due on an even grid that starts one window after the first frame.
    """

    def __init__(self, window: int, stride: int) -> None:
        self._window = window
        self._stride = max(1, stride)
        self._frames: deque[tuple[int, float, Pixels]] = deque()
        self._due = 0

    def __len__(self) -> int:
        return len(self._frames)

    @property
    def newest_tick(self) -> int:
        """Ticks of the newest frame."""
        return self._frames[-1][0]

    @property
    def newest_time_s(self) -> float:
        """Presentation time of the newest frame, seconds."""
        return self._frames[-1][1]

    def is_late(self, tick: int) -> bool:
        """Whether a frame at least as new is held."""
        return bool(self._frames) and tick <= self.newest_tick

    def restarted(self, tick: int, tolerance: int) -> bool:
        """Whether a late frame is so late that the clock must have restarted."""
        return self.newest_tick - tick > tolerance

    def add(self, tick: int, time_s: float, pixels: Pixels) -> None:
        """Keeps a frame newer than all others and drops those that no later window can need."""
        if not self._frames or tick - self.newest_tick > self._window:
            self._due = tick + self._window
        self._frames.append((tick, time_s, np.ascontiguousarray(pixels)))
        while self._frames[0][0] <= tick - self._window:
            self._frames.popleft()

    def take_due(self) -> bool:
        """Whether an inference is due at the newest frame; if so, moves on to the next time of the grid."""
        late = self.newest_tick - self._due
        if late < 0:
            return False
        self._due += (late // self._stride + 1) * self._stride
        return True

    def clip(self, window_s: float, spec: PreprocessingSpec) -> Clip:
        """The spec's sample of the window that ends at the newest frame."""
        times = [time_s for _, time_s, _ in self._frames]
        indices = window_frame_indices(times, times[-1], window_s, spec)
        chosen = [self._frames[index] for index in indices]
        return Clip(np.stack([pixels for _, _, pixels in chosen]), tuple(time_s for _, time_s, _ in chosen))


class RateLimit:
    """Admits at most one frame per interval on average.

    Half an interval of slack lets every frame of a camera of just that rate pass although its time
    stamps jitter.
    """

    def __init__(self, interval: int) -> None:
        self._interval = interval
        self._slack = interval // 2
        self._next: int | None = None

    def admits(self, tick: int) -> bool:
        """Whether to keep a frame; ticks never decrease."""
        earliest = tick - self._slack if self._next is None else self._next
        if tick + self._slack < earliest:
            return False
        self._next = max(earliest, tick - self._slack) + self._interval
        return True


class ScoreSmoother:
    """An exponential moving average of scores over time: an old result's weight halves per half-life."""

    def __init__(self, half_life_s: float, ticks_per_second: int) -> None:
        self._half_life = half_life_s * ticks_per_second
        self._tick = 0
        self._scores: Scores | None = None

    def update(self, tick: int, scores: Scores) -> Scores:
        """The smoothed scores ``[K]`` after new ones at ``tick``."""
        if self._scores is not None and self._half_life > 0:
            kept = 0.5 ** ((tick - self._tick) / self._half_life)
            scores = kept * self._scores + (1.0 - kept) * scores
        self._tick, self._scores = tick, scores
        return scores


@dataclass(frozen=True)
class Change:
    """A label was entered or left, with its smoothed score."""

    index: int
    entered: bool
    score: float


class Activity:
    """At most one active label, entered and left with hysteresis."""

    def __init__(self, enter: float, leave: float, min_hold: int) -> None:
        self._enter = enter
        self._leave = leave
        self._min_hold = min_hold
        self._since = 0
        self._score = 0.0
        self.index: int | None = None

    def update(self, tick: int, scores: Scores) -> list[Change]:
        """What changes at ``tick``: nothing, a leave, an enter, or a leave and then an enter."""
        best = int(np.argmax(scores))
        best_enters = scores[best] >= self._enter
        changes = []
        if self.index is not None:
            self._score = float(scores[self.index])
            replaced = best_enters and scores[best] > self._score
            if (self._score < self._leave or replaced) and tick - self._since >= self._min_hold:
                changes += [Change(self.index, False, self._score)]
                self.index = None
        if self.index is None and best_enters:
            self.index, self._since, self._score = best, tick, float(scores[best])
            changes.append(Change(best, True, self._score))
        return changes

    def end(self) -> Change | None:
        """Leaves the active label, if there is one."""
        if self.index is None:
            return None
        left = Change(self.index, False, self._score)
        self.index = None
        return left
