"""Clip in, predictions out: the common case in two lines."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from types import TracebackType

import numpy as np

from dvfl.bundle import Bundle
from dvfl.engines.base import Engine, Logits
from dvfl.engines.registry import Selection, open_engine, select_engine
from dvfl.errors import ClosedError, FrameError
from dvfl.frame import Clip, Frame, RgbFrame
from dvfl.predictions import Prediction, rank
from dvfl.preprocess import preprocess_clip
from dvfl.sampling import clip_frame_indices
from dvfl.spec import PreprocessingSpec

Source = str | os.PathLike[str] | Clip | Sequence[Frame | RgbFrame]


class ActionRecognizer:
    """Recognises whole clips with one engine of a bundle::

        with ActionRecognizer.open("bundle") as recognizer:
            best = recognizer.recognize("clip.mp4")[0]

    Any method may be called from any thread. One inference runs at a time; reading and preprocessing
    of several callers overlap.
    """

    def __init__(self, bundle: Bundle, engine: Engine, selection: Selection) -> None:
        """Takes ownership of an engine; most callers want :meth:`open`."""
        self.bundle = bundle
        self.selection = selection
        self._engine = engine
        # Reentrant, so that a signal handler may close a recognizer that its own thread is using.
        self._lock = threading.RLock()
        self._closed = False
        self._running = False

    @classmethod
    def open(
        cls,
        bundle: str | os.PathLike[str] | Bundle,
        engine: str | None = None,
        precision: str | None = None,
        threads: int | None = None,
    ) -> ActionRecognizer:
        """Opens a bundle made by ``dvfl convert`` and loads one of its artifacts.

        Args:
            bundle: its folder, or an opened one.
            engine: ``litert``, ``executorch``, ``coreml`` or ``torch``; ``None`` takes the first in this
                order that is installed, runs on this platform and has an artifact in the bundle.
            precision: ``fp32``, ``fp16`` or ``int8``; ``None`` takes the first in the manifest that did not
                fail its parity gate.
            threads: CPU threads; ``None`` leaves it to the engine (LiteRT: ``min(4, cores)``).

        Raises:
            BundleError: the bundle is missing, altered, of another schema version or lacks the artifact.
            EngineError: the engine is unknown, not installed, not for this platform or cannot load it.
        """
        opened = bundle if isinstance(bundle, Bundle) else Bundle.open(bundle)
        selection = select_engine(opened, engine, precision)
        source = selection.artifact or selection.engine
        return cls(opened, open_engine(opened, source, threads=threads), selection)

    @property
    def engine(self) -> str:
        """The engine's name."""
        return self.selection.engine

    @property
    def precision(self) -> str:
        """The artifact's precision."""
        return self.selection.precision

    @property
    def labels(self) -> tuple[str, ...]:
        """The class names, in the order of the logits."""
        return self.bundle.manifest.labels

    @property
    def spec(self) -> PreprocessingSpec:
        """The preprocessing contract of the bundle."""
        return self.bundle.manifest.preprocessing

    @property
    def closed(self) -> bool:
        """Whether :meth:`close` was called."""
        return self._closed

    def recognize(self, source: Source, top: int | None = 5) -> list[Prediction]:
        """The best classes of a clip, best first.

        Args:
            source: a video file; a preprocessed clip; or all frames of a clip, each newer than the one
                before, from which the spec's number is sampled.
            top: how many predictions; ``None`` for every class.

        Raises:
            ClosedError: the recognizer was closed.
            VideoError: the file cannot be read as a video.
            FrameError: there are no frames, or their times do not increase.
            EngineError: the clip has the wrong shape, or the model returned NaN.
            ValueError: ``top`` is less than 1.
        """
        return rank(self.logits(source), self.labels, top)

    def logits(self, source: Source) -> Logits:
        """The model's raw output ``[K]``, float32; arguments and errors as :meth:`recognize`."""
        self._check_open()
        clip = self._clip(source)
        with self._lock:
            self._check_open()
            self._running = True
            try:
                return self._engine.run(clip.pixels)
            finally:
                self._running = False
                if self._closed:
                    self._engine.close()

    def warm_up(self) -> None:
        """Runs one inference on a black clip, so that the first real one is not the slow one."""
        frames, size = self.spec.temporal.frames, self.spec.crop.size
        self.logits(Clip(np.zeros((frames, size, size, 3), np.uint8), (0.0,) * frames))

    def close(self) -> None:
        """Frees the engine, after the inference that another thread may be running.

        May be called from any thread, and more than once.
        """
        with self._lock:
            if self._closed:
                return
            self._closed = True
            if not self._running:
                self._engine.close()

    def __enter__(self) -> ActionRecognizer:
        self._check_open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _check_open(self) -> None:
        if self._closed:
            raise ClosedError("this recognizer is closed; open another with ActionRecognizer.open")

    def _clip(self, source: Source) -> Clip:
        if isinstance(source, Clip):
            return source
        if isinstance(source, (str, os.PathLike)):
            # Only reading a file needs the video library.
            from dvfl.video import load_clip

            return load_clip(Path(source), self.spec)
        _check_order(source)
        chosen = [source[index] for index in clip_frame_indices(len(source), self.spec)]
        return preprocess_clip(chosen, self.spec)


def _check_order(frames: Sequence[Frame | RgbFrame]) -> None:
    """Frames in another order, or one frame many times, would give a confident answer about nothing."""
    if not frames:
        raise FrameError("a clip needs at least one frame; give every frame of the clip")
    for index, (earlier, later) in enumerate(pairwise(frames), 1):
        if later.time_s <= earlier.time_s:
            raise FrameError(
                f"frame {index} ({later.time_s} s) is not newer than frame {index - 1} ({earlier.time_s} s); "
                "give every frame of the clip, in order, with its presentation time"
            )
