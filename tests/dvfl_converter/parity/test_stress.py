"""Clips made to hurt: what they are, and that the ascent finds worse ones."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
import small_models as small

from dvfl.bundle import Bundle
from dvfl.manifest import Gate
from dvfl_converter.cli.options import STRESS
from dvfl_converter.clips import NamedClip
from dvfl_converter.parity.gates import STRESS_GATES
from dvfl_converter.parity.metrics import cosine
from dvfl_converter.parity.stress import Stress, ascent, stress_clips
from dvfl_converter.pipeline import convert
from dvfl_converter.report.record import read_record
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


def test_the_commands_offer_what_there_is():
    assert get_args(Stress) == STRESS


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
    @classmethod
    def results(cls, calibrated):
        return {result.name: result for result in verify(calibrated, (), stress="ascent", quiet=True)}

    def test_every_artifact_is_judged_on_them_apart_from_the_natural_clips(self, results):
        for result in results.values():
            assert not any(parity.clip.startswith("stress: ") for parity in result.parity.clips)
            hurting = [parity.clip for parity in result.stress.clips]
            assert sum(name.startswith("stress: ") for name in hurting) == len(CLIPS)

    def test_int8_is_climbed_to_a_clip_no_better_than_the_worst(self, results):
        for name, result in results.items():
            *others, found = result.stress.clips
            assert found.clip.startswith("ascent from ")
            assert found.clip.endswith(f"({name})")
            assert found.cosine <= min(one.cosine for one in (*others, *result.parity.clips)) + 1e-6

    def test_without_asking_there_are_the_fixed_ones(self, calibrated):
        for result in verify(calibrated, (), quiet=True):
            assert len(result.stress.clips) == len(CLIPS)

    def test_they_can_be_left_out(self, calibrated):
        for result in verify(calibrated, (), stress="off", quiet=True):
            assert result.stress is None

    def test_an_artifact_that_only_they_break_fails(self, calibrated, monkeypatch):
        monkeypatch.setitem(STRESS_GATES, "int8", Gate(min_worst_cosine=1.0))
        for result in verify(calibrated, (), quiet=True):
            assert not result.ok
            assert result.missed[-1] == result.stress
            assert result.stress.reason.startswith("worst cosine ")


@pytest.mark.slow
class TestConversion:
    @pytest.fixture(scope="class")
    @classmethod
    def climbed(cls, tmp_path_factory, request_for, sources):
        out = tmp_path_factory.mktemp("climbed") / "bundle"
        asked = (), ("litert=fp32", "litert=int8"), ("litert.int8=static",)
        calibration = sources / "calibration"
        convert(
            request_for(out, *asked, calibration=calibration, stress="ascent", keep_refused=True), quiet=True
        )
        return Bundle.open(out)

    def test_the_record_holds_each_artifacts_figures_and_the_worst_clips(self, climbed):
        stress = read_record(climbed).stress
        fp32, int8 = stress.parity["litert-fp32"], stress.parity["litert-int8"]
        assert len(fp32.clips) == len(CLIPS)
        assert int8.clips[-1].clip.startswith("ascent from ")
        assert {clip.name for clip in stress.clips} == {one.worst.clip for one in stress.parity.values()}

    def test_the_page_shows_the_clip_that_was_climbed_to(self, climbed):
        page = (climbed.root / "report.html").read_text()
        int8 = read_record(climbed).stress.parity["litert-int8"]
        assert int8.worst.clip.startswith("ascent from ")
        assert f"{int8.worst.clip}, frame 1 of" in page

    def test_the_natural_clips_alone_are_in_the_manifest(self, climbed):
        for artifact in climbed.manifest.artifacts:
            assert {parity.clip for parity in artifact.parity.clips} == {"carving_ice.mp4", "moving.mp4"}

    def test_an_artifact_that_only_they_break_has_failed(self, tmp_path, request_for, monkeypatch):
        monkeypatch.setitem(STRESS_GATES, "fp32", Gate(max_error_of_range=0.0))
        outcome = convert(request_for(tmp_path / "bundle", ("litert",), (), ()), quiet=True)
        (failed,) = outcome.failed_gates
        assert failed.name == "litert-fp32"
        assert failed.parity.reason.startswith("on clips made to hurt: error ")

    def test_the_artifacts_are_what_they_are_without(self, climbed, calibrated):
        ours, theirs = (bundle.artifact("litert", "int8") for bundle in (climbed, calibrated))
        assert ours.sha256 == theirs.sha256
