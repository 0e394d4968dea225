"""Photographs that ship inside Python packages, and generated textures to add variety.

The two sets share no photograph: what is held out is never seen in training.
"""

from __future__ import annotations

from pathlib import Path

import av
import cv2
import numpy as np
import skimage.data
import sklearn.datasets
from numpy.typing import NDArray

Picture = NDArray[np.uint8]

_SKIMAGE = Path(skimage.data.__file__).parent
_SKLEARN = Path(sklearn.datasets.__file__).parent / "images"
_REAL_CLIP = Path(__file__).resolve().parents[3] / "assets" / "carving_ice.mp4"
_REAL_CLIP_FRAME = 60
_SHORT_SIDE = 512

TRAINING: tuple[Path, ...] = (
    *(
        _SKIMAGE / name
        for name in (
            "brick.png",
            "camera.png",
            "chelsea.png",
            "coffee.png",
            "coins.png",
            "gravel.png",
            "hubble_deep_field.jpg",
            "ihc.png",
            "motorcycle_left.png",
            "page.png",
            "retina.jpg",
        )
    ),
    _SKLEARN / "china.jpg",
)
HELD_OUT: tuple[Path, ...] = (
    _SKIMAGE / "astronaut.png",
    _SKIMAGE / "grass.png",
    _SKIMAGE / "rocket.jpg",
    _SKLEARN / "flower.jpg",
    _REAL_CLIP,
)
_TEXTURES = 20


def training_pictures(seed: int) -> tuple[Picture, ...]:
    """The training photographs and as many generated textures as the seed makes, RGB ``[H, W, 3]``."""
    dice = np.random.default_rng(seed)
    return (*map(_read, TRAINING), *(texture(dice) for _ in range(_TEXTURES)))


def held_out_pictures() -> tuple[Picture, ...]:
    """Photographs for evaluation, RGB ``[H, W, 3]``."""
    return tuple(map(_read, HELD_OUT))


def texture(dice: np.random.Generator) -> Picture:
    """Cloudy noise with a 1/f spectrum under random polygons, uint8 ``[512, 512, 3]``.

    1/f is the spectrum of natural photographs (Field, 1987).
    """
    size = _SHORT_SIDE
    frequency = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size)[None])
    frequency[0, 0] = 1.0
    falloff = frequency ** -dice.uniform(0.8, 1.5)
    layers = []
    for _ in range(3):
        noise = np.fft.rfft2(dice.standard_normal((size, size)))
        layers.append(np.fft.irfft2(noise * falloff, s=(size, size)))
    mixed = np.stack(layers, axis=-1) @ (np.eye(3) + dice.uniform(0, 1, (3, 3)))
    canvas = mixed - mixed.mean(axis=(0, 1))
    canvas = 127 + dice.uniform(30, 60) * canvas / canvas.std()
    picture = np.ascontiguousarray(canvas.clip(0, 255).astype(np.uint8))
    for _ in range(int(dice.integers(0, 40))):
        corners = dice.uniform(0, size, 2) + dice.uniform(-90, 90, (int(dice.integers(3, 7)), 2))
        colour = tuple(int(value) for value in dice.integers(0, 256, 3))
        cv2.fillPoly(picture, [corners.astype(np.int32)], colour, lineType=cv2.LINE_AA)
    return picture


def _read(path: Path) -> Picture:
    if path == _REAL_CLIP:
        picture = _frame(path, _REAL_CLIP_FRAME)
    else:
        picture = np.asarray(cv2.imread(str(path), cv2.IMREAD_COLOR), np.uint8)[..., ::-1]
    scale = _SHORT_SIDE / min(picture.shape[:2])
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    resized = cv2.resize(np.ascontiguousarray(picture), None, fx=scale, fy=scale, interpolation=interpolation)
    return np.asarray(resized, np.uint8)


def _frame(path: Path, index: int) -> Picture:
    with av.open(str(path)) as container:
        for number, frame in enumerate(container.decode(video=0)):
            if number == index:
                return np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)
    raise ValueError(f"{path}: has no frame {index}")
