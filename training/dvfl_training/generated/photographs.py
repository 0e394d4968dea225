"""Photographs that ship inside Python packages, and generated textures to add variety.

No two splits share a photograph: what is held out is never seen in training.
"""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dvfl_training.data.manifest import Split

Picture = NDArray[np.uint8]


def _folder_of(package: str) -> Path:
    """Where a package lies, without its import, which takes longer than rendering some clips."""
    found = find_spec(package)
    if found is None or found.origin is None:
        raise ModuleNotFoundError(f"no module named {package!r}", name=package)
    return Path(found.origin).parent


_SKIMAGE = _folder_of("skimage") / "data"
_SKLEARN = _folder_of("sklearn") / "datasets" / "images"
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
_VALIDATION = ("coffee.png", "chelsea.png")
# A written data set also needs photographs to choose a model on; they are two of the training ones.
DIVISION: dict[Split, tuple[Path, ...]] = {
    Split.TRAIN: tuple(path for path in TRAINING if path.name not in _VALIDATION),
    Split.VALIDATION: tuple(path for path in TRAINING if path.name in _VALIDATION),
    Split.TEST: HELD_OUT,
}


def training_pictures(seed: int) -> tuple[Picture, ...]:
    """The training photographs and as many generated textures as the seed makes, RGB ``[H, W, 3]``."""
    dice = np.random.default_rng(seed)
    return (*map(read_picture, TRAINING), *(texture(dice) for _ in range(_TEXTURES)))


def held_out_pictures() -> tuple[Picture, ...]:
    """Photographs for evaluation, RGB ``[H, W, 3]``."""
    return tuple(map(read_picture, HELD_OUT))


@cache
def pictures_of(split: Split, seed: int, textures: int) -> tuple[Picture, ...]:
    """A split's photographs and ``textures`` generated ones, which only training has, RGB ``[H, W, 3]``."""
    dice = np.random.default_rng([seed, list(Split).index(split)])
    extra = textures if split is Split.TRAIN else 0
    return (*map(read_picture, DIVISION[split]), *(texture(dice) for _ in range(extra)))


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


def read_picture(path: Path) -> Picture:
    """A photograph, its short side 512 pixels, RGB ``[H, W, 3]``."""
    if path == _REAL_CLIP:
        picture = _frame(path, _REAL_CLIP_FRAME)
    elif path.suffix == ".png":
        # The same pixels as OpenCV's, without its warning about a colour profile in one of the files.
        picture = np.asarray(Image.open(path).convert("RGB"), np.uint8)
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
