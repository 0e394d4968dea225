"""Decoding only what a clip needs gives the frames that decoding everything gives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from videos import number_of, numbered_picture, numbered_video, write_video

from dvfl.errors import VideoError
from dvfl.frame import Frame
from dvfl.spec import PreprocessingSpec
from dvfl_training.data import decoding
from dvfl_training.data.decoding import decode_by_seeking, decode_frames, decode_in_order
from dvfl_training.errors import DataError

SPEC = PreprocessingSpec.default().with_clip(size=32)
GROUPS = {"g": "12", "keyint_min": "12", "sc_threshold": "0"}
REORDERED = {**GROUPS, "bf": "3"}
EXACT: dict[str, dict[str, Any]] = {
    "reordered.mp4": {"options": REORDERED},
    "open.mp4": {"options": {**REORDERED, "x264-params": "open-gop=1"}},
    "one-group.mp4": {"options": {"g": "250", "bf": "3"}},
    "hevc.mp4": {"codec": "libx265", "options": {"x265-params": "keyint=12:bframes=3:log-level=none"}},
    "reordered.mkv": {"options": REORDERED},
    "vp9.webm": {"codec": "libvpx-vp9", "options": {"g": "12", "deadline": "realtime", "cpu-used": "8"}},
    "mpeg4.avi": {"codec": "mpeg4", "options": {"g": "12"}},
    "variable.mp4": {"times": [n * n * 3 for n in range(60)], "options": {**GROUPS, "bf": "2"}},
    "late.mp4": {"times": [700 + n * 40 for n in range(60)], "options": REORDERED},
}
# Their key frames or times do not allow it; they are decoded from the start.
INEXACT: dict[str, dict[str, Any]] = {
    "refresh.mp4": {"options": {"x264-params": "intra-refresh=1:keyint=12"}},
    "reordered.ts": {"options": REORDERED},
    "reordered.avi": {"codec": "mpeg4", "options": {"g": "12", "bf": "2"}},
}
COUNT = 60
CHOICES = ([0], [59], [3, 4], [11], [12], [13, 25, 26, 59], [5, 40], list(range(0, COUNT, 7)))


def number(frame: Frame) -> int:
    return number_of(frame.y.samples(frame.width, frame.height))


def same(one: Frame, other: Frame) -> bool:
    planes = [
        [getattr(frame, name).samples(*size) for name, size in zip("yuv", sizes(frame), strict=True)]
        for frame in (one, other)
    ]
    return one.time_s == other.time_s and all(map(np.array_equal, *planes))


def sizes(frame: Frame) -> list[tuple[int, int]]:
    return [(frame.width, frame.height), frame.chroma_size, frame.chroma_size]


@pytest.mark.parametrize("name", EXACT)
def test_seeking_finds_the_same_frames_as_decoding_everything(tmp_path: Path, name: str) -> None:
    path = numbered_video(tmp_path / name, COUNT, **EXACT[name])
    everything = decode_in_order(path, range(COUNT), SPEC)
    for wanted in CHOICES:
        found = decode_by_seeking(path, wanted, COUNT, SPEC)
        assert [number(found[index]) for index in wanted] == wanted
        assert all(same(found[index], everything[index]) for index in wanted)


@pytest.mark.parametrize("name", INEXACT)
def test_where_seeking_is_not_exact_the_answer_still_is(tmp_path: Path, name: str) -> None:
    path = numbered_video(tmp_path / name, COUNT, **INEXACT[name])
    everything = decode_in_order(path, range(COUNT), SPEC)
    for wanted in CHOICES:
        found = decode_frames(path, wanted, COUNT, SPEC)
        assert all(same(found[index], everything[index]) for index in wanted)


def test_a_seek_into_a_gradual_refresh_is_not_trusted(tmp_path: Path) -> None:
    path = numbered_video(tmp_path / "refresh.mp4", COUNT, **INEXACT["refresh.mp4"])
    with pytest.raises(decoding._InexactError):
        decode_by_seeking(path, [59], COUNT, SPEC)


def test_frames_hidden_by_an_edit_list_do_not_count_after_a_seek(tmp_path: Path) -> None:
    pictures = [numbered_picture(n, 96, 64) for n in range(COUNT)]
    times = [(n - 10) * 40 for n in range(COUNT)]
    path = write_video(tmp_path / "v.mp4", pictures, times=times, options={**GROUPS, "bf": "0"})
    for wanted in ([0], [1, 2], [13], [14, 49]):
        found = decode_by_seeking(path, wanted, COUNT - 10, SPEC)
        assert [number(found[index]) for index in wanted] == [index + 10 for index in wanted]


def test_only_the_groups_of_pictures_that_are_needed_are_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = numbered_video(tmp_path / "v.mp4", COUNT, options={**GROUPS, "bf": "0"})
    monkeypatch.setattr(decoding, "iter_frames", lambda *_: pytest.fail("it decoded everything"))
    seen = []
    time = decoding._time
    monkeypatch.setattr(decoding, "_time", lambda pts: seen.append(pts) or time(pts))
    decode_frames(path, [25, 50], COUNT, SPEC)
    decoded = len(seen) - COUNT
    assert decoded == (25 - 24 + 1) + (50 - 48 + 1)


def test_another_number_of_frames_than_prepared_is_noticed(tmp_path: Path) -> None:
    path = numbered_video(tmp_path / "v.mp4", 20)
    with pytest.raises(DataError, match=r"v\.mp4: frame 30 was asked for.*prepare it again"):
        decode_frames(path, [2, 30], 40, SPEC)


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    path = numbered_video(tmp_path / "v.mp4", 20)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(VideoError, match=r"v\.mp4"):
        decode_frames(path, [2], 20, SPEC)
