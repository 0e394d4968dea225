"""Which frames of a video form a clip: drawn at random for training, or by fixed, shifted rules.

All rules share the grid of :func:`dvfl.sampling.clip_frame_indices`: the video without its last three frames,
in T equal segments.
"""

from __future__ import annotations

import numpy as np

from dvfl.spec import TemporalSpec


def random_indices(count: int, rule: TemporalSpec, rng: np.random.Generator) -> tuple[int, ...]:
    """One frame drawn from each of T segments of a whole video (TSN, arXiv 1608.00859, as released).

    With N frames and whole ``a = (N - excluded_frames) // T``: ``index_i = i*a + randint(a)``. A video too
    short for that (a = 0) is cut at ``step = (N - excluded_frames) / T``: ``index_i = int((i + u) * step)``
    with u uniform in [0, 1). N < ``minimum_frames`` gives T zeros, as everywhere.

    Returns:
        T positions in presentation order, never decreasing, each in [0, N).
    """
    if count < rule.minimum_frames:
        return (0,) * rule.frames
    whole = (count - rule.excluded_frames) // rule.frames
    if whole:
        drawn = rng.integers(whole, size=rule.frames)
        return tuple(int(i * whole + offset) for i, offset in enumerate(drawn))
    step = (count - rule.excluded_frames) / rule.frames
    return tuple(int((i + u) * step) for i, u in enumerate(rng.random(rule.frames)))


def view_indices(count: int, rule: TemporalSpec, views: int) -> tuple[tuple[int, ...], ...]:
    """The frames of ``views`` clips that look at one video at evenly shifted moments.

    With ``a = (N - excluded_frames) / T``, view v of V takes ``int(i*a + a*(v + 0.5)/V)`` modulo N. The
    moments of all views together cut each segment into V equal parts and take the middle of each; V = 1 is
    the phone's rule. N < ``minimum_frames`` gives zeros.

    Returns:
        V tuples of T positions in presentation order.
    """
    if count < rule.minimum_frames:
        return ((0,) * rule.frames,) * views
    step = (count - rule.excluded_frames) / rule.frames
    return tuple(
        tuple(int(i * step + step * (view + 0.5) / views) % count for i in range(rule.frames))
        for view in range(views)
    )
