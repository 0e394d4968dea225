"""What making a clip of a file costs beyond decoding: samples read, memory taken, files opened, time."""

from __future__ import annotations

import importlib
import tracemalloc
from pathlib import Path
from types import ModuleType
from typing import Any

import av
import numpy as np
import pytest
from videos import numbered_video, write_video

from dvfl import preprocess, resize, video
from dvfl.decoded import borrowed_frame, to_frame
from dvfl.frame import DeepFrame, Frame, Plane
from dvfl.preprocess import preprocess_clip, preprocess_frame
from dvfl.resize import crop_taps
from dvfl.sampling import clip_frame_indices
from dvfl.spec import PreprocessingSpec
from dvfl.video import iter_frames, load_clip, read_frames

SPEC = PreprocessingSpec.default().with_clip(size=32)
TAPS = 4 * SPEC.crop.size**2
FRAMES = 40
QUARTER_TURN = [0, 1 << 16, 0, -(1 << 16), 0, 0, 0, 0, 1 << 30]


def noise_video(path: Path, count: int = FRAMES, size: tuple[int, int] = (160, 120), **how: Any) -> Path:
    pictures = np.random.default_rng(0).integers(0, 256, (count, size[1], size[0], 3), dtype=np.uint8)
    return write_video(path, list(pictures), **how)


def planes(frame: Frame) -> list[tuple[Plane, tuple[int, int]]]:
    return [
        (frame.y, (frame.width, frame.height)),
        (frame.u, frame.chroma_size),
        (frame.v, frame.chroma_size),
    ]


def counted(monkeypatch: pytest.MonkeyPatch, module: ModuleType, name: str) -> list[Any]:
    """The first argument of each call of a function."""
    seen: list[Any] = []
    function = getattr(module, name)

    def counting(first: Any, *rest: Any, **named: Any) -> Any:
        seen.append(first)
        return function(first, *rest, **named)

    monkeypatch.setattr(module, name, counting)
    return seen


@pytest.mark.parametrize("size", [32, 150])
@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("v.mp4", {}),
        ("v.mkv", {"codec": "ffv1", "pixel_format": "yuv420p10le"}),
        ("v.mp4", {"prepare": lambda stream: stream.set_display_matrix(QUARTER_TURN)}),
        (
            "v.mp4",
            {
                "pixel_format": "yuv420p10le",
                "prepare": lambda stream: stream.set_display_matrix(QUARTER_TURN),
            },
        ),
    ],
    ids=["8 bits", "10 bits", "8 bits turned", "10 bits turned"],
)
def test_the_short_way_gives_the_bytes_of_the_long_way(
    tmp_path: Path, name: str, how: dict[str, Any], size: int
) -> None:
    spec = SPEC.with_clip(size=size)
    path = noise_video(tmp_path / name, 12, **how)
    short, long = load_clip(path, spec), preprocess_clip(read_frames(path, spec), spec)
    np.testing.assert_array_equal(short.pixels, long.pixels)
    assert short.time_s == long.time_s


@pytest.mark.parametrize("pixel_format", ["yuv420p", "nv12", "nv21", "yuv420p10le", "p010le"])
def test_every_layout_may_stay_where_its_decoder_left_it(pixel_format: str) -> None:
    words = np.random.default_rng(1).integers(0, 1024, (90 * 3 // 2, 122), np.uint16)
    picture = av.VideoFrame.from_ndarray(words, format="yuv420p10le").reformat(format=pixel_format)
    borrowed, whole = borrowed_frame(picture, 0.0, SPEC), to_frame(picture, 0.0, SPEC)
    assert isinstance(borrowed, DeepFrame) == ("10" in pixel_format)
    np.testing.assert_array_equal(preprocess_frame(borrowed, SPEC), preprocess_frame(whole, SPEC))


@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv420p10le"])
def test_only_the_samples_behind_the_crop_of_the_asked_frames_are_converted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pixel_format: str
) -> None:
    path = noise_video(tmp_path / "v.mp4", pixel_format=pixel_format)
    converted = counted(monkeypatch, preprocess, "yuv_to_rgb")
    rounded = counted(monkeypatch, preprocess, "words_to_eight_bits")
    frames = counted(monkeypatch, video, "borrowed_frame")
    load_clip(path, SPEC)
    asked = len(set(clip_frame_indices(FRAMES, SPEC)))
    assert len(frames) == asked
    assert sum(luma.size for luma in converted) == asked * TAPS
    assert sum(low.size for low in rounded) == (3 * asked * TAPS if "10" in pixel_format else 0)


def test_a_frame_that_is_asked_for_twice_is_converted_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = noise_video(tmp_path / "v.mp4", 5)
    converted = counted(monkeypatch, preprocess, "yuv_to_rgb")
    load_clip(path, SPEC)
    assert len(converted) == len(set(clip_frame_indices(5, SPEC))) < SPEC.temporal.frames


@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv420p10le"])
def test_no_plane_is_ever_copied(tmp_path: Path, pixel_format: str) -> None:
    width, height = 1280, 960
    path = numbered_video(tmp_path / "v.mp4", 12, width, height, pixel_format=pixel_format)
    load_clip(path, SPEC)
    tracemalloc.start()
    try:
        load_clip(path, SPEC)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        held = read_frames(path, SPEC)
        _, of_frames = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < width * height / 3
    assert len(held) == 8
    # Control: 10-bit frames that are handed out are rounded whole, and the measure sees it.
    assert (of_frames > 8 * width * height) == ("10" in pixel_format)


def test_frames_held_while_decoding_goes_on_keep_their_samples(tmp_path: Path) -> None:
    path = noise_video(tmp_path / "v.mp4", options={"g": "250", "bf": "3"})
    held, copies = [], []
    for frame in iter_frames(path, SPEC):
        held.append(frame)
        copies.append([plane.samples(*size).copy() for plane, size in planes(frame)])
    path.unlink()
    assert len(held) == FRAMES
    for frame, copied in zip(held, copies, strict=True):
        for (plane, size), samples in zip(planes(frame), copied, strict=True):
            np.testing.assert_array_equal(plane.samples(*size), samples)


def test_nobody_can_write_into_the_decoders_memory(tmp_path: Path) -> None:
    frame = read_frames(numbered_video(tmp_path / "v.mp4", 4), SPEC)[0]
    for plane, _ in planes(frame):
        with pytest.raises(ValueError, match="read-only"):
            plane.data[0] = 0
        with pytest.raises(ValueError, match="WRITEABLE"):
            plane.data.setflags(write=True)


@pytest.mark.parametrize(("suffix", "times_opened"), [("mp4", 1), ("mov", 1), ("mkv", 2), ("ts", 2)])
def test_a_file_whose_container_brings_an_index_is_opened_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, times_opened: int
) -> None:
    path = numbered_video(tmp_path / f"v.{suffix}")
    opened = counted(monkeypatch, av, "open")
    decodings = counted(monkeypatch, video, "_pictures")
    load_clip(path, SPEC)
    assert (len(opened), len(decodings)) == (times_opened, 1)


def test_an_edit_list_does_not_cost_a_second_decoding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = numbered_video(tmp_path / "v.mp4", times=[(n - 10) * 40 for n in range(40)], options={"bf": "0"})
    decodings = counted(monkeypatch, video, "_pictures")
    assert len(read_frames(path, SPEC)) == 8
    assert len(decodings) == 1


def test_an_index_that_is_not_whole_is_corrected_by_decoding(tmp_path: Path) -> None:
    path = noise_video(
        tmp_path / "v.mp4",
        options={"g": "10"},
        container_options={"movflags": "frag_keyframe+delay_moov"},
    )
    every = list(iter_frames(path, SPEC))
    assert [frame.time_s for frame in read_frames(path, SPEC)] == [
        every[index].time_s for index in clip_frame_indices(FRAMES, SPEC)
    ]


def test_the_taps_of_a_clip_are_computed_once_and_cannot_be_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = noise_video(tmp_path / "v.mp4", 12, (166, 122))
    axes = counted(monkeypatch, resize, "axis_taps")
    load_clip(path, SPEC)
    assert len(axes) == 2
    for taps in crop_taps(166, 122, SPEC):
        with pytest.raises(ValueError, match="read-only"):
            taps.first[0] = 1


@pytest.mark.slow
def test_beyond_decoding_a_clip_costs_a_tenth_of_whole_frames_at_most(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(Path(__file__).resolve().parents[2] / "benchmarks")
    measure: Any = importlib.import_module("preprocessing")
    path = numbered_video(tmp_path / "v.mp4", 40, 1920, 1080, options={"preset": "ultrafast"})
    costs = measure.interleaved(path, 2, (measure.DECODING, measure.OURS, measure.EXACT))
    assert measure.beyond(costs, measure.EXACT)[0] > 10 * measure.beyond(costs, measure.OURS)[0] > 0
