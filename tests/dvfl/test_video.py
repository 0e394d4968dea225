"""Video files: exactly the asked frames, orientation and colour honoured, one clear line for bad files."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from faults import upright_rgb
from videos import number_of, numbered_picture, numbered_video, write_audio, write_video

from dvfl import video
from dvfl.decoded import to_frame
from dvfl.errors import VideoError
from dvfl.frame import ColorMatrix, ColorRange, Frame
from dvfl.preprocess import preprocess_frame
from dvfl.sampling import clip_frame_indices
from dvfl.spec import PreprocessingSpec
from dvfl.truncation import declared_size
from dvfl.video import frame_count, iter_frames, load_clip, read_frames

SPEC = PreprocessingSpec.default().with_clip(size=32)
CODECS = [
    ("mp4", "libx264", {}),
    ("mp4", "libx265", {"x265-params": "log-level=none"}),
    ("mp4", "mpeg4", {}),
    ("mkv", "libx264", {}),
    ("webm", "libvpx-vp9", {"deadline": "realtime", "cpu-used": "8"}),
    ("ts", "libx264", {}),
    ("avi", "mpeg4", {}),
]


def number(frame: Frame) -> int:
    return number_of(frame.y.samples(frame.width, frame.height))


@pytest.mark.parametrize(("suffix", "codec", "options"), CODECS)
def test_exactly_the_asked_frames_are_read(
    tmp_path: Path, suffix: str, codec: str, options: dict[str, str]
) -> None:
    path = numbered_video(tmp_path / f"v.{suffix}", 67, codec=codec, options=options)
    assert [number(frame) for frame in read_frames(path, SPEC)] == list(clip_frame_indices(67, SPEC))


@pytest.mark.parametrize("count", [2, 3, 4, 5, 11])
def test_short_videos_follow_the_same_rule(tmp_path: Path, count: int) -> None:
    path = numbered_video(tmp_path / "v.mp4", count)
    frames = read_frames(path, SPEC)
    assert [number(frame) for frame in frames] == list(clip_frame_indices(count, SPEC))
    assert load_clip(path, SPEC).pixels.shape == (8, 32, 32, 3)


def test_a_video_with_one_key_frame_and_reordered_frames_is_read_exactly(tmp_path: Path) -> None:
    path = numbered_video(tmp_path / "v.mp4", 60, options={"g": "250", "bf": "5"})
    assert [number(frame) for frame in iter_frames(path, SPEC)] == list(range(60))
    assert [number(frame) for frame in read_frames(path, SPEC)] == list(clip_frame_indices(60, SPEC))


def test_a_variable_frame_rate_keeps_its_times_and_no_frame_is_added(tmp_path: Path) -> None:
    times = [0, 10, 20, 500, 510, 1400, 1410, 1420, 3000, 3100, 3200, 5000]
    path = numbered_video(tmp_path / "v.mp4", len(times), times=times, options={"bf": "0"})
    frames = list(iter_frames(path, SPEC))
    assert [number(frame) for frame in frames] == list(range(len(times)))
    assert [frame.time_s for frame in frames] == pytest.approx([time / 1000 for time in times], abs=1e-3)
    assert load_clip(path, SPEC).time_s == tuple(
        frames[index].time_s for index in clip_frame_indices(len(times), SPEC)
    )


def test_frames_hidden_by_an_edit_list_do_not_count(tmp_path: Path) -> None:
    path = tmp_path / "v.mp4"
    pictures = [numbered_picture(n, 96, 64) for n in range(40)]
    write_video(path, pictures, times=[(n - 10) * 40 for n in range(40)], options={"bf": "0"})
    with av.open(str(path)) as container:
        assert sum(packet.size > 0 for packet in container.demux(video=0)) == 40
    assert frame_count(path) == 30
    assert [number(frame) for frame in read_frames(path, SPEC)] == [
        10 + index for index in clip_frame_indices(30, SPEC)
    ]


def test_times_before_zero_are_counted_from_the_first_frame(tmp_path: Path) -> None:
    path = numbered_video(
        tmp_path / "v.ts",
        12,
        times=[n * 40 for n in range(12)],
        options={"bf": "0"},
        container_options={"avoid_negative_ts": "disabled", "output_ts_offset": "-2"},
    )
    with av.open(str(path)) as container:
        assert next(container.decode(video=0)).time == -2.0
    frames = list(iter_frames(path, SPEC))
    assert frames[0].time_s == 0
    assert [frame.time_s for frame in frames] == pytest.approx([n / 25 for n in range(12)])
    assert [number(frame) for frame in frames] == list(range(12))
    assert load_clip(path, SPEC).time_s == tuple(
        frames[index].time_s for index in clip_frame_indices(12, SPEC)
    )


@pytest.mark.parametrize("guess", [0, 1, 39, 41, 500])
def test_a_wrong_packet_count_is_corrected_by_decoding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, guess: int
) -> None:
    path = numbered_video(tmp_path / "v.mp4", 40)
    monkeypatch.setattr(video, "_expected_count", lambda *_: guess)
    assert [number(frame) for frame in read_frames(path, SPEC)] == list(clip_frame_indices(40, SPEC))


def display_matrix(a: int, b: int, c: int, d: int) -> list[int]:
    one = 1 << 16
    return [a * one, b * one, 0, c * one, d * one, 0, 0, 0, 1 << 30]


@pytest.mark.parametrize(
    "signs",
    [
        *((1, 0, 0, 1), (0, 1, -1, 0), (-1, 0, 0, -1), (0, -1, 1, 0)),
        *((-1, 0, 0, 1), (0, 1, 1, 0), (1, 0, 0, -1), (0, -1, -1, 0)),
    ],
)
def test_the_display_matrix_is_honoured(tmp_path: Path, signs: tuple[int, int, int, int]) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (48, 80, 3), dtype=np.uint8)
    how: dict[str, Any] = {"options": {"qp": "0"}}
    plain = write_video(tmp_path / "plain.mp4", [picture] * 4, **how)
    turned = write_video(
        tmp_path / "turned.mp4",
        [picture] * 4,
        prepare=lambda stream: stream.set_display_matrix(display_matrix(*signs)),
        **how,
    )
    stored = upright_rgb(next(iter_frames(plain, SPEC)), SPEC)
    a, b, c, d = signs
    q, p = np.mgrid[0:48, 0:80]
    x, y = a * p + c * q, b * p + d * q
    x, y = x - x.min(), y - y.min()
    shown = np.zeros((y.max() + 1, x.max() + 1, 3), np.uint8)
    shown[y, x] = stored
    np.testing.assert_array_equal(upright_rgb(next(iter_frames(turned, SPEC)), SPEC), shown)


def test_a_tilted_display_matrix_is_refused(tmp_path: Path) -> None:
    path = numbered_video(
        tmp_path / "v.mp4", 4, prepare=lambda stream: stream.set_display_rotation(30, False, False)
    )
    with pytest.raises(VideoError, match="multiples of 90"):
        load_clip(path, SPEC)


@pytest.mark.parametrize(("width", "height"), [(97, 64), (96, 63), (97, 63)])
def test_odd_dimensions_are_read_whole(tmp_path: Path, width: int, height: int) -> None:
    path = numbered_video(tmp_path / "v.mkv", 12, width, height, codec="ffv1")
    frames = read_frames(path, SPEC)
    assert {(frame.width, frame.height) for frame in frames} == {(width, height)}
    assert [number(frame) for frame in frames] == list(clip_frame_indices(12, SPEC))
    assert load_clip(path, SPEC).size == (32, 32)


GREY = np.full((64, 96, 3), 128, np.uint8)


@pytest.mark.parametrize(
    ("pixel_format", "codec", "color_range"),
    [
        ("yuv420p", "libx264", ColorRange.LIMITED),
        ("yuvj420p", "libx264", ColorRange.FULL),
        ("nv12", "libx264", ColorRange.LIMITED),
        ("yuv420p10le", "libx264", ColorRange.LIMITED),
        ("yuv420p10le", "ffv1", ColorRange.LIMITED),
    ],
)
def test_each_defined_pixel_format_shows_the_same_grey(
    tmp_path: Path, pixel_format: str, codec: str, color_range: ColorRange
) -> None:
    path = write_video(tmp_path / "v.mkv", [GREY] * 6, codec=codec, pixel_format=pixel_format)
    seen = read_frames(path, SPEC)[0].color_range
    assert (seen or SPEC.color.untagged_range) == color_range
    assert np.abs(load_clip(path, SPEC).pixels.astype(int) - 128).max() <= 3


@pytest.mark.parametrize("pixel_format", ["nv12", "nv21", "p010le", "yuv420p10le"])
def test_decoder_layouts_give_the_samples_of_planar_eight_bits(pixel_format: str) -> None:
    rng = np.random.default_rng(3)
    planar = av.VideoFrame.from_ndarray(rng.integers(16, 236, (48 * 3 // 2, 64), np.uint8), format="yuv420p")
    other = planar.reformat(format=pixel_format)
    first, second = (to_frame(picture, 0.0, SPEC) for picture in (planar, other))
    for name in ("y", "u", "v"):
        size = (64, 48) if name == "y" else (32, 24)
        np.testing.assert_array_equal(
            getattr(first, name).samples(*size), getattr(second, name).samples(*size), name
        )


@pytest.mark.parametrize(
    ("code", "matrix"), [(1, ColorMatrix.BT709), (5, ColorMatrix.BT601), (6, ColorMatrix.BT601)]
)
def test_a_tagged_matrix_is_honoured(tmp_path: Path, code: int, matrix: ColorMatrix) -> None:
    path = numbered_video(
        tmp_path / "v.mp4", 4, prepare=lambda stream: setattr(stream.codec_context, "colorspace", code)
    )
    assert read_frames(path, SPEC)[0].matrix == matrix


def test_an_untagged_stream_gets_the_defaults_of_the_spec(tmp_path: Path) -> None:
    path = numbered_video(tmp_path / "v.mkv", 4, codec="ffv1")
    with av.open(str(path)) as container:
        picture = next(container.decode(video=0))
    assert int(picture.colorspace) == SPEC.color.untagged_code
    picture.color_range = 0
    frame = to_frame(picture, 0.0, SPEC)
    assert (frame.matrix, frame.color_range) == (None, None)
    told = replace(
        frame,
        matrix=ColorMatrix(SPEC.color.untagged_matrix),
        color_range=ColorRange(SPEC.color.untagged_range),
    )
    np.testing.assert_array_equal(preprocess_frame(frame, SPEC), preprocess_frame(told, SPEC))


@pytest.mark.parametrize(
    ("attribute", "code", "words"),
    [
        ("color_trc", 16, r"HDR \(PQ\)"),
        ("color_trc", 18, r"HDR \(HLG\)"),
        ("color_primaries", 9, "BT2020"),
        ("colorspace", 9, "matrix code 9"),
    ],
)
@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv420p10le"])
def test_hdr_and_wide_gamut_are_refused(
    tmp_path: Path, attribute: str, code: int, words: str, pixel_format: str
) -> None:
    path = numbered_video(
        tmp_path / "v.mp4",
        4,
        pixel_format=pixel_format,
        prepare=lambda stream: setattr(stream.codec_context, attribute, code),
    )
    with pytest.raises(VideoError, match=words):
        load_clip(path, SPEC)


@pytest.mark.parametrize("pixel_format", ["yuv422p", "yuv444p"])
def test_other_pixel_formats_are_refused_by_name(tmp_path: Path, pixel_format: str) -> None:
    path = numbered_video(tmp_path / "v.mp4", 4, pixel_format=pixel_format)
    with pytest.raises(VideoError, match=f"pixel format {pixel_format}.*ffmpeg"):
        load_clip(path, SPEC)


def cut(path: Path, share: float) -> int:
    return path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])


def changed(path: Path) -> int:
    data = bytearray(path.read_bytes())
    for place in np.random.default_rng(1).integers(len(data) // 3, len(data) * 2 // 3, 20):
        data[place] ^= 0x5A
    return path.write_bytes(data)


def noisy_video(path: Path, **how: Any) -> Path:
    noise = np.random.default_rng(0).integers(0, 256, (40, 64, 96, 3), dtype=np.uint8)
    return write_video(path, list(noise), **how)


FAST_START = {"movflags": "faststart"}
FRAGMENTS = {"movflags": "frag_keyframe+empty_moov"}
BAD: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing.mp4": (lambda path: None, "no such file"),
    "folder.mp4": (lambda path: path.mkdir(), "is a folder"),
    "empty.mp4": (lambda path: path.touch(), "is empty"),
    "text.mp4": (lambda path: path.write_text("not a video\n" * 99), "cannot be read as a video"),
    "noise.mp4": (lambda path: path.write_bytes(bytes(range(256)) * 20), "cannot be read as a video"),
    "audio.m4a": (write_audio, "no video stream, it holds only audio"),
    "one.mp4": (lambda path: numbered_video(path, 1), "only one frame"),
    "photo.png": (
        lambda path: numbered_video(path, 1, codec="png", pixel_format="rgb24"),
        "pixel format rgb24",
    ),
    "cut_end.mp4": (lambda path: (noisy_video(path), cut(path, 0.6)), "cut off"),
    "cut_start.mp4": (
        lambda path: (noisy_video(path, container_options=FAST_START), cut(path, 0.6)),
        "cut off",
    ),
    "cut_parts.mp4": (
        lambda path: (noisy_video(path, container_options=FRAGMENTS), cut(path, 0.6)),
        "damaged",
    ),
    "cut.mkv": (lambda path: (noisy_video(path), cut(path, 0.6)), "cut off"),
    "cut.avi": (lambda path: (noisy_video(path, codec="mpeg4"), cut(path, 0.6)), "cut off"),
    "changed.mp4": (lambda path: (noisy_video(path), changed(path)), "damaged"),
    "changed.mkv": (lambda path: (noisy_video(path), changed(path)), "damaged"),
    "changed.ts": (lambda path: (noisy_video(path), changed(path)), "damaged"),
    "null\0byte.mp4": (lambda path: None, "cannot be read"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_gets_one_clear_line_and_libav_stays_silent(
    tmp_path: Path, name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / name
    make, words = BAD[name]
    make(path)
    capfd.readouterr()
    with pytest.raises(VideoError, match=words) as caught:
        load_clip(path, SPEC)
    message = str(caught.value)
    assert message.startswith(str(path))
    assert "\n" not in message
    assert caught.value.__cause__ is None
    assert capfd.readouterr() == ("", "")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_file_gets_one_clear_line(tmp_path: Path) -> None:
    path = numbered_video(tmp_path / "v.mp4", 4)
    path.chmod(0)
    with pytest.raises(VideoError, match="cannot be read"):
        load_clip(path, SPEC)


@pytest.mark.parametrize("share", [0.3, 0.5, 0.9, 0.99])
def test_a_cut_at_any_place_is_noticed(tmp_path: Path, share: float) -> None:
    for suffix in ("mp4", "mkv"):
        path = noisy_video(tmp_path / f"v.{suffix}", container_options={})
        cut(path, share)
        with pytest.raises(VideoError):
            load_clip(path, SPEC)


@pytest.mark.parametrize(("suffix", "codec"), [("mp4", "libx264"), ("mkv", "libx264"), ("avi", "mpeg4")])
def test_a_whole_file_says_its_own_size(tmp_path: Path, suffix: str, codec: str) -> None:
    path = numbered_video(tmp_path / f"v.{suffix}", 12, codec=codec)
    size = path.stat().st_size
    with path.open("rb") as file:
        assert declared_size(file, size) == size


def test_bytes_after_the_last_box_do_no_harm(tmp_path: Path) -> None:
    path = numbered_video(tmp_path / "v.mp4", 12)
    path.write_bytes(path.read_bytes() + b"\xff\xff\xff\xffjunk")
    assert len(read_frames(path, SPEC)) == 8


def test_a_name_with_a_colon_is_a_file_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    numbered_video(tmp_path / "v.mp4", 12).rename(tmp_path / "http:a %d é.mp4")
    monkeypatch.chdir(tmp_path)
    assert len(read_frames("http:a %d é.mp4", SPEC)) == 8


def test_frames_outlive_the_file_and_the_decoder(tmp_path: Path) -> None:
    path = numbered_video(tmp_path / "v.mp4", 40)
    frames = read_frames(path, SPEC)
    before = [number(frame) for frame in frames]
    path.unlink()
    assert [number(frame) for frame in frames] == before
