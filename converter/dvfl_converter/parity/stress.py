"""Clips made to hurt: what rounding bears worst, and what ascent finds that it bears worse still."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from dvfl.manifest import ClipParity
from dvfl.spec import PreprocessingSpec
from dvfl_converter.clips import NamedClip
from dvfl_converter.parity.metrics import cosine

Logits = Callable[[NDArray[np.uint8]], NDArray[np.float32]]
# None, the fixed patterns, or for int8 also one that is climbed to.
Stress = Literal["off", "patterns", "ascent"]

STEPS = 40
# In levels of 0..255: how far a step tries to both sides, and how far it goes.
_PROBE, _STRIDE = 24.0, 12.0
# Cells per side of the coarse picture that is moved; pixel by pixel, a random direction leads nowhere.
_CELLS = 8
# Of a cosine in float64.
_ROUNDING = 1e-12


def stress_clips(spec: PreprocessingSpec) -> tuple[NamedClip, ...]:
    """Extremes of brightness, colour and frequency in space and time, uint8 ``[T, H, W, 3]``.

    Black, white, pure colours that wander, black and white in turn, a checkerboard of single pixels that
    inverts every frame (the Nyquist rate of all three axes), and a pattern that moves one pixel a frame.
    """
    frames, size = spec.temporal.frames, spec.crop.size
    t, y, x = np.meshgrid(np.arange(frames), np.arange(size), np.arange(size), indexing="ij")
    bars = ((x * 3 // size + t) % 3)[..., None] == np.arange(3)
    cell = max(2, size // 16)
    grey = {
        "black": np.zeros_like(t),
        "white": np.ones_like(t),
        "flicker": t % 2,
        "Nyquist checkerboard": (x + y + t) % 2,
        "one-pixel motion": ((x - t) // cell + y // cell) % 2,
    }
    found = {name: np.repeat(bright[..., None], 3, axis=-1) for name, bright in grey.items()}
    found["saturated colours"] = bars
    return tuple(
        NamedClip(f"stress: {name}", (bright * 255).astype(np.uint8)) for name, bright in found.items()
    )


def ascent(
    reference: Logits, artifact: Logits, start: NamedClip, *, steps: int = STEPS, seed: int = 0
) -> NamedClip:
    """A clip on which an artifact leaves the reference farther than on ``start``, or ``start``.

    Climbs ``1 - cosine`` by simultaneous perturbation (Spall, IEEE TAC 37, 1992): the runtime gives no
    gradients, so each step estimates one from two runs along a random direction, coarse in space.
    The same seed gives the same clip.
    """
    dice = np.random.default_rng(seed)
    best, worst = start.pixels, _disagreement(reference, artifact, start.pixels)
    place = start.pixels.astype(np.float64)
    for _ in range(steps):
        direction = _direction(dice, start.pixels.shape)
        ahead, behind = (_pixels(place + side * _PROBE * direction) for side in (1, -1))
        rises = [(_disagreement(reference, artifact, clip), clip) for clip in (ahead, behind)]
        place = np.clip(place + np.sign(rises[0][0] - rises[1][0]) * _STRIDE * direction, 0, 255)
        for found, clip in rises:
            if found > worst + _ROUNDING:
                best, worst = clip, found
    return NamedClip(f"ascent from {start.name}", best)


def climb(
    reference: Logits,
    artifact: Logits,
    clips: Sequence[NamedClip],
    parity: Sequence[ClipParity],
    name: str,
) -> NamedClip:
    """The ascent for the artifact ``name``, from the clip that it bears worst so far."""
    worst = min(parity, key=lambda figures: figures.cosine).clip
    found = ascent(reference, artifact, next(clip for clip in clips if clip.name == worst))
    return NamedClip(f"{found.name} ({name})", found.pixels)


def _direction(dice: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """-1 or 1 per cell, ``[T, H, W, 3]``."""
    frames, height, width, channels = shape
    coarse = dice.choice((-1.0, 1.0), (frames, _CELLS, _CELLS, channels))
    rows, columns = (np.arange(length) * _CELLS // length for length in (height, width))
    return coarse[:, rows][:, :, columns]


def _pixels(place: NDArray[np.float64]) -> NDArray[np.uint8]:
    return np.clip(np.rint(place), 0, 255).astype(np.uint8)


def _disagreement(reference: Logits, artifact: Logits, clip: NDArray[np.uint8]) -> float:
    return 1.0 - cosine(reference(clip).astype(np.float64), artifact(clip).astype(np.float64))
