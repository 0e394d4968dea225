"""Calibration, selection and proof never share a clip."""

from __future__ import annotations

import numpy as np
import small_models as small

from dvfl_converter.clips import NamedClip, patterns
from dvfl_converter.quantization.clips import MOST_CALIBRATION, MOST_SELECTION, selection_patterns, split


def clips(count: int) -> list[NamedClip]:
    rng = np.random.default_rng(0)
    return [NamedClip(f"{i}.mp4", rng.integers(0, 256, (2, 4, 4, 3), np.uint8)) for i in range(count)]


def names(part) -> set[str]:
    return {clip.name for clip in part}


def test_every_clip_goes_to_one_side():
    given = clips(7)
    calibration, selection = split(given)
    assert len(calibration) == 4
    assert names(calibration) | names(selection) == names(given)
    assert names(calibration) & names(selection) == set()


def test_the_order_in_which_they_are_given_does_not_matter():
    given = clips(9)
    assert split(given) == split(given[::-1])


def test_a_copy_does_not_calibrate_and_choose():
    given = clips(3)
    copies = [NamedClip(f"copy of {clip.name}", clip.pixels) for clip in given]
    calibration, selection = split([*given, *copies])
    assert len(calibration) + len(selection) == 3


def test_more_than_enough_are_cut():
    calibration, selection = split(clips(200))
    assert (len(calibration), len(selection)) == (MOST_CALIBRATION, MOST_SELECTION)


def test_selection_patterns_are_none_of_those_that_prove():
    chosen, proving = selection_patterns(small.SPEC), patterns(small.SPEC)
    assert names(chosen) & names(proving) == set()
    for clip in chosen:
        assert clip.pixels.shape == proving[0].pixels.shape
        assert clip.pixels.dtype == np.uint8
        assert clip.pixels.std() > 30
        assert not any(np.array_equal(clip.pixels, other.pixels) for other in proving)
