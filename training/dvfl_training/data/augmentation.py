"""Random changes to a training clip. One draw serves all frames of a clip; all arithmetic is on uint8 RGB.

The order is fixed: short-side resize, random crop resized to the network's size, mirroring, colour jitter
(brightness, contrast, saturation, then hue), greyscale.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import cv2
import numpy as np
import numpy.typing as npt

from dvfl.frame import Frame, Pixels
from dvfl.preprocess import sample_frame, upright_pixels
from dvfl.resize import axis_taps, resized_size
from dvfl.spec import PreprocessingSpec
from dvfl_training.config import AugmentationConfig

# ITU-R BT.601 luma of R, G and B.
LUMA = np.array([0.299, 0.587, 0.114])
CROP_ATTEMPTS = 10

ColorMap = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Box:
    """A part of the short-side-resized frame, in its pixels."""

    left: int
    top: int
    width: int
    height: int


@dataclass(frozen=True)
class Jitter:
    """Factors of brightness, contrast and saturation, 1 for no change; ``hue`` in turns, -0.5 to 0.5."""

    brightness: float
    contrast: float
    saturation: float
    hue: float


@dataclass(frozen=True)
class Change:
    """What happens to one clip."""

    box: Box
    mirrored: bool
    jitter: Jitter | None
    greyscale: bool


def draw_change(
    rng: np.random.Generator, config: AugmentationConfig, width: int, height: int, *, may_mirror: bool
) -> Change:
    """A random change for a clip whose short-side-resized frames are ``width`` x ``height``.

    As many numbers are drawn whether or not clips may be mirrored.
    """
    box = draw_box(rng, config, width, height)
    mirrored = bool(rng.random() < config.flip) and may_mirror
    jittered = rng.random() < config.jitter
    reaches = (config.brightness, config.contrast, config.saturation)
    brightness, contrast, saturation = (float(rng.uniform(1 - reach, 1 + reach)) for reach in reaches)
    jitter = Jitter(brightness, contrast, saturation, float(rng.uniform(-config.hue, config.hue)))
    greyscale = bool(rng.random() < config.greyscale)
    return Change(box, mirrored, jitter if jittered else None, greyscale)


def draw_box(rng: np.random.Generator, config: AugmentationConfig, width: int, height: int) -> Box:
    """A random crop (Inception's, arXiv 1409.4842, with log-uniform ratios).

    Area is uniform in ``config.area`` of the picture, ratio (width over height) log-uniform in
    ``config.ratio``. Of ten draws the first that fits is placed uniformly; if none fits it is the centred
    largest square.
    """
    low, high = (math.log(value) for value in config.ratio)
    for _ in range(CROP_ATTEMPTS):
        area = rng.uniform(*config.area) * width * height
        ratio = math.exp(rng.uniform(low, high))
        box_width, box_height = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
        if 1 <= box_width <= width and 1 <= box_height <= height:
            left = int(rng.integers(width - box_width + 1))
            top = int(rng.integers(height - box_height + 1))
            return Box(left, top, box_width, box_height)
    side = min(width, height)
    return Box((width - side) // 2, (height - side) // 2, side, side)


def apply_change(frames: Sequence[Frame], change: Change, spec: PreprocessingSpec) -> Pixels:
    """The changed clip: uint8 [T, size, size, 3] RGB.

    The short-side resize is the contract's arithmetic; the box is resized by OpenCV's ``INTER_LINEAR``.
    """
    size = spec.crop.size
    clip = np.empty((len(frames), size, size, 3), np.uint8)
    for index, frame in enumerate(frames):
        if index > 0 and frame is frames[index - 1]:
            clip[index] = clip[index - 1]
        else:
            cut = cut_box(frame, change.box, spec)
            clip[index] = cv2.resize(cut, (size, size), interpolation=cv2.INTER_LINEAR)
    if change.mirrored:
        clip = np.ascontiguousarray(clip[:, :, ::-1])
    if change.jitter is not None:
        clip = jitter_colors(clip, change.jitter)
    return to_greyscale(clip) if change.greyscale else clip


def cut_box(frame: Frame, box: Box, spec: PreprocessingSpec) -> Pixels:
    """A part of the short-side-resized upright frame: uint8 [box.height, box.width, 3] RGB.

    The contract's own arithmetic touches four source pixels per pixel of the box. For frames of fewer pixels
    than that it is faster to convert all of them and to leave the resize to OpenCV, which gives equal bytes.
    """
    width, height = frame.upright_size
    new_width, new_height = resized_size(width, height, spec.resize)
    if width * height <= 4 * box.width * box.height:
        resized = cv2.resize(
            upright_pixels(frame, spec), (new_width, new_height), interpolation=cv2.INTER_LINEAR
        )
        cut = resized[box.top : box.top + box.height, box.left : box.left + box.width]
        return np.ascontiguousarray(cut, np.uint8)
    x = axis_taps(width, new_width, box.left, box.width, "x", spec.resize)
    y = axis_taps(height, new_height, box.top, box.height, "y", spec.resize)
    return sample_frame(frame, x, y, spec)


def jitter_colors(clip: Pixels, jitter: Jitter) -> Pixels:
    """Brightness, contrast, saturation, then hue of a clip uint8 [T, H, W, 3].

    Brightness multiplies by b. Contrast blends with m, the mean luma of the whole brightened clip:
    ``c*x + (1-c)*m``. Saturation blends with the luma of the pixel: ``s*x + (1-s)*luma(x)``. These are one
    affine map, clipped once at its end, in OpenCV's fixed-point arithmetic: within 1 of exact. Hue turns by
    ``hue`` in HSV with 256 steps per turn.
    """
    mean = float(clip.reshape(-1, 3).mean(axis=0) @ LUMA) * jitter.brightness
    blend = jitter.saturation * np.eye(3) + (1 - jitter.saturation) * np.tile(LUMA, (3, 1))
    # Grey stays grey under the saturation's blend, so the contrast's offset passes through it unchanged.
    offset = np.full((3, 1), (1 - jitter.contrast) * mean)
    changed = _mapped(clip, np.hstack((jitter.brightness * jitter.contrast * blend, offset)))
    turn = round(jitter.hue * 256)
    return _hue_turned(changed, turn) if turn else changed


def to_greyscale(clip: Pixels) -> Pixels:
    """Each pixel's luma in all three channels; uint8 [T, H, W, 3]."""
    return _mapped(clip, np.tile(LUMA, (3, 1)))


def _mapped(clip: Pixels, color_map: ColorMap) -> Pixels:
    changed = cv2.transform(_as_picture(clip), color_map)
    return cast(Pixels, changed.reshape(clip.shape))


def _hue_turned(clip: Pixels, turn: int) -> Pixels:
    colors = cv2.cvtColor(_as_picture(clip), cv2.COLOR_RGB2HSV_FULL)
    colors[..., 0] += np.uint8(turn % 256)
    return cast(Pixels, cv2.cvtColor(colors, cv2.COLOR_HSV2RGB_FULL).reshape(clip.shape))


def _as_picture(clip: Pixels) -> Pixels:
    """OpenCV knows pictures only: [T*H, W, 3]."""
    return clip.reshape(-1, *clip.shape[2:])
