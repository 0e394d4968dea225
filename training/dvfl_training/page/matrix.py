"""Geometry of the confusion matrix; the template draws it as SVG."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dvfl_training.evaluation import Evaluation

# Beyond it cells are smaller than a pixel; the commonest confusions say more.
MOST_CLASSES = 120
_MOST_NAMES = 30
_MOST_NUMBERS = 16
_SIDE = 520
_LETTER = 7.2


@dataclass(frozen=True)
class Cell:
    """Clips of one class with one prediction.

    ``share`` is that of the class's clips, 0 to 1; ``right`` on the diagonal.
    """

    x: float
    y: float
    share: float
    count: int
    right: bool
    words: str


@dataclass(frozen=True)
class Matrix:
    """Cells that hold a clip, in a square of ``side`` pixels beside names of ``margin`` pixels.

    ``names`` is empty where there are too many to be read, ``numbers`` is false where cells are too small.
    """

    side: float
    margin: float
    pitch: float
    names: tuple[str, ...]
    numbers: bool
    cells: tuple[Cell, ...]


def matrix(found: Evaluation) -> Matrix | None:
    """The confusion matrix, or ``None`` if there are too many classes to see."""
    classes = len(found.classes)
    if classes > MOST_CLASSES:
        return None
    pitch = min(44.0, _SIDE / classes)
    totals = found.confusion.sum(axis=1)
    names = found.classes if classes <= _MOST_NAMES else ()
    cells = tuple(
        Cell(
            x=taken * pitch,
            y=label * pitch,
            share=float(count / totals[label]),
            count=count,
            right=label == taken,
            words=_words(found.classes[label], found.classes[taken], count, int(totals[label])),
        )
        for label, taken in np.argwhere(found.confusion).tolist()
        for count in [int(found.confusion[label, taken])]
    )
    margin = 10 + _LETTER * max(map(len, names), default=0)
    return Matrix(pitch * classes, margin, pitch, names, classes <= _MOST_NUMBERS, cells)


def _words(label: str, taken: str, count: int, total: int) -> str:
    said = "recognised" if label == taken else f"taken for {taken}"
    return f"{label}: {count} of {total} {said}"
