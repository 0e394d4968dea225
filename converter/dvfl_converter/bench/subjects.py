"""What workers measure: an engine, the machine's matrix product, preprocessing.

A runtime is imported only in ``prepare``, by the worker that measures it.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np

from dvfl.bundle import Bundle
from dvfl.engines import ENGINES, Engine, open_engine
from dvfl.manifest import StoredFile

if TYPE_CHECKING:
    from dvfl.frame import Frame
    from dvfl.spec import PreprocessingSpec


class _Hashed(Bundle):
    """A bundle whose files the bench has compared already: hashing is no part of a runtime's load."""

    def verified(self, stored: StoredFile) -> Path:
        return self.resolve(stored)


@dataclass
class EngineSubject:
    """One artifact in the SDK's engine.

    Attributes:
        root: the bundle's folder.
        artifact: name of the artifact, as in the manifest.
        pixels: a ``.npy`` file with the uint8 clip ``[T, H, W, 3]``.
        threads: CPU threads; ``None`` where the runtime chooses them itself.
    """

    root: str
    artifact: str
    pixels: str
    threads: int | None
    _engine: Engine = field(init=False)

    def prepare(self) -> None:
        """Imports the runtime; reads manifest and clip."""
        opened = Bundle.open(self.root)
        self._bundle = _Hashed(opened.root, opened.manifest)
        self._artifact = next(a for a in opened.manifest.artifacts if a.name == self.artifact)
        self._clip = np.load(self.pixels)
        row = ENGINES[self._artifact.target]
        if row.obstacle() is None:
            importlib.import_module(row.loader.partition(":")[0])

    def load(self) -> None:
        """What an app does once."""
        self._engine = open_engine(self._bundle, self._artifact, threads=self.threads)

    def run(self) -> Sequence[float]:
        """The clip's logits ``[K]``."""
        return [float(logit) for logit in self._engine.run(self._clip)]

    def sample(self) -> tuple[float, ...]:
        """One run: uint8 clip in, logits out."""
        return (_milliseconds(lambda: self._engine.run(self._clip)),)


@dataclass
class GemmSubject:
    """fp32 matrix products ``[m, k] x [k, n]``; one figure per library and shape, libraries outermost.

    Attributes:
        libraries: of :func:`dvfl_converter.bench.gemm.libraries`.
        shapes: each ``(m, k, n)``.
        threads: CPU threads.
        repeats: products per figure, of which the fastest counts.
    """

    libraries: tuple[str, ...]
    shapes: tuple[tuple[int, int, int], ...]
    threads: int
    repeats: int = 3

    def prepare(self) -> None:
        """Imports PyTorch."""
        import torch

        torch.set_num_threads(self.threads)

    def load(self) -> None:
        """Fills the matrices."""
        self._calls = [_product(library, *shape) for library in self.libraries for shape in self.shapes]

    def run(self) -> None:
        """Every product once: the libraries make their threads and buffers."""
        for call in self._calls:
            call()

    def sample(self) -> tuple[float, ...]:
        """The fastest of the repeats of each product."""
        return tuple(min(_milliseconds(call) for _ in range(self.repeats)) for call in self._calls)


def _product(library: str, m: int, k: int, n: int) -> Callable[[], object]:
    import torch

    generator = torch.Generator().manual_seed(0)
    left, right = torch.randn(m, k, generator=generator), torch.randn(k, n, generator=generator)
    if library == "oneDNN":
        # The layout decides the library; the weight of a linear layer is transposed.
        tokens, weight = left.to_mkldnn(), right.t().contiguous().to_mkldnn()
        return partial(torch.nn.functional.linear, tokens, weight)
    return partial(torch.mm, left, right, out=torch.empty(m, n))


@dataclass
class PreprocessingSubject:
    """A video's frames to the clip, decoding left out."""

    root: str
    video: str
    _spec: PreprocessingSpec = field(init=False)
    _frames: Sequence[Frame] = field(init=False)

    def prepare(self) -> None:
        """Imports the decoder."""
        from dvfl import preprocess, video

        self._preprocess, self._read = preprocess.preprocess_clip, video.read_frames
        self._spec = Bundle.open(self.root).manifest.preprocessing

    def load(self) -> None:
        """Decodes the frames that the spec chooses."""
        self._frames = self._read(Path(self.video), self._spec)

    def run(self) -> None:
        """One clip."""
        self._preprocess(self._frames, self._spec)

    def sample(self) -> tuple[float, ...]:
        """One clip."""
        return (_milliseconds(self.run),)


def _milliseconds(call: Callable[[], object]) -> float:
    begin = perf_counter()
    call()
    return (perf_counter() - begin) * 1e3
