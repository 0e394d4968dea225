"""Write the golden vectors of ``spec/golden`` and the JSON Schema of the spec; the same bytes every time.

``python spec/make_golden.py`` writes them; ``--check`` writes nothing and exits 1 when a file would change.
The layout is described in ``spec/README.md``.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import sys
import zlib
from itertools import product
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
from golden_frames import FULL, MIDDLE, REAL_CLIP, SMALL, SPEC, Case, frame_cases, tight_planes
from golden_streams import predictions, streams

from dvfl.color import ten_to_eight_bits, yuv_to_rgb
from dvfl.frame import ColorMatrix, ColorRange, Frame, RgbFrame
from dvfl.preprocess import preprocess_clip, preprocess_frame
from dvfl.sampling import clip_frame_indices, window_frame_indices
from dvfl.spec import spec_json_schema
from dvfl.video import frame_count, load_clip, read_frames

SPEC_FOLDER = Path(__file__).resolve().parent
GOLDEN = SPEC_FOLDER / "golden"
PLANES = "real_clip.i420.gz"
LEVELS = (0, 1, 15, 16, 17, 64, 127, 128, 129, 200, 235, 236, 240, 241, 254, 255)
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


def sha256(data: bytes | npt.NDArray[Any]) -> str:
    return hashlib.sha256(data if isinstance(data, bytes) else data.tobytes()).hexdigest()


def describe_case(case: Case, inputs: Blob, expected: Blob) -> dict[str, Any]:
    spec = SPEC.with_clip(size=case.size)
    row: dict[str, Any] = {
        "name": case.name,
        "size": case.size,
        "short_side": spec.resize.short_side,
        "kind": "rgb" if isinstance(case.frame, RgbFrame) else "yuv420",
    }
    frame = case.frame
    row |= {
        "width": frame.width,
        "height": frame.height,
        "crop": list(frame.rect),
        "rotation": frame.rotation,
        "mirrored": frame.mirrored,
    }
    if isinstance(frame, RgbFrame):
        row["pixels"] = inputs.add(frame.pixels)
    else:
        row |= color_tags(frame)
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


def real_planes() -> bytes:
    """Y, U and V of each asked frame of the real clip, without padding, one after the other."""
    return b"".join(
        plane.tobytes() for frame in read_frames(REAL_CLIP, SPEC) for plane in tight_planes(frame)
    )


def zipped(data: bytes) -> bytes:
    """gzip of ``data``, without a time stamp."""
    return gzip.compress(data, mtime=0)


def is_stored(path: Path, data: bytes) -> bool:
    """Whether a file holds ``data``; a gzip file is unpacked, since zlib versions compress differently."""
    if not path.is_file():
        return False
    stored = path.read_bytes()
    if path.suffix != ".gz":
        return stored == data
    try:
        return gzip.decompress(stored) == gzip.decompress(data)
    except (OSError, EOFError, zlib.error):
        return False


def real_clip(expected: Blob) -> dict[str, Any]:
    total = frame_count(REAL_CLIP)
    indices = clip_frame_indices(total, SPEC)
    frames = read_frames(REAL_CLIP, SPEC)
    planes = real_planes()
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
        "planes": {"file": PLANES, "length": len(planes), "sha256": sha256(planes)},
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
    spec_sha256 = sha256((SPEC_FOLDER / "preprocessing.json").read_bytes())
    index = {
        "format": 1,
        "spec_sha256": spec_sha256,
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
        GOLDEN / PLANES: zipped(real_planes()),
        GOLDEN / "streams.json": json_lines(streams(spec_sha256)).encode(),
        GOLDEN / "predictions.json": json_lines(predictions()).encode(),
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
        changed = [path for path, data in files.items() if not is_stored(path, data)]
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
