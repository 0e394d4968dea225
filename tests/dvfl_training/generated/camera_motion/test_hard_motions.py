"""The harder camera motions: what background and subject do, in paths and in pixels."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from dvfl_training.data.manifest import Split
from dvfl_training.generated.camera_motion import hard_motions
from dvfl_training.generated.camera_motion.clips import render
from dvfl_training.generated.camera_motion.hard_motions import (
    HARD_LABELS,
    HARD_MOTIONS,
    MIRROR,
    sample_paths,
)
from dvfl_training.generated.camera_motion.layered import Subject, render_layered
from dvfl_training.generated.camera_motion.motions import LABELS
from dvfl_training.generated.camera_motion.rendering import RenderOptions
from dvfl_training.generated.photographs import pictures_of, texture

TIMES = np.linspace(0, 1, 9)


@pytest.fixture
def steady(monkeypatch) -> None:
    """Nobody's hand trembles, and nothing drifts."""
    ranges = replace(hard_motions.HARD_RANGES, tremor=0.0, drift=0.0)
    monkeypatch.setattr(hard_motions, "HARD_RANGES", ranges)


def paths_of(label: str, seed: int):
    return sample_paths(HARD_MOTIONS[HARD_LABELS.index(label)], TIMES, 2.0, np.random.default_rng(seed))


def test_the_ten_motions_come_first_and_seven_follow() -> None:
    assert HARD_LABELS[:10] == LABELS
    assert len(set(HARD_LABELS)) == 17


def test_mirroring_swaps_left_and_right_and_nothing_else() -> None:
    assert all(MIRROR[MIRROR[name]] == name != MIRROR[name] for name in MIRROR)
    assert {name for name in HARD_LABELS if name not in MIRROR} == {
        "static", "tilt_up", "tilt_down", "zoom_in", "zoom_out", "shake",
        "dolly_zoom_in", "dolly_zoom_out", "walk_forward",
    }  # fmt: skip


@pytest.mark.usefixtures("steady")
@pytest.mark.parametrize("name", sorted(MIRROR))
def test_the_mirrored_class_moves_the_other_way(name: str) -> None:
    for seed in range(5):
        one, other = paths_of(name, seed)[0], paths_of(MIRROR[name], seed)[0]
        quantity = "angle" if name.startswith("roll") else "right"
        first, second = np.diff(getattr(one, quantity)), np.diff(getattr(other, quantity))
        assert (first * second < 0).all()
        np.testing.assert_allclose(np.diff(one.scale_log), np.diff(other.scale_log), atol=1e-9)


@pytest.mark.usefixtures("steady")
@pytest.mark.parametrize("label", LABELS)
def test_in_the_ten_motions_the_subject_moves_with_the_background(label: str) -> None:
    far, near = paths_of(label, 3)
    np.testing.assert_allclose(far.right, near.right)
    np.testing.assert_allclose(far.scale_log, near.scale_log)


@pytest.mark.usefixtures("steady")
@pytest.mark.parametrize(("label", "sign"), [("orbit_left", -1), ("orbit_right", 1)])
def test_going_round_a_subject_moves_only_the_background(label: str, sign: int) -> None:
    far, near = paths_of(label, 0)
    assert (sign * np.diff(far.right) > 0).all()
    assert np.ptp(near.right) == 0


@pytest.mark.usefixtures("steady")
@pytest.mark.parametrize(("label", "sign"), [("dolly_zoom_in", -1), ("dolly_zoom_out", 1)])
def test_a_dolly_zoom_scales_only_the_background(label: str, sign: int) -> None:
    far, near = paths_of(label, 0)
    assert (sign * np.diff(far.scale_log) > 0).all()
    assert np.ptp(near.scale_log) == 0


@pytest.mark.usefixtures("steady")
def test_walking_bobs_and_brings_near_things_nearer_faster() -> None:
    far, near = paths_of("walk_forward", 0)
    assert np.ptp(near.scale_log) > 1.5 * np.ptp(far.scale_log)
    assert np.ptp(far.down) > 1.0


@pytest.mark.usefixtures("steady")
def test_of_two_motions_both_are_fast_enough_to_see() -> None:
    for seed in range(50):
        far, _ = paths_of("pan_left_zoom_in", seed)
        assert np.ptp(far.right) > 5.5
        assert np.ptp(far.scale_log) > 0.14


def shift_of_grey(first: np.ndarray, second: np.ndarray) -> float:
    grey = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY).astype(np.float32) for frame in (first, second)]
    window = cv2.createHanningWindow(grey[0].shape[::-1], cv2.CV_32F)
    return cv2.phaseCorrelate(*grey, window)[0][0]


@pytest.mark.usefixtures("steady")
@pytest.mark.parametrize(("label", "sign"), [("orbit_left", -1), ("orbit_right", 1), ("pan_left", 1)])
def test_the_pixels_of_the_background_move_as_the_path_says(label: str, sign: int, monkeypatch) -> None:
    monkeypatch.setattr(Subject, "drawn_on", lambda self, frame, path, index: frame)
    dice = np.random.default_rng(4)
    picture = texture(dice)
    motion = HARD_MOTIONS[HARD_LABELS.index(label)]
    options = replace(RenderOptions(), objects=0)
    times = np.array([0.45, 0.55])
    frames = render_layered(motion, picture, [picture], dice, options, times, 2.0, (128, 128))
    assert sign * shift_of_grey(*frames) > 0.3


def test_the_subject_is_drawn_and_covers_its_share() -> None:
    dice = np.random.default_rng(0)
    white = np.full((300, 300, 3), 255, np.uint8)
    far, near = paths_of("static", 0)
    frame = Subject.drawn([white], dice, 128).drawn_on(np.zeros((128, 160, 3), np.uint8), near, 4)
    covered = (frame.max(axis=2) > 60).mean()
    assert 0.03 < covered < 0.3
    assert far.right.shape == near.right.shape


@pytest.mark.parametrize("label", range(len(HARD_LABELS)), ids=HARD_LABELS)
def test_every_motion_renders_the_same_clip_twice(label: int) -> None:
    hard = label >= len(LABELS) or label % 2 == 0
    first, second = (render(Split.TEST, label, 0, 2, hard=hard) for _ in range(2))
    np.testing.assert_array_equal(first.frames, second.frames)
    assert first.group == second.group
    assert 25 <= len(first.frames) <= 90


@pytest.mark.parametrize("split", Split)
def test_a_clips_group_is_its_photograph(split: Split) -> None:
    groups = {render(split, 0, number, 0, hard=False).group for number in range(8)}
    assert len(groups) > 1
    assert all(group.startswith(f"{split}-picture-") for group in groups)
    assert max(int(group[-2:]) for group in groups) < len(pictures_of(split, 0, 12))
