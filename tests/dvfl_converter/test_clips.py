"""The clips on which artifacts are compared with the reference."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from dvfl.errors import VideoError
from dvfl.spec import PreprocessingSpec
from dvfl.video import load_clip
from dvfl_converter.clips import find_videos, patterns, read_clips

SPEC = PreprocessingSpec.default().with_clip(frames=4, size=64)


class TestReadClips:
    def test_a_clip_is_what_the_sdk_feeds(self, clip_file):
        (clip,) = read_clips([clip_file], SPEC)
        assert clip.name == "carving_ice.mp4"
        assert np.array_equal(clip.pixels, load_clip(clip_file, SPEC).pixels)

    def test_equal_file_names_are_told_apart_by_their_folders(self, clip_file, tmp_path):
        copies = [tmp_path / folder / "clip.mp4" for folder in ("a", "b")]
        for copy in copies:
            copy.parent.mkdir()
            shutil.copy(clip_file, copy)
        clips = read_clips([*copies, clip_file], SPEC)
        assert [clip.name for clip in clips] == [str(copies[0]), str(copies[1]), "carving_ice.mp4"]

    def test_no_clip_is_no_error(self):
        assert read_clips([], SPEC) == ()

    def test_a_file_that_is_no_video_is_named(self, tmp_path):
        path = tmp_path / "text.mp4"
        path.write_text("no video")
        with pytest.raises(VideoError, match=r"text\.mp4"):
            read_clips([path], SPEC)


class TestFindVideos:
    def test_videos_of_all_levels_in_order_and_nothing_else(self, tmp_path):
        for name in ("b/two.MP4", "a/one.mov", "three.webm", "labels.txt", "a/picture.jpg"):
            path = tmp_path / name
            path.parent.mkdir(exist_ok=True)
            path.touch()
        found = [path.relative_to(tmp_path).as_posix() for path in find_videos(tmp_path)]
        assert found == ["a/one.mov", "b/two.MP4", "three.webm"]

    def test_a_missing_folder(self, tmp_path):
        with pytest.raises(VideoError, match="none: no such folder of clips"):
            find_videos(tmp_path / "none")

    def test_a_file_in_place_of_a_folder(self, clip_file):
        with pytest.raises(VideoError, match="no such folder of clips"):
            find_videos(clip_file)

    def test_a_folder_without_videos_lists_what_counts_as_one(self, tmp_path):
        with pytest.raises(VideoError, match=r"holds no video \(.*\.mp4"):
            find_videos(tmp_path)


class TestPatterns:
    @pytest.mark.parametrize(("frames", "size"), [(1, 32), (8, 64), (3, 224)])
    def test_they_fit_the_spec(self, frames, size):
        for clip in patterns(SPEC.with_clip(frames=frames, size=size)):
            assert clip.pixels.shape == (frames, size, size, 3)
            assert clip.pixels.dtype == np.uint8

    def test_they_are_the_same_every_time(self):
        for one, other in zip(patterns(SPEC), patterns(SPEC), strict=True):
            assert one.name == other.name
            assert np.array_equal(one.pixels, other.pixels)

    def test_names_are_unique(self):
        assert len({clip.name for clip in patterns(SPEC)}) == 3

    def test_no_axis_can_be_scrambled_unnoticed(self):
        for clip in patterns(SPEC):
            pixels = clip.pixels
            for other in (pixels[::-1], pixels[:, ::-1], pixels[:, :, ::-1], pixels[..., ::-1]):
                assert not np.array_equal(pixels, other), clip.name
