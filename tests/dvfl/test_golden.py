"""The golden vectors, read as every SDK reads them, and the faults that they must catch."""

from __future__ import annotations

import gzip
import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from faults import CLIP_FAULTS, FRAME_FAULTS, AnyFrame, nearest_key_frames

from dvfl.color import ten_to_eight_bits, yuv_to_rgb
from dvfl.frame import ColorMatrix, ColorRange, Frame, Pixels, Plane, Rect, RgbFrame
from dvfl.preprocess import preprocess_clip, preprocess_frame
from dvfl.sampling import clip_frame_indices, window_frame_indices
from dvfl.spec import PreprocessingSpec
from dvfl.video import iter_frames, load_clip, read_frames

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "spec" / "golden"
INDEX: dict[str, Any] = json.loads((GOLDEN / "index.json").read_text())
INPUTS = np.frombuffer((GOLDEN / INDEX["inputs"]).read_bytes(), np.uint8)
EXPECTED = np.frombuffer((GOLDEN / INDEX["expected"]).read_bytes(), np.uint8)
CASES: dict[str, dict[str, Any]] = {case["name"]: case for case in INDEX["frame_cases"]}
CONTROLS: list[dict[str, Any]] = INDEX["controls"]
SPEC = PreprocessingSpec.default()


def piece(blob: Pixels, place: dict[str, int]) -> Pixels:
    return blob[place["offset"] : place["offset"] + place["length"]]


def frame_of(case: dict[str, Any]) -> AnyFrame:
    if case["kind"] == "rgb":
        pixels = piece(INPUTS, case["pixels"]).reshape(case["height"], case["width"], 3)
        return RgbFrame(pixels, 0.0, Rect(*case["crop"]), case["rotation"], case["mirrored"])
    y, u, v = (
        Plane(piece(INPUTS, case[name]), case[name]["row_stride"], case[name]["pixel_stride"])
        for name in "yuv"
    )
    return Frame(
        0.0,
        y,
        u,
        v,
        case["width"],
        case["height"],
        crop=Rect(*case["crop"]),
        rotation=case["rotation"],
        mirrored=case["mirrored"],
        matrix=ColorMatrix(case["matrix"]),
        color_range=ColorRange(case["range"]),
    )


def expected_frame(case: dict[str, Any]) -> Pixels:
    return piece(EXPECTED, case["expected"]).reshape(case["size"], case["size"], 3)


def control(name: str) -> dict[str, Any]:
    return next(row for row in CONTROLS if row["name"] == name)


def sha256(pixels: Pixels) -> str:
    return hashlib.sha256(np.ascontiguousarray(pixels).tobytes()).hexdigest()


@pytest.mark.parametrize("name", CASES)
def test_a_frame_equals_its_golden_vector(name: str) -> None:
    case = CASES[name]
    spec = SPEC.with_clip(size=case["size"])
    assert spec.resize.short_side == case["short_side"]
    np.testing.assert_array_equal(preprocess_frame(frame_of(case), spec), expected_frame(case))


@pytest.mark.parametrize("case", INDEX["clip_cases"], ids=lambda case: case["name"])
def test_a_clip_equals_its_golden_vector(case: dict[str, Any]) -> None:
    frames = [frame_of(CASES[name]) for name in case["frames"]]
    clip = preprocess_clip(frames, SPEC.with_clip(frames=len(frames), size=case["size"]))
    np.testing.assert_array_equal(clip.pixels, piece(EXPECTED, case["expected"]).reshape(case["shape"]))


def test_clip_indices_equal_their_golden_vectors() -> None:
    for case in INDEX["clip_index_cases"]:
        spec = SPEC.with_clip(frames=case["frames"])
        assert list(clip_frame_indices(case["frame_count"], spec)) == case["indices"]


@pytest.mark.parametrize("case", INDEX["window_index_cases"], ids=lambda case: case["name"])
def test_window_indices_equal_their_golden_vectors(case: dict[str, Any]) -> None:
    spec = SPEC.with_clip(frames=case["frames"])
    indices = window_frame_indices(case["timestamps"], case["window_end_s"], case["window_s"], spec)
    assert list(indices) == case["indices"]


@pytest.mark.parametrize("case", INDEX["color_cases"], ids=lambda case: f"{case['matrix']}-{case['range']}")
def test_color_points_equal_their_golden_vectors(case: dict[str, Any]) -> None:
    y, u, v = piece(INPUTS, case["yuv"]).reshape(-1, 3).T
    rgb = np.stack(yuv_to_rgb(y, u, v, case["matrix"], case["range"], SPEC.color), axis=-1)
    np.testing.assert_array_equal(rgb.reshape(-1), piece(EXPECTED, case["expected"]))


def test_ten_bit_samples_equal_their_golden_vector() -> None:
    case = INDEX["ten_bit_case"]
    samples = piece(INPUTS, case["samples"]).view("<u2")
    np.testing.assert_array_equal(ten_to_eight_bits(samples, SPEC.color), piece(EXPECTED, case["expected"]))


def test_the_real_clip_gives_the_golden_tensor_from_the_file_on() -> None:
    real = INDEX["real_clip"]
    path = ROOT / real["file"]
    assert hashlib.sha256(path.read_bytes()).hexdigest() == real["sha256"]
    assert list(clip_frame_indices(real["frame_count"], SPEC)) == real["indices"]
    assert sha256(load_clip(path, SPEC).pixels) == real["tensor"]["sha256"]
    small = real["small_tensor"]
    pixels = load_clip(path, SPEC.with_clip(size=small["size"])).pixels
    assert sha256(pixels) == small["sha256"]
    np.testing.assert_array_equal(pixels.reshape(-1), piece(EXPECTED, small["expected"]))


def test_the_stored_planes_of_the_real_clip_give_the_golden_tensors() -> None:
    real = INDEX["real_clip"]
    packed = (GOLDEN / real["planes"]["file"]).read_bytes()
    data = gzip.decompress(packed)
    assert packed[4:8] == bytes(4), "the gzip file holds a time stamp"
    assert len(data) == real["planes"]["length"]
    assert hashlib.sha256(data).hexdigest() == real["planes"]["sha256"]
    frames = list(frames_of_planes(np.frombuffer(data, np.uint8), real["decoded_frames"]))
    for tensor in (real["tensor"], real["small_tensor"]):
        clip = preprocess_clip(frames, SPEC.with_clip(size=tensor["size"]))
        assert sha256(clip.pixels) == tensor["sha256"]


def frames_of_planes(data: Pixels, rows: list[dict[str, Any]]) -> Iterator[Frame]:
    """The frames of ``real_clip.planes``; every plane has the sha256 of its row, and nothing is left over."""
    offset = 0
    for row in rows:
        width, height = row["width"], row["height"]
        chroma = ((width + 1) // 2, (height + 1) // 2)
        planes = []
        for name, (columns, lines) in (("y", (width, height)), ("u", chroma), ("v", chroma)):
            samples = data[offset : offset + columns * lines].reshape(lines, columns)
            assert sha256(samples) == row[f"{name}_sha256"]
            planes.append(Plane.from_array(samples))
            offset += columns * lines
        yield Frame(
            row["time_s"],
            *planes,
            width=width,
            height=height,
            matrix=ColorMatrix(row["matrix"]),
            color_range=ColorRange(row["range"]),
        )
    assert offset == len(data)


def test_the_real_clip_decodes_to_the_golden_planes() -> None:
    real = INDEX["real_clip"]
    frames = read_frames(ROOT / real["file"], SPEC)
    for frame, golden in zip(frames, real["decoded_frames"], strict=True):
        assert (frame.width, frame.height, frame.time_s) == (
            golden["width"],
            golden["height"],
            golden["time_s"],
        )
        assert (frame.matrix, frame.color_range) == (golden["matrix"], golden["range"])
        assert sha256(frame.y.samples(frame.width, frame.height)) == golden["y_sha256"]
        assert sha256(frame.u.samples(*frame.chroma_size)) == golden["u_sha256"]
        assert sha256(frame.v.samples(*frame.chroma_size)) == golden["v_sha256"]


def test_the_index_names_the_spec_and_the_binary_files_it_was_made_with() -> None:
    for name, path in (
        ("spec_sha256", ROOT / "spec" / "preprocessing.json"),
        ("inputs_sha256", GOLDEN / INDEX["inputs"]),
        ("expected_sha256", GOLDEN / INDEX["expected"]),
    ):
        assert hashlib.sha256(path.read_bytes()).hexdigest() == INDEX[name]


def test_the_script_writes_the_same_bytes_again() -> None:
    script = [sys.executable, str(ROOT / "spec" / "make_golden.py"), "--check"]
    result = subprocess.run(script, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout) == (0, ""), result.stdout + result.stderr


def test_the_golden_files_stay_small_enough_for_git() -> None:
    assert sum(path.stat().st_size for path in GOLDEN.iterdir() if path.is_file()) < 1_800_000


def test_every_control_of_the_index_is_implemented() -> None:
    implemented = {*FRAME_FAULTS, *CLIP_FAULTS, "key_frames"}
    assert {row["name"] for row in CONTROLS} == implemented


@pytest.mark.parametrize(
    ("fault", "name"), [(fault, name) for fault in FRAME_FAULTS for name in control(fault)["cases"]]
)
def test_the_comparison_of_frames_catches(fault: str, name: str) -> None:
    case = CASES[name]
    wrong = FRAME_FAULTS[fault](frame_of(case), SPEC.with_clip(size=case["size"]))
    assert wrong.shape == expected_frame(case).shape
    assert not np.array_equal(wrong, expected_frame(case))


@pytest.mark.parametrize("fault", CLIP_FAULTS)
def test_the_comparison_of_clips_catches(fault: str) -> None:
    clips = {case["name"]: case for case in INDEX["clip_cases"]}
    for name in control(fault)["cases"]:
        expected = piece(EXPECTED, clips[name]["expected"]).reshape(clips[name]["shape"])
        wrong = CLIP_FAULTS[fault](expected)
        assert wrong.shape == expected.shape
        assert not np.array_equal(wrong, expected)


def test_the_comparison_of_the_real_clip_catches_key_frames() -> None:
    real = INDEX["real_clip"]
    wrong = nearest_key_frames(real["indices"], real["key_frames"])
    assert wrong != real["indices"]
    every = list(iter_frames(ROOT / real["file"], SPEC))
    assert len(every) == real["frame_count"]
    assert (
        sha256(preprocess_clip([every[i] for i in real["indices"]], SPEC).pixels) == real["tensor"]["sha256"]
    )
    assert sha256(preprocess_clip([every[i] for i in wrong], SPEC).pixels) != real["tensor"]["sha256"]
