"""The machine's matrix product, and how near to it an artifact comes.

A network of this family is matrix products for nine tenths of its time, so no fp32 artifact can be much
faster than ``MACs / rate``, the time of the products alone.

The rate is the best of two libraries, since one alone need not know the processor: MKL takes AVX2 on
AMD's processors where oneDNN takes AVX-512, and does half as many products per second.
"""

from __future__ import annotations

from dvfl.manifest import Artifact, ModelCard

Shape = tuple[int, int, int]

_LARGE: Shape = (1024, 1024, 1024)
_MLP_RATIO = 4
_PATCH = 4


def shapes(model: ModelCard) -> tuple[Shape, Shape]:
    """``[m, k] x [k, n]``: the third stage's first MLP layer over all tokens of a clip, and a large one.

    That stage has two of nano's five blocks; for nano at 8 x 224 x 224 it is 1568 x 384 x 1536.
    """
    side = max(1, model.size // (_PATCH * 4))
    width = model.width * 4
    return (model.frames * side * side, width, _MLP_RATIO * width), _LARGE


def libraries() -> tuple[str, ...]:
    """PyTorch's matrix libraries on this machine: see :class:`dvfl_converter.bench.subjects.GemmSubject`."""
    import torch

    blas = "MKL" if torch.backends.mkl.is_available() else "BLAS"  # type: ignore[no-untyped-call]
    return (blas, "oneDNN") if torch.backends.mkldnn.is_available() else (blas,)  # type: ignore[no-untyped-call]


def gmacs_per_s(shape: Shape, ms: float) -> float:
    """Billions of multiply-accumulates per second of one product."""
    m, k, n = shape
    return m * k * n / ms / 1e6


def executed_macs(artifact: Artifact) -> int | None:
    """Multiply-accumulates of one run as the artifact's own operators do them; ``None`` if not recorded."""
    if artifact.operators is None:
        return None
    return sum(use.macs for use in artifact.operators.operators) or None


def share_of_rate(macs: int, ms: float, rate: float) -> float:
    """The artifact's GMAC/s over the machine's: 1 means nothing but matrix products at full rate."""
    return macs / (ms * 1e6) / rate
