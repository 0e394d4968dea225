"""A stand-in for a runtime, where a test needs one that blocks, fails or answers on command."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

import tiny_bundle as tiny
from dvfl.bundle import Bundle
from dvfl.engines import ENGINES, Selection
from dvfl.engines.base import checked_logits
from dvfl.manifest import Manifest, ModelCard
from dvfl.recognizer import ActionRecognizer
from dvfl.spec import PreprocessingSpec

Answer = Callable[[np.ndarray], np.ndarray]


class FakeEngine:
    """Answers with a function of the clip, and notices misuse."""

    def __init__(self, answer: Answer, classes: int) -> None:
        self._answer = answer
        self._classes = classes
        self._busy = False
        self.runs = 0
        self.closes = 0

    def run(self, clip: np.ndarray) -> np.ndarray:
        assert not self.closes, "ran after close"
        assert not self._busy, "two inferences at once"
        self._busy = True
        try:
            self.runs += 1
            return checked_logits(self._answer(clip), self._classes, "fake")
        finally:
            self._busy = False

    def close(self) -> None:
        assert not self._busy, "closed while running"
        self.closes += 1


def recognizer(
    answer: Answer, labels: Sequence[str] = tiny.LABELS, spec: PreprocessingSpec = tiny.SPEC
) -> tuple[ActionRecognizer, FakeEngine]:
    """A recognizer of tiny clips on a fake engine."""
    card = ModelCard(
        name="fake",
        depths=tiny.DEPTHS,
        width=tiny.WIDTH,
        parameters=0,
        macs=0,
        frames=spec.temporal.frames,
        size=spec.crop.size,
        checkpoint="none",
        checkpoint_sha256="0" * 64,
    )
    manifest = Manifest(
        model=card,
        labels=tuple(labels),
        preprocessing=spec,
        reference=None,
        artifacts=(),
        reference_vectors=(),
    )
    engine = FakeEngine(answer, len(labels))
    return ActionRecognizer(Bundle(Path("fake"), manifest), engine, Selection(ENGINES["torch"], None)), engine
