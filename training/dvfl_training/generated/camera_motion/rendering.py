"""Rendering: a photograph seen by a moving camera, with moving things in front and a cheap camera's flaws."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from dvfl.sampling import clip_frame_indices
from dvfl.spec import PreprocessingSpec
from dvfl_training.generated.camera_motion.motions import MOTIONS, MotionRanges, Path, sample_path
from dvfl_training.generated.compression import h264_round_trip, jpeg_round_trip
from dvfl_training.generated.photographs import Picture

Frames = NDArray[np.uint8]
REFERENCE_SIZE = 64


@dataclass(frozen=True)
class RenderOptions:
    """What varies between clips.

    Attributes:
        motion: how much moves.
        duration_s: seconds the clip lasts; frames_in_video: frames it is sampled from.
        span: share of the photograph's short side that the picture shows.
        objects: most moving things in front.
        object_size: their diameter, as a share of the picture.
        exposure_drift: largest relative change of brightness per eighth of the clip.
        noise: largest standard deviation of sensor noise, in grey levels.
        oversample: chance of rendering larger and resizing without antialias, as a phone does.
        jpeg: chance of a JPEG round trip; h264: chance of a real H.264 one.
        least_texture: a view in which motion shows less is drawn again (see ``_texture``).
    """

    motion: MotionRanges = field(default_factory=MotionRanges)
    duration_s: tuple[float, float] = (1.0, 3.0)
    span: tuple[float, float] = (0.18, 0.75)
    objects: int = 2
    object_size: tuple[float, float] = (0.1, 0.3)
    exposure_drift: float = 0.025
    noise: float = 6.0
    oversample: float = 0.2
    jpeg: float = 0.4
    h264: float = 0.06
    least_texture: float = 3.0
    frames_in_video: tuple[int, int] = (12, 120)


def render_clip(
    label: int,
    pictures: Sequence[Picture],
    dice: np.random.Generator,
    options: RenderOptions,
    frames: int = 8,
    size: int = REFERENCE_SIZE,
) -> Frames:
    """A clip as the model sees it, uint8 ``[frames, size, size, 3]``, compression flaws included."""
    times = _sampled_times(dice, options, frames)
    factor = float(dice.uniform(1.5, 2.5)) if dice.random() < options.oversample else 1.0
    large = round(size * factor)
    clip = render_frames(label, pictures, dice, options, times, (large, large))
    choice = dice.random()
    if choice < options.h264:
        clip = h264_round_trip(clip, crf=int(dice.integers(20, 34)))
    elif choice < options.h264 + options.jpeg:
        clip = jpeg_round_trip(clip, quality=int(dice.integers(25, 95)))
    if large == size:
        return clip
    return np.stack([cv2.resize(frame, (size, size), interpolation=cv2.INTER_LINEAR) for frame in clip])


def _sampled_times(dice: np.random.Generator, options: RenderOptions, frames: int) -> NDArray[np.float64]:
    """When the sampled frames of a video of random length were taken, 0..1; the steps are not quite even."""
    count = int(dice.integers(*options.frames_in_video, endpoint=True))
    spec = PreprocessingSpec.default().with_clip(frames=frames)
    return np.array(clip_frame_indices(count, spec)) / (count - 1)


def render_frames(
    label: int,
    pictures: Sequence[Picture],
    dice: np.random.Generator,
    options: RenderOptions,
    times: NDArray[np.float64],
    size: tuple[int, int],
    background: Picture | None = None,
) -> Frames:
    """Frames at ``times`` in 0..1, uint8 ``[len(times), H, W, 3]`` for ``size`` (W, H), uncompressed.

    They show ``background``, or any of ``pictures``; things in front are cut from ``pictures``.
    """
    width, height = size
    duration = float(dice.uniform(*options.duration_s))
    path = sample_path(MOTIONS[label], times, duration, dice, options.motion)
    view = choose_view(pictures if background is None else (background,), dice, options, size)
    things = [
        choose_thing(pictures, dice, options, min(size))
        for _ in range(int(dice.integers(0, options.objects + 1)))
    ]
    gain = dice.uniform(0.75, 1.2) * (1 + options.exposure_drift * dice.uniform(-1, 1) * 8 * (times - 0.5))
    offset, noise = dice.uniform(-15, 15), dice.uniform(0, options.noise)
    out = np.empty((len(times), height, width, 3), np.uint8)
    for index in range(len(times)):
        frame = view.frame(path, index, size)
        for thing in things:
            frame = thing.drawn_on(frame, 8 * (times[index] - 0.5))
        exposed = frame * gain[index] + offset
        if noise > 0.5:
            exposed = exposed + dice.standard_normal(frame.shape, dtype=np.float32) * noise
        out[index] = np.clip(exposed, 0, 255)
    return out


@dataclass(frozen=True)
class View:
    """A place in a photograph: its centre, source pixels per output pixel, and a resting angle."""

    picture: Picture
    centre: tuple[float, float]
    step: float
    angle: float

    def frame(self, path: Path, index: int, size: tuple[int, int]) -> Frames:
        """The picture at one pose of the path, uint8 ``[H, W, 3]``, sub-pixel exact."""
        unit = min(size) / REFERENCE_SIZE
        step = self.step * math.exp(-path.scale_log[index])
        angle = self.angle - path.angle[index]
        turn = step * np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
        middle = np.array([(size[0] - 1) / 2, (size[1] - 1) / 2])
        moved = middle + unit * np.array([path.right[index], path.down[index]])
        inverse = np.hstack([turn, (np.array(self.centre) - turn @ moved)[:, None]])
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        warped = cv2.warpAffine(self.picture, inverse, size, flags=flags, borderMode=cv2.BORDER_REFLECT_101)
        return np.asarray(warped, np.uint8)


@dataclass(frozen=True)
class Thing:
    """A round piece of another photograph that moves on its own, in pixels per eighth of the clip."""

    patch: Picture
    mask: NDArray[np.float32]
    start: tuple[float, float]
    velocity: tuple[float, float]

    def drawn_on(self, frame: Frames, eighths: float) -> Frames:
        """The frame with the thing in front."""
        height, width = frame.shape[:2]
        x = self.start[0] + self.velocity[0] * eighths
        y = self.start[1] + self.velocity[1] * eighths
        shift = np.array([[1.0, 0.0, x], [0.0, 1.0, y]])
        alpha = cv2.warpAffine(self.mask, shift, (width, height))[..., None]
        thing = cv2.warpAffine(self.patch, shift, (width, height))
        return np.asarray(frame * (1 - alpha) + thing * alpha, np.uint8)


def choose_view(
    pictures: Sequence[Picture], dice: np.random.Generator, options: RenderOptions, size: tuple[int, int]
) -> View:
    """A random place that has something to see; after ten dull ones, the last."""
    for _ in range(10):
        picture = pictures[int(dice.integers(len(pictures)))]
        if dice.random() < 0.5:
            picture = np.ascontiguousarray(picture[:, ::-1])
        if dice.random() < 0.3:
            picture = np.ascontiguousarray(picture[..., dice.permutation(3)])
        height, width = picture.shape[:2]
        step = math.exp(dice.uniform(*np.log(options.span))) * min(height, width) / min(size)
        if step > 1:
            # The lens blurs what the sensor cannot resolve, more or less.
            shrink = min(1.0, dice.uniform(1.0, 1.5) / step)
            picture = cv2.resize(picture, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
            step *= shrink
            height, width = picture.shape[:2]
        centre = (float(dice.uniform(0.3, 0.7) * width), float(dice.uniform(0.3, 0.7) * height))
        view = View(picture, centre, step, float(dice.normal(0, 0.1)))
        if _texture(view) >= options.least_texture:
            break
    return view


def _texture(view: View) -> float:
    """How well any motion shows: the root of the structure tensor's smaller eigenvalue, in grey levels.

    A plain edge has contrast, but motion along it cannot be seen (Shi and Tomasi, 1994).
    """
    half = REFERENCE_SIZE / 2 * view.step
    height, width = view.picture.shape[:2]
    x, y = view.centre
    left, right = (int(np.clip(edge, 0, width)) for edge in (x - half, x + half))
    top, bottom = (int(np.clip(edge, 0, height)) for edge in (y - half, y + half))
    if min(right - left, bottom - top) < 8:
        return 0.0
    grey = cv2.cvtColor(np.ascontiguousarray(view.picture[top:bottom, left:right]), cv2.COLOR_RGB2GRAY)
    seen = cv2.resize(grey, (REFERENCE_SIZE, REFERENCE_SIZE), interpolation=cv2.INTER_AREA).astype(np.float64)
    down, across = np.gradient(seen)
    xx, yy, xy = (across**2).mean(), (down**2).mean(), (across * down).mean()
    smaller = (xx + yy) / 2 - math.hypot((xx - yy) / 2, xy)
    return math.sqrt(max(0.0, float(smaller)))


def choose_thing(
    pictures: Sequence[Picture], dice: np.random.Generator, options: RenderOptions, side: int
) -> Thing:
    """A random round piece at a random place of a picture ``side`` pixels wide, on its way anywhere."""
    picture = pictures[int(dice.integers(len(pictures)))]
    diameter = max(4, round(side * dice.uniform(*options.object_size)))
    cut = min(4 * diameter, *picture.shape[:2])
    top, left = (int(dice.integers(0, length - cut + 1)) for length in picture.shape[:2])
    patch = cv2.resize(
        np.ascontiguousarray(picture[top : top + cut, left : left + cut]),
        (diameter, diameter),
        interpolation=cv2.INTER_AREA,
    )
    mask = np.zeros((diameter, diameter), np.float32)
    cv2.circle(mask, (diameter // 2, diameter // 2), diameter // 2 - 1, 1.0, -1, lineType=cv2.LINE_AA)
    x, y = dice.uniform(-diameter / 2, side - diameter / 2, 2)
    vx, vy = dice.normal(0, 1.5 * side / REFERENCE_SIZE, 2)
    return Thing(np.asarray(patch, np.uint8), mask, (float(x), float(y)), (float(vx), float(vy)))
