"""Write the golden vectors of ``spec/golden`` and the JSON Schema of the spec; the same bytes every time.

``python spec/make_golden.py`` writes them; ``--check`` writes nothing and exits 1 when a file would change.
The layout is described in ``spec/README.md``.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt

from dvfl.color import ten_to_eight_bits, yuv_to_rgb
from dvfl.frame import ColorMatrix, ColorRange, Frame, Pixels, Plane, Rect, RgbFrame
from dvfl.preprocess import preprocess_clip, preprocess_frame
from dvfl.sampling import clip_frame_indices, window_frame_indices
from dvfl.spec import PreprocessingSpec, spec_json_schema
from dvfl.video import frame_count, load_clip, read_frames

SPEC_FOLDER = Path(__file__).resolve().parent
GOLDEN = SPEC_FOLDER / "golden"
REAL_CLIP = SPEC_FOLDER.parent / "assets" / "carving_ice.mp4"
SMALL, MIDDLE, FULL = 32, 64, 224
SPEC = PreprocessingSpec.default()
LEVELS = (0, 1, 15, 16, 17, 64, 127, 128, 129, 200, 235, 236, 240, 241, 254, 255)
PATTERNS = ("edges", "gradient", "checkerboard", "noise", "scene")
# Cases on which a negative control must show.
SHRUNK = ["noise_160x90", "edges_160x90", "checkerboard_53x87", "rgb_scene_90x61", "full_size_down"]
UNSQUARE = ["edges_64x48", "noise_160x90", "scaled_160x19", "crop_odd", "rgb_noise_90x61"]
TINTED = ["real_frame", "edges_64x48", "rgb_noise_90x61", "rotation_90"]
COLORED = [f"color_{m}_{r}".lower() for m, r in product(ColorMatrix, ColorRange)]
STRIDED = ["row_stride", "row_stride_rotated", "nv12", "nv12_row_stride", "nv21_row_stride"]
ROUNDED = ["gradient_160x90", "noise_160x90", "noise_53x87"]


class Blob:
    """A binary file under construction: equal pieces are stored once."""

    def __init__(self) -> None:
        self.data = bytearray()
        self._offsets: dict[bytes, int] = {}

    def add(self, values: npt.NDArray[Any]) -> dict[str, int]:
        piece = values.tobytes()
        if piece not in self._offsets:
            self._offsets[piece] = len(self.data)
            self.data += piece
        return {"offset": self._offsets[piece], "length": len(piece)}


@dataclass(frozen=True)
class Case:
    name: str
    frame: Frame | RgbFrame
    size: int


def sha256(data: bytes | npt.NDArray[Any]) -> str:
    return hashlib.sha256(data if isinstance(data, bytes) else data.tobytes()).hexdigest()


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


def rgb_frame(name: str, width: int, height: int) -> RgbFrame:
    return RgbFrame(np.stack([pattern(name, width, height, seed) for seed in range(3)], axis=-1), 0.0)


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
    cases += [
        Case("full_size_up", replace(yuv_frame("scene", 160, 120), matrix=ColorMatrix.BT709), FULL),
        Case("full_size_down", yuv_frame("scene", 300, 270), FULL),
        Case("real_frame", read_frames(REAL_CLIP, SPEC)[SPEC.temporal.frames // 2], MIDDLE),
    ]
    return cases


def describe_case(case: Case, inputs: Blob, expected: Blob) -> dict[str, Any]:
    spec = SPEC.with_clip(size=case.size)
    row: dict[str, Any] = {
        "name": case.name,
        "size": case.size,
        "short_side": spec.resize.short_side,
        "kind": "rgb" if isinstance(case.frame, RgbFrame) else "yuv420",
    }
    frame = case.frame
    if isinstance(frame, RgbFrame):
        width, height = frame.upright_size
        row |= {"width": width, "height": height, "pixels": inputs.add(frame.pixels)}
    else:
        row |= {
            "width": frame.width,
            "height": frame.height,
            "crop": list(frame.rect),
            "rotation": frame.rotation,
            "mirrored": frame.mirrored,
            **color_tags(frame),
        }
        for name, plane in (("y", frame.y), ("u", frame.u), ("v", frame.v)):
            strides = {"row_stride": plane.row_stride, "pixel_stride": plane.pixel_stride}
            row[name] = inputs.add(plane.data) | strides
    return row | {"expected": expected.add(preprocess_frame(frame, spec))}


def color_tags(frame: Frame) -> dict[str, str]:
    matrix, color_range = SPEC.color.untagged_matrix, SPEC.color.untagged_range
    return {"matrix": frame.matrix or matrix, "range": frame.color_range or color_range}


def clip_case(cases: list[Case], expected: Blob) -> dict[str, Any]:
    """Eight frames of different orientation as one clip: proves the order of frames and the layout."""
    chosen = [case for case in cases if case.name.startswith("rotation_")][: SPEC.temporal.frames]
    clip = preprocess_clip([case.frame for case in chosen], SPEC.with_clip(size=SMALL))
    return {
        "name": "eight_orientations",
        "frames": [case.name for case in chosen],
        "size": SMALL,
        "shape": list(clip.pixels.shape),
        "expected": expected.add(clip.pixels),
    }


def clip_index_cases() -> list[dict[str, Any]]:
    lengths = [*range(1, 41), 59, 60, 61, 100, 131, 250, 300, 301, 899, 1001, 18000, 107892]
    return [
        {"frames": frames, "frame_count": n, "indices": clip_frame_indices(n, SPEC.with_clip(frames=frames))}
        for frames, n in product((1, 4, 8, 16), lengths)
    ]


def window_index_cases() -> list[dict[str, Any]]:
    rng = np.random.RandomState(7)
    jittered = np.cumsum(rng.randint(15000, 70000, 90)) / 1e6
    dropped = [k / 30 for k in range(90) if k % 7 not in (2, 3) and not 40 <= k < 52]
    streams = {
        "constant_30": ([k / 30 for k in range(75)], ((2.0, 2.0), (74 / 30, 2.0), (1.0, 0.5))),
        "constant_29.97": ([k * 1001 / 30000 for k in range(80)], ((79 * 1001 / 30000, 2.0), (2.0, 1.0))),
        "constant_240": ([k / 240 for k in range(300)], ((1.2, 1.0),)),
        "jittered": ([float(t) for t in jittered], ((float(jittered[80]), 2.0), (3.0, 1.3))),
        "dropped": (dropped, ((dropped[-1], 2.0), (2.5, 2.0))),
        "slow": ([0.0, 0.4, 0.8, 1.2, 1.6], ((1.6, 2.0), (1.6, 1.0), (1.6, 0.3))),
        "tie": ([0.0, 1.0, 2.0, 2.5, 3.0, 4.0, 4.5, 5.0], ((5.0, 8.0), (5.0, 5.0))),
        "repeated_times": ([0.0, 0.5, 0.5, 0.5, 1.0, 1.5, 1.5, 2.0], ((2.0, 2.0),)),
    }
    return [
        {
            "name": name,
            "frames": frames,
            "timestamps": times,
            "window_end_s": end,
            "window_s": length,
            "indices": window_frame_indices(times, end, length, SPEC.with_clip(frames=frames)),
        }
        for frames, (name, (times, windows)) in product((8, 4), streams.items())
        for end, length in windows
    ]


def color_cases(inputs: Blob, expected: Blob) -> list[dict[str, Any]]:
    points = np.array(list(product(LEVELS, repeat=3)), np.uint8)
    y, u, v = points.T
    return [
        {
            "matrix": c.matrix,
            "range": c.range,
            "count": len(points),
            "yuv": inputs.add(points),
            "expected": expected.add(np.stack(yuv_to_rgb(y, u, v, c.matrix, c.range, SPEC.color), axis=-1)),
        }
        for c in SPEC.color.conversions
    ]


def ten_bit_case(inputs: Blob, expected: Blob) -> dict[str, Any]:
    samples = np.arange(1024, dtype="<u2")
    eight = ten_to_eight_bits(samples, SPEC.color)
    return {"count": 1024, "samples": inputs.add(samples), "expected": expected.add(eight)}


def key_frames() -> list[int]:
    """Positions of the real clip's key frames, in presentation order."""
    with av.open(str(REAL_CLIP)) as container:
        shown = sorted((p.pts or 0, p.is_keyframe) for p in container.demux(video=0) if p.size > 0)
    return [position for position, (_, is_key) in enumerate(shown) if is_key]


def describe_decoded(frame: Frame) -> dict[str, Any]:
    """Size, colour tags and the sha256 of each plane without padding."""
    hashes = {f"{n}_sha256": sha256(p) for n, p in zip("yuv", tight_planes(frame), strict=True)}
    size = {"width": frame.width, "height": frame.height}
    return {**size, "time_s": frame.time_s, **color_tags(frame), **hashes}


def real_clip(expected: Blob) -> dict[str, Any]:
    total = frame_count(REAL_CLIP)
    indices = clip_frame_indices(total, SPEC)
    frames = read_frames(REAL_CLIP, SPEC)
    small = SPEC.with_clip(size=MIDDLE)
    pixels, small_pixels = load_clip(REAL_CLIP, SPEC).pixels, load_clip(REAL_CLIP, small).pixels
    return {
        "file": f"assets/{REAL_CLIP.name}",
        "sha256": sha256(REAL_CLIP.read_bytes()),
        "frame_count": total,
        "indices": indices,
        "key_frames": key_frames(),
        "decoded_frames": [
            {"index": index, **describe_decoded(frame)} for index, frame in zip(indices, frames, strict=True)
        ],
        "tensor": {"size": FULL, "shape": list(pixels.shape), "sha256": sha256(pixels)},
        "small_tensor": {
            "size": MIDDLE,
            "short_side": small.resize.short_side,
            "shape": list(small_pixels.shape),
            "sha256": sha256(small_pixels),
            "expected": expected.add(small_pixels),
        },
    }


def controls() -> list[dict[str, Any]]:
    rows = (
        ("antialias", "resize with a filter as wide as the reduction", "frame_cases", SHRUNK),
        ("bgr", "red and blue exchanged", "frame_cases", TINTED),
        ("squash", "resize to a square without a crop", "frame_cases", UNSQUARE),
        ("wrong_range", "limited taken for full and the reverse", "frame_cases", COLORED),
        ("wrong_matrix", "BT.601 taken for BT.709 and the reverse", "frame_cases", COLORED),
        ("ignored_stride", "row stride taken for the width, pixel stride for 1", "frame_cases", STRIDED),
        ("truncated_short_side", "sides int(side * scale), without + 0.5", "frame_cases", ROUNDED),
        ("reversed_frames", "the last frame first", "clip_cases", ["eight_orientations"]),
        ("time_channel_scramble", "bytes of C,T,H,W read as T,H,W,C", "clip_cases", ["eight_orientations"]),
        ("key_frames", "the nearest key frame at or before each index", "real_clip", ["indices"]),
    )
    return [
        {"name": name, "fault": fault, "compare": compare, "cases": cases}
        for name, fault, compare, cases in rows
    ]


def build() -> dict[Path, bytes]:
    """Every file this script is responsible for, with its content."""
    inputs, expected = Blob(), Blob()
    cases = frame_cases()
    index = {
        "format": 1,
        "spec_sha256": sha256((SPEC_FOLDER / "preprocessing.json").read_bytes()),
        "inputs": "inputs.bin",
        "expected": "expected.bin",
        "frame_cases": [describe_case(case, inputs, expected) for case in cases],
        "clip_cases": [clip_case(cases, expected)],
        "clip_index_cases": clip_index_cases(),
        "window_index_cases": window_index_cases(),
        "color_cases": color_cases(inputs, expected),
        "ten_bit_case": ten_bit_case(inputs, expected),
        "real_clip": real_clip(expected),
        "controls": controls(),
    }
    index |= {"inputs_sha256": sha256(bytes(inputs.data)), "expected_sha256": sha256(bytes(expected.data))}
    return {
        SPEC_FOLDER / "preprocessing.schema.json": (json.dumps(spec_json_schema(), indent=2) + "\n").encode(),
        GOLDEN / "index.json": json_lines(index).encode(),
        GOLDEN / "inputs.bin": bytes(inputs.data),
        GOLDEN / "expected.bin": bytes(expected.data),
    }


def json_lines(index: dict[str, Any]) -> str:
    """JSON with one case per line, so that a change shows as the lines it touches."""
    parts = []
    for key, value in index.items():
        if isinstance(value, list):
            rows = ",\n    ".join(json.dumps(row) for row in value)
            parts.append(f'  "{key}": [\n    {rows}\n  ]')
        else:
            parts.append(f'  "{key}": {json.dumps(value)}')
    return "{\n" + ",\n".join(parts) + "\n}\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a file would change")
    files = build()
    if parser.parse_args().check:
        changed = [path for path, data in files.items() if not path.is_file() or path.read_bytes() != data]
        for path in changed:
            print(f"{path.relative_to(SPEC_FOLDER.parent)}: differs; run python spec/make_golden.py")
        return 1 if changed else 0
    GOLDEN.mkdir(exist_ok=True)
    for path, data in files.items():
        path.write_bytes(data)
        print(f"{path.relative_to(SPEC_FOLDER.parent)}: {len(data)} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
