"""The ten camera motions: what each name does to the picture."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dvfl_training.generated.camera_motion.motions import LABELS, MOTIONS, MotionRanges, sample_path

ASSETS = Path(__file__).resolve().parents[4] / "assets"
TIMES = np.linspace(0, 1, 8)


def path_of(label: str, seed: int = 0):
    steady = replace(MotionRanges(), tremor=0.0, drift=0.0)
    return sample_path(MOTIONS[LABELS.index(label)], TIMES, 2.0, np.random.default_rng(seed), steady)


def test_the_shipped_labels_are_the_motions_in_order() -> None:
    assert tuple((ASSETS / "camera_motion_labels.txt").read_text().split()) == LABELS


@pytest.mark.parametrize(
    ("label", "quantity", "sign"),
    [
        ("pan_left", "right", 1),
        ("pan_right", "right", -1),
        ("tilt_up", "down", 1),
        ("tilt_down", "down", -1),
        ("zoom_in", "scale_log", 1),
        ("zoom_out", "scale_log", -1),
        ("roll_clockwise", "angle", -1),
        ("roll_counterclockwise", "angle", 1),
    ],
)
def test_the_picture_moves_against_the_camera(label: str, quantity: str, sign: int) -> None:
    for seed in range(20):
        steps = np.diff(getattr(path_of(label, seed), quantity))
        assert (sign * steps > 0).all()


def test_a_pan_moves_far_more_sideways_than_up_or_down() -> None:
    for seed in range(20):
        path = path_of("pan_left", seed)
        assert np.ptp(path.right) > 3 * np.ptp(path.down)


def test_static_does_not_move_at_all_without_tremor() -> None:
    path = path_of("static")
    for values in (path.right, path.down, path.scale_log, path.angle):
        assert np.abs(values).max() == 0


def test_a_shake_jumps_more_than_a_trembling_hand() -> None:
    ranges = MotionRanges()
    shakes = [sample_path(MOTIONS[-1], TIMES, 2.0, np.random.default_rng(s), ranges) for s in range(200)]
    rests = [sample_path(MOTIONS[0], TIMES, 2.0, np.random.default_rng(s), ranges) for s in range(200)]
    jump = min(np.hypot(np.diff(p.right), np.diff(p.down)).mean() for p in shakes)
    tremble = max(np.hypot(np.diff(p.right), np.diff(p.down)).mean() for p in rests)
    assert jump > tremble
