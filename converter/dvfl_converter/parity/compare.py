"""Running artifacts and the reference on the same clips."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from dvfl.engines import Engine
from dvfl.manifest import ClipParity
from dvfl_converter.clips import NamedClip
from dvfl_converter.parity.metrics import compare

LogitsByClip = Mapping[str, NDArray[np.float32]]
_Logits = NDArray[np.float32] | Sequence[float]


def run_clips(engine: Engine, clips: Sequence[NamedClip]) -> dict[str, NDArray[np.float32]]:
    """Each clip's logits ``[K]``, by clip name."""
    return {clip.name: engine.run(clip.pixels) for clip in clips}


def compare_clips(reference: Mapping[str, _Logits], measured: LogitsByClip) -> list[ClipParity]:
    """Figures for every clip of the reference."""
    return [compare(name, reference[name], measured[name]) for name in reference]
