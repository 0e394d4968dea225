"""Which frames form a clip: by position in a whole video, or by time stamp in a live window."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from dvfl.spec import PreprocessingSpec


def clip_frame_indices(frame_count: int, spec: PreprocessingSpec) -> tuple[int, ...]:
    """Positions, in presentation order, of the frames that stand for a whole clip.

    With N frames, T = ``temporal.frames``: ``a = (N - excluded_frames) / T``, ``index_i = int(i*a + a/2)``
    modulo N, in double precision; N < ``minimum_frames`` gives T zeros. For T = 8 this is the sampling
    the students were tested with; ``minimum_frames`` and ``excluded_frames`` do not depend on T.

    Returns:
        T positions, never decreasing, each in [0, N).

    Raises:
        ValueError: ``frame_count`` is less than 1.
    """
    if frame_count < 1:
        raise ValueError(f"a clip needs at least one frame, not {frame_count}")
    rule = spec.temporal
    if frame_count < rule.minimum_frames:
        return (0,) * rule.frames
    step = (frame_count - rule.excluded_frames) / rule.frames
    return tuple(int(i * step + step / 2) % frame_count for i in range(rule.frames))


def window_frame_indices(
    timestamps: Sequence[float], window_end_s: float, window_s: float, spec: PreprocessingSpec
) -> tuple[int, ...]:
    """Positions in ``timestamps`` of the frames that stand for a live window of seconds.

    All times become integer ticks, ``floor(t * ticks_per_second + 0.5)``, so that every language decides
    alike. The N frames with ``end - window < t <= end`` lie in the window. The clip rule on N gives nominal
    positions k_i; position k means the time ``end - (N - 1 - k) * window / N`` on an even grid; the frame of
    the window nearest to it is taken, and the earlier one on a tie. At a constant frame rate this is exactly
    the clip rule; at a variable one the frames stay evenly spread in time.

    Args:
        timestamps: presentation times in seconds, never decreasing.
        window_end_s: the end of the window in seconds, itself inside the window.
        window_s: the length of the window in seconds.

    Returns:
        T positions, never decreasing.

    Raises:
        ValueError: times decrease or are not finite, the window has no length, or no frame lies in it.
    """
    per_second = spec.window.ticks_per_second
    ticks = [_ticks(time, per_second) for time in timestamps]
    end, length = _ticks(window_end_s, per_second), _ticks(window_s, per_second)
    if length < 1:
        raise ValueError(f"the window must have a positive length, not {window_s} s")
    if any(later < earlier for earlier, later in pairwise(ticks)):
        raise ValueError("time stamps must never decrease")
    inside = [index for index, tick in enumerate(ticks) if end - length < tick <= end]
    if not inside:
        raise ValueError(f"no frame lies in the {window_s} s that end at {window_end_s} s")
    count = len(inside)

    def distance(index: int, nominal: int) -> int:
        return abs(count * (ticks[index] - end) + (count - 1 - nominal) * length)

    nominals = clip_frame_indices(count, spec)
    return tuple(min(inside, key=lambda index: distance(index, nominal)) for nominal in nominals)


def _ticks(time_s: float, per_second: int) -> int:
    if not math.isfinite(time_s):
        raise ValueError(f"times must be finite, not {time_s}")
    return math.floor(time_s * per_second + 0.5)
