"""The situations of a live stream: what is pushed, when, and what the model says."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dvfl.streaming import StreamingOptions

LABELS = ("walk", "run", "sit", "stand")
MICROSECOND = 1e-6
Steps = list[dict[str, Any]]
Logits = Sequence[Sequence[float]]


@dataclass(frozen=True)
class StreamCase:
    """``logits`` has a row per inference, exactly; with ``exact_script`` off it may hold more."""

    name: str
    options: StreamingOptions
    frames: int
    labels: Sequence[str]
    logits: Logits
    steps: Steps
    exact_script: bool = True


def pushes(times: Iterable[float]) -> Steps:
    return [{"do": "push", "time_s": float(time)} for time in times]


def do(*what: str) -> Steps:
    return [{"do": each} for each in what]


def steady(count: int, fps: float, start: float = 0.0) -> list[float]:
    return [start + i / fps for i in range(count)]


def walking_logits(seed: int, count: int, labels: int = len(LABELS)) -> Logits:
    """A random walk in steps of 1/4, so that labels come and go; exact in float32."""
    dice = np.random.RandomState(seed)
    steps = dice.randint(-6, 7, (count, labels)) / 4
    walk = np.clip(np.cumsum(steps, axis=0), -4, 4)
    return [[float(value) for value in row] for row in walk]


def one_hot(label: int, height: float, labels: int = len(LABELS)) -> list[float]:
    return [height if index == label else 0.0 for index in range(labels)]


# A result at 0.5 s and each 0.25 s after it, without smoothing, so that each row of logits shows as it is.
QUICK = {"window_s": 0.5, "stride_s": 0.25, "smoothing_half_life_s": 0.0}


def quick(name: str, logits: Logits, labels: Sequence[str] = LABELS, **options: Any) -> StreamCase:
    """A case whose point is what becomes of the logits."""
    times = steady(7 + 3 * (len(logits) - 1), 12)
    return StreamCase(name, StreamingOptions(**(QUICK | options)), 4, labels, logits, pushes(times))


def stream_cases() -> list[StreamCase]:
    return [*timing_cases(), *score_cases(), *control_cases()]


def timing_cases() -> list[StreamCase]:
    """Which frames are kept, when the model runs, and what it sees."""
    dice = np.random.RandomState(11)
    jittered = [round(1 + (i + dice.uniform(-0.25, 0.25)) / 30, 6) for i in range(120)]
    variable = np.round(np.cumsum(dice.choice([0.02, 0.033, 0.1, 0.2], 70)), 6)
    late = [0.0, 0.1, 0.2, 0.2, 0.3, 0.25, 0.3 + 4e-7, 0.4, 0.1, 0.5, 0.5, 0.6, 0.15, 0.7, 0.8, 0.9]
    # Exactly max_late_s late, and one tick more.
    late += [1.0, 0.5, 1.1, 0.6 - MICROSECOND, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2]
    # Gaps of exactly a window, of a tick more, and of a minute.
    gaps = [*steady(8, 8), 1.875, 2.0, 2.125, 3.125 + MICROSECOND, *steady(12, 8, 3.25), *steady(10, 8, 60.0)]
    missed = [*steady(13, 12), 1.9, *steady(4, 12, 2.0), 2.95, 3.0, 3.2, 3.7, 4.4]
    return [
        StreamCase(
            "steady_30_fps", StreamingOptions(), 8, LABELS, walking_logits(1, 7), pushes(steady(151, 30))
        ),
        StreamCase(
            "jittered_30_fps", StreamingOptions(), 8, LABELS, walking_logits(2, 20), pushes(jittered), False
        ),
        StreamCase(
            "variable_rate",
            StreamingOptions(max_fps=1000.0, stride_s=0.4),
            8,
            LABELS,
            walking_logits(3, 20),
            pushes(variable),
            False,
        ),
        StreamCase(
            "camera_of_60_fps_thinned_to_30",
            StreamingOptions(window_s=1.0),
            8,
            LABELS,
            walking_logits(4, 3),
            pushes(steady(121, 60)),
        ),
        # 1e6 / 128 = 7812.5 ticks per frame become 7813; the slack is 3906.
        StreamCase(
            "frame_interval_rounds_half_up",
            StreamingOptions(window_s=0.02, stride_s=0.01, max_fps=128.0),
            4,
            LABELS,
            walking_logits(5, 1),
            pushes([0.0, 0.000001, 0.007813, 0.007814, 0.015627, 0.02344]),
        ),
        StreamCase(
            "late_and_repeated_time_stamps",
            StreamingOptions(window_s=0.5, stride_s=0.2, max_late_s=0.5),
            4,
            LABELS,
            walking_logits(6, 9),
            pushes(late),
            False,
        ),
        StreamCase(
            "clock_restarts_while_a_label_is_active",
            StreamingOptions(window_s=1.0),
            8,
            LABELS,
            [one_hot(2, 4.0), one_hot(2, 3.0), one_hot(1, 4.0), one_hot(1, 4.0)],
            pushes([*steady(24, 15, 100.0), *steady(24, 15)]),
        ),
        StreamCase(
            "gaps_longer_than_the_window",
            StreamingOptions(window_s=1.0, stride_s=0.25),
            4,
            LABELS,
            walking_logits(7, 20),
            pushes(gaps),
            False,
        ),
        StreamCase(
            "missed_strides",
            StreamingOptions(window_s=1.0, stride_s=0.25),
            4,
            LABELS,
            walking_logits(8, 20),
            pushes(missed),
            False,
        ),
        StreamCase(
            "large_time_stamps",
            StreamingOptions(window_s=1.0),
            8,
            LABELS,
            walking_logits(9, 20),
            pushes(steady(75, 30, 1e6 + 0.123456)),
            False,
        ),
    ]


def score_cases() -> list[StreamCase]:
    """What becomes of the logits."""
    uneven = [*steady(6, 12), 0.5, 0.55, 0.75, 0.8, 0.98, 1.2, 1.25, 1.3, 1.6, 2.05, 2.1, 2.2, 2.4, 2.5]
    # softmax of (x, 0, 0, 0): 0.5965, 0.6018, 0.4018, 0.3955
    above, below = 1.5, 1.484375
    near_enter = [one_hot(0, below + 0.001953125), one_hot(0, above + 0.01171875)]
    near_leave = [one_hot(0, 0.703125), one_hot(0, 0.671875)]
    return [
        quick("smoothing_off", walking_logits(10, 8)),
        StreamCase(
            "smoothing_over_uneven_intervals",
            StreamingOptions(window_s=0.5, stride_s=0.05, smoothing_half_life_s=0.3),
            4,
            LABELS,
            walking_logits(11, 20),
            pushes(uneven),
            False,
        ),
        quick(
            "hysteresis",
            [*near_enter, *near_leave, near_enter[0], near_enter[1], near_leave[0], near_enter[0]],
        ),
        # Two equal logits score exactly 0.5: enough to enter; the first of them does.
        quick(
            "scores_equal_to_the_thresholds",
            [(0, 0), (0, 1), (0, 0), (0.5, 0), (2, 0), (0, 0), (-0.25, 0)],
            ("yes", "no"),
            enter_threshold=0.5,
            leave_threshold=0.25,
        ),
        quick(
            "a_score_equal_to_the_leave_threshold",
            [(3, 0), (0, 0), (-0.25, 0), (0, 0), (0, 3), (0, 0)],
            ("yes", "no"),
            enter_threshold=0.75,
            leave_threshold=0.5,
        ),
        quick(
            "min_hold",
            [one_hot(k, 4.0) for k in (0, 1, 1, 1, 1)] + [one_hot(1, 0.25)] * 3 + [one_hot(3, 4.0)] * 2,
            min_hold_s=0.75,
        ),
        quick(
            "replacement",
            [(4, 0, 0, 0), (0, 4, 0, 0), (0, 0.5, 0.75, 0), (2, 2.25, 0, 0), (0, 4, 0, 0), (0, 0, 0, 5)],
            enter_threshold=0.5,
            leave_threshold=0.1,
        ),
        # Equal scores rank by index, and -800 scores exactly 0 as -900 does.
        quick(
            "ties",
            [(1, 1, 1, 1), (0, 2, 2, 0), (0, -900, -800, 0), (-800, 0, -900, -900), (3, 0, 3, 0)],
            enter_threshold=0.45,
            top=4,
        ),
        quick("top_null", walking_logits(12, 3, 5), ("a", "b", "c", "d", "e"), top=None),
        quick("top_1", walking_logits(13, 3), top=1),
    ]


def control_cases() -> list[StreamCase]:
    """Reset, pause and resume."""
    options = StreamingOptions(window_s=0.5, stride_s=0.25, smoothing_half_life_s=0.2)
    return [
        StreamCase(
            "reset_in_the_middle",
            options,
            4,
            LABELS,
            [one_hot(0, 4.0), one_hot(0, 4.0), one_hot(1, 4.0), one_hot(1, 0.0), one_hot(3, 4.0)],
            [
                *do("reset"),
                *pushes(steady(10, 12)),
                *do("reset", "reset"),
                *pushes(steady(11, 12, 10 / 12)),
                *do("reset"),
                # The clock may start again after a reset: nothing newer is held.
                *pushes(steady(7, 12)),
                *do("reset"),
            ],
        ),
        StreamCase(
            "pause_and_resume",
            options,
            4,
            LABELS,
            [one_hot(0, 4.0), one_hot(2, 4.0), one_hot(2, 3.0)],
            [
                *do("resume"),
                *pushes(steady(8, 12)),
                *do("pause"),
                *pushes(steady(9, 12, 8 / 12)),
                *do("pause", "reset"),
                *pushes([2.0, 0.5]),
                *do("resume", "resume"),
                *pushes(steady(10, 12, 3.0)),
                *do("pause", "resume"),
                *pushes(steady(4, 12, 4.0)),
            ],
        ),
    ]
