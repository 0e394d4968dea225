"""What a generated data set is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from dvfl_training.data.manifest import Split

# Width and height: landscape, portrait, square.
SHAPES = ((192, 144), (176, 128), (112, 160), (128, 176), (144, 144), (128, 128))
RATES = (25, 30)
# Generated pictures besides the photographs of the training split.
TEXTURES = 12


@dataclass(frozen=True)
class GeneratedClip:
    """A rendered clip.

    Attributes:
        frames: uint8 RGB ``[N, H, W, 3]``.
        rate: frames per second.
        crf: how strongly H.264 compresses it.
        group: what it shares with other clips of its split, and of no other split.
    """

    frames: NDArray[np.uint8]
    rate: int
    crf: int
    group: str


class Render(Protocol):
    """Makes clip ``number`` of a class and a split: the same from the same arguments, in any process."""

    def __call__(self, split: Split, label: int, number: int, seed: int, *, hard: bool) -> GeneratedClip:
        """Renders it."""
        ...


@dataclass(frozen=True)
class GeneratedSet:
    """A data set that can be rendered.

    Attributes:
        name: as the command takes it.
        classes: in the order of the labels; ``hard_classes`` with the harder set's.
        mirror: see :class:`dvfl_training.data.manifest.Header`; for the harder set's classes.
        render: makes a clip.
    """

    name: str
    classes: tuple[str, ...]
    hard_classes: tuple[str, ...]
    mirror: dict[str, str]
    render: Render

    def labels(self, *, hard: bool) -> tuple[str, ...]:
        """The classes that are rendered."""
        return self.hard_classes if hard else self.classes
