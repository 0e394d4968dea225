"""Clips made to hurt: what they are, and that the ascent finds worse ones."""

from __future__ import annotations

import numpy as np
import pytest
import small_models as small

from dvfl_converter.clips import NamedClip
from dvfl_converter.parity.metrics import cosine
from dvfl_converter.parity.stress import ascent, stress_clips
from dvfl_converter.verification import verify

CLIPS = {clip.name.removeprefix("stress: "): clip.pixels for clip in stress_clips(small.SPEC)}


def test_they_are_clips_of_the_contract():
    for pixels in CLIPS.values():
        assert pixels.shape == (small.FRAMES, small.SIZE, small.SIZE, 3)
        assert pixels.dtype == np.uint8
        assert set(np.unique(pixels)) <= {0, 255}


def test_the_checkerboard_changes_at_the_nyquist_rate_of_every_axis():
    board = CLIPS["Nyquist checkerboard"]
    for axis in range(3):
        assert (np.abs(np.diff(board.astype(int), axis=axis)) == 255).all()


def test_the_pattern_moves_one_pixel_a_frame():
    moving = CLIPS["one-pixel motion"]
    assert np.array_equal(moving[1, :, 1:], moving[0, :, :-1])
    assert not np.array_equal(moving[1], moving[0])


def test_colours_are_pure():
    assert set(map(tuple, CLIPS["saturated colours"].reshape(-1, 3).tolist())) == {
        (255, 0, 0),
        (0, 255, 0),
        (0, 0, 255),
    }


class TestAscent:
    """On a model that is wrong about one corner only."""

    START = NamedClip("grey", np.full((2, 16, 16, 3), 128, np.uint8))

    def reference(self, clip):
        return clip.reshape(-1, 3).mean(axis=0).astype(np.float32)

    def artifact(self, clip):
        logits = self.reference(clip)
        logits[0] += np.float32(clip[0, :4, :4, 0].mean() / 8)
        return logits

    def disagreement(self, clip):
        reference, artifact = (f(clip).astype(np.float64) for f in (self.reference, self.artifact))
        return 1 - cosine(reference, artifact)

    def test_it_finds_a_clip_that_is_worse(self):
        found = ascent(self.reference, self.artifact, self.START)
        assert self.disagreement(found.pixels) > 1.5 * self.disagreement(self.START.pixels)
        assert found.name == "ascent from grey"
        assert (found.pixels.shape, found.pixels.dtype) == (self.START.pixels.shape, np.uint8)

    def test_the_same_seed_finds_the_same_clip(self):
        first, again, other = (
            ascent(self.reference, self.artifact, self.START, steps=5, seed=seed).pixels for seed in (1, 1, 2)
        )
        assert np.array_equal(first, again)
        assert not np.array_equal(first, other)

    def test_where_nothing_is_worse_it_stays(self):
        found = ascent(self.reference, self.reference, self.START, steps=5)
        assert np.array_equal(found.pixels, self.START.pixels)


@pytest.mark.slow
class TestArtifacts:
    @pytest.fixture(scope="class")
    def results(self, calibrated):
        return {result.name: result for result in verify(calibrated, (), stress=True, quiet=True)}

    def test_every_artifact_is_judged_on_them(self, results):
        for result in results.values():
            names = [parity.clip for parity in result.parity.clips]
            assert sum(name.startswith("stress: ") for name in names) == len(CLIPS)

    def test_int8_is_climbed_to_a_clip_no_better_than_the_worst(self, results, calibrated):
        for result in results.values():
            *others, found = result.parity.clips
            assert found.clip.startswith("ascent from ")
            assert found.cosine <= min(parity.cosine for parity in others) + 1e-6

    def test_without_asking_there_are_none(self, calibrated):
        (result, *_) = verify(calibrated, (), quiet=True)
        assert not any("stress" in parity.clip for parity in result.parity.clips)
