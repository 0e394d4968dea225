"""Geometry of the curves; the template draws it as SVG."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

WIDTH, HEIGHT = 540, 230
LEFT, RIGHT, TOP, BOTTOM = 58, 528, 12, 196
# More points than this cannot be told apart.
_MOST_POINTS = 240


@dataclass(frozen=True)
class Tick:
    """A position along an axis and its text."""

    at: float
    text: str


@dataclass(frozen=True)
class Line:
    """One curve: an SVG path, and its points with their words if they are marked."""

    name: str
    style: str
    path: str
    dots: tuple[tuple[float, float, str], ...] = ()


@dataclass(frozen=True)
class Chart:
    """Curves over the epochs with both axes."""

    title: str
    lines: tuple[Line, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]


@dataclass(frozen=True)
class Series:
    """What a curve shows.

    Attributes:
        name: for the legend.
        style: the CSS class.
        x, y: epochs and values, float64 ``[N]``.
        marked: draw every point, as measurements that are rare deserve.
    """

    name: str
    style: str
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    marked: bool = False


def chart(
    title: str, series: Sequence[Series], epochs: float, *, top: float | None = None, percent: bool = False
) -> Chart | None:
    """Curves from epoch 0 to ``epochs`` and from 0 to the highest value, or ``None`` without a point.

    Args:
        top: the highest value of the axis, if it is known.
        percent: the axis counts in percent.
    """
    shown = [one for one in series if len(one.x)]
    if not shown:
        return None
    thinned = {one.name: one if one.marked else thin(one) for one in shown}
    high = top or max(float(one.y.max()) for one in thinned.values()) * 1.05 or 1.0
    return Chart(
        title,
        tuple(_line(thinned[one.name], epochs, high, percent) for one in shown),
        tuple(_ticks(epochs, LEFT, RIGHT)),
        tuple(_ticks(high, BOTTOM, TOP, percent)),
    )


def thin(series: Series) -> Series:
    """Means of neighbours, so that at most 240 points are left."""
    parts = min(_MOST_POINTS, len(series.x))
    x = np.array([part.mean() for part in np.array_split(series.x, parts)])
    y = np.array([part.mean() for part in np.array_split(series.y, parts)])
    return Series(series.name, series.style, x, y, series.marked)


def _line(series: Series, epochs: float, high: float, percent: bool) -> Line:
    x = LEFT + series.x / epochs * (RIGHT - LEFT)
    y = BOTTOM - np.clip(series.y / high, 0, 1) * (BOTTOM - TOP)
    points = [f"{a:.1f} {b:.1f}" for a, b in zip(x, y, strict=True)]
    path = "M" + "L".join(points)
    if not series.marked:
        return Line(series.name, series.style, path)
    words = [
        f"epoch {epoch:g}: {_text(value, percent)}" for epoch, value in zip(series.x, series.y, strict=True)
    ]
    return Line(series.name, series.style, path, tuple(zip(x.tolist(), y.tolist(), words, strict=True)))


def _ticks(high: float, start: float, end: float, percent: bool = False) -> list[Tick]:
    step = _round_step(high / 5)
    values = [index * step for index in range(math.floor(high / step * (1 + 1e-9)) + 1)]
    return [Tick(start + value / high * (end - start), _text(value, percent)) for value in values]


def _round_step(step: float) -> float:
    power = 10.0 ** math.floor(math.log10(step))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= step * (1 - 1e-9))


def _text(value: float, percent: bool) -> str:
    return f"{100 * value:.3g} %" if percent else f"{value:.3g}"
