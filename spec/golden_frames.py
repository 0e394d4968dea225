"""The frames of the golden vectors: patterns in every layout, orientation, colour and size."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from dvfl.frame import ColorMatrix, ColorRange, Frame, Pixels, Plane, Rect, RgbFrame
from dvfl.spec import PreprocessingSpec
from dvfl.video import read_frames

REAL_CLIP = Path(__file__).resolve().parent.parent / "assets" / "carving_ice.mp4"
SMALL, MIDDLE, FULL = 32, 64, 224
SPEC = PreprocessingSpec.default()
PATTERNS = ("edges", "gradient", "checkerboard", "noise", "scene")


@dataclass(frozen=True)
class Case:
    name: str
    frame: Frame | RgbFrame
    size: int


def pattern(name: str, width: int, height: int, seed: int) -> Pixels:
    """uint8 [height, width]; the seed also shifts the regular patterns, so that channels differ."""
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    if name == "edges":
        values = np.where((3 * x > width * (1 + seed % 2)) ^ (2 * y > height), 235 - 20 * seed, 16 + 9 * seed)
    elif name == "gradient":
        along, across = (x * height, y * width) if seed % 2 == 0 else (y * width, x * height)
        values = (2 * along + across) * 255 // (3 * width * height) + seed
    elif name == "checkerboard":
        cell = 1 + seed % 3
        values = ((x // cell + y // cell) % 2) * (255 - 30 * seed) + 11 * seed
    elif name == "noise":
        values = np.random.RandomState(1000 + seed).randint(0, 256, (height, width))
    else:
        quarters = [pattern(PATTERNS[(seed + i) % 4], width, height, seed) for i in range(4)]
        values = np.choose((x > width // 2) + 2 * (y > height // 2), quarters)
    return np.clip(values, 0, 255).astype(np.uint8)


def yuv_frame(name: str, width: int, height: int, **fields: Any) -> Frame:
    """A frame of a pattern without padding."""
    chroma = ((width + 1) // 2, (height + 1) // 2)
    y, u, v = pattern(name, width, height, 0), pattern(name, *chroma, 1), pattern(name, *chroma, 2)
    planes = (Plane.from_array(y), Plane.from_array(u), Plane.from_array(v))
    return Frame(0.0, *planes, width=width, height=height, **fields)


def rgb_frame(name: str, width: int, height: int, **fields: Any) -> RgbFrame:
    """A bitmap of a pattern, with another seed in each channel."""
    pixels = np.stack([pattern(name, width, height, seed) for seed in range(3)], axis=-1)
    return RgbFrame(pixels, 0.0, **fields)


def padded(plane: Pixels, row_stride: int, seed: int) -> Plane:
    """A plane whose rows are followed by noise, but for the last row, which ends the buffer."""
    height, width = plane.shape
    rows = np.random.RandomState(seed).randint(0, 256, (height, row_stride)).astype(np.uint8)
    rows[:, :width] = plane
    return Plane(rows.reshape(-1)[: (height - 1) * row_stride + width], row_stride)


def with_row_stride(frame: Frame, luma_stride: int, chroma_stride: int) -> Frame:
    y, u, v = tight_planes(frame)
    return replace(
        frame, y=padded(y, luma_stride, 1), u=padded(u, chroma_stride, 2), v=padded(v, chroma_stride, 3)
    )


def interleaved(frame: Frame, row_stride: int, u_first: bool) -> Frame:
    """U and V in one buffer, as NV12 (U first) and NV21 (V first) have it."""
    y, u, v = tight_planes(frame)
    pair = np.stack((u, v) if u_first else (v, u), axis=-1).reshape(u.shape[0], -1)
    flat = padded(pair, row_stride, 4).data
    first, second = Plane(flat[:-1], row_stride, 2), Plane(flat[1:], row_stride, 2)
    return replace(
        frame,
        y=padded(y, frame.width + 3, 5),
        u=first if u_first else second,
        v=second if u_first else first,
    )


def tight_planes(frame: Frame) -> tuple[Pixels, Pixels, Pixels]:
    return (
        frame.y.samples(frame.width, frame.height),
        frame.u.samples(*frame.chroma_size),
        frame.v.samples(*frame.chroma_size),
    )


def frame_cases() -> list[Case]:
    shapes = ((64, 48), (48, 64), (53, 87), (160, 90))
    cases = [
        Case(f"{name}_{width}x{height}", yuv_frame(name, width, height), SMALL)
        for name, (width, height) in product(PATTERNS, shapes)
    ]
    scene = yuv_frame("scene", 61, 45)
    for rotation, mirrored in product(SPEC.orientation.rotations, (False, True)):
        turned = replace(scene, rotation=rotation, mirrored=mirrored)
        cases.append(Case(f"rotation_{rotation}{'_mirrored' if mirrored else ''}", turned, SMALL))
    noise = yuv_frame("noise", 52, 40)
    for matrix, color_range in product(ColorMatrix, ColorRange):
        colored = replace(noise, matrix=matrix, color_range=color_range)
        cases.append(Case(f"color_{matrix}_{color_range}".lower(), colored, SMALL))
    cases += [
        Case("row_stride", with_row_stride(scene, 80, 48), SMALL),
        Case("row_stride_rotated", with_row_stride(replace(scene, rotation=90), 64, 33), SMALL),
        Case("nv12", interleaved(scene, 62, u_first=True), SMALL),
        Case("nv12_row_stride", interleaved(scene, 96, u_first=True), SMALL),
        Case("nv21_row_stride", interleaved(replace(scene, rotation=270), 80, u_first=False), SMALL),
    ]
    big = yuv_frame("scene", 120, 90)
    cases += [
        Case("crop_even", replace(big, crop=Rect(20, 10, 80, 60)), SMALL),
        Case("crop_odd", replace(big, crop=Rect(7, 13, 51, 67)), SMALL),
        Case(
            "crop_odd_rotated_mirrored_nv12",
            replace(interleaved(big, 128, u_first=True), crop=Rect(9, 3, 99, 57), rotation=90, mirrored=True),
            SMALL,
        ),
    ]
    sizes = ((1, 1), (2, 3), (7, 5), (20, 15), (37, 37), (74, 74), (37, 150), (160, 19), (13, 120))
    cases += [Case(f"scaled_{w}x{h}", yuv_frame("scene", w, h), SMALL) for w, h in sizes]
    for name, (width, height) in product(PATTERNS, ((90, 61), (15, 23))):
        cases.append(Case(f"rgb_{name}_{width}x{height}", rgb_frame(name, width, height), SMALL))
    cases += turned_bitmaps()
    cases += [
        Case("full_size_up", replace(yuv_frame("scene", 160, 120), matrix=ColorMatrix.BT709), FULL),
        Case("full_size_down", yuv_frame("scene", 300, 270), FULL),
        Case("real_frame", read_frames(REAL_CLIP, SPEC)[SPEC.temporal.frames // 2], MIDDLE),
    ]
    return cases


def turned_bitmaps() -> list[Case]:
    """Every orientation of a bitmap of odd size, then crop rectangles of even and odd place and size."""
    scene = rgb_frame("scene", 61, 45)
    cases = [
        Case(
            f"rgb_rotation_{rotation}{'_mirrored' if mirrored else ''}",
            replace(scene, rotation=rotation, mirrored=mirrored),
            SMALL,
        )
        for rotation, mirrored in product(SPEC.orientation.rotations, (False, True))
    ]
    noise = rgb_frame("noise", 83, 59)
    return [
        *cases,
        Case("rgb_crop_even", replace(noise, crop=Rect(10, 4, 60, 44)), SMALL),
        Case("rgb_crop_odd_rotated", replace(noise, crop=Rect(7, 5, 51, 37), rotation=90), SMALL),
        Case(
            "rgb_crop_odd_turned_mirrored",
            replace(noise, crop=Rect(1, 3, 33, 55), rotation=180, mirrored=True),
            SMALL,
        ),
        Case(
            "rgb_crop_thin_rotated_mirrored",
            replace(noise, crop=Rect(82, 0, 1, 59), rotation=270, mirrored=True),
            SMALL,
        ),
    ]
