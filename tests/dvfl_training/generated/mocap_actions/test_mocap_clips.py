"""Clips of the data set mocap-actions: every action renders, the person is there to be seen."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from dvfl_training.data.manifest import Split
from dvfl_training.generated.clip import RATES, SHAPES
from dvfl_training.generated.mocap_actions.clips import render, staged
from dvfl_training.generated.mocap_actions.drawing import draw_person
from dvfl_training.generated.mocap_actions.flaws import Flaws
from dvfl_training.generated.mocap_actions.motions import LABELS
from dvfl_training.generated.mocap_actions.rendering import film
from dvfl_training.generated.mocap_actions.scene import Scene

CLEAN = Flaws(occluder=0.0, low_light=0.0, noise=0.0, lens_blur=0.0, motion_blur=0.0)


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    cv2.setNumThreads(1)


@pytest.fixture(scope="module")
def scenes() -> list[Scene]:
    return [
        staged(split, label, number, 0, hard=hard)[0]
        for split in Split
        for label in range(len(LABELS))
        for number, hard in enumerate((False, False, True))
    ]


@pytest.mark.parametrize("label", range(len(LABELS)), ids=LABELS)
def test_every_action_renders_a_short_clip_that_moves(label: int) -> None:
    clip = render(Split.TRAIN, label, 0, 1, hard=label % 2 == 1)
    count, height, width, channels = clip.frames.shape
    assert clip.frames.dtype == np.uint8
    assert channels == 3
    assert (width, height) in SHAPES
    assert clip.rate in RATES
    assert 24 <= count <= 90
    # Between two frames a quarter of the clip apart, more changes than noise makes.
    blurred = [
        cv2.GaussianBlur(clip.frames[index], (0, 0), 3).astype(float) for index in (count // 4, count // 2)
    ]
    assert np.abs(blurred[0] - blurred[1]).max() > 8


def test_the_same_arguments_render_the_same_clip() -> None:
    first, second = (render(Split.TEST, 3, 7, 5, hard=False) for _ in range(2))
    np.testing.assert_array_equal(first.frames, second.frames)
    assert (first.rate, first.crf, first.group) == (second.rate, second.crf, second.group)


@pytest.mark.parametrize(
    "other",
    [
        (Split.TEST, 3, 8, 5),
        (Split.TEST, 3, 7, 6),
        (Split.VALIDATION, 3, 7, 5),
        (Split.TEST, 4, 7, 5),
    ],
)
def test_number_seed_split_and_class_each_make_another_clip(other) -> None:
    first = staged(Split.TEST, 3, 7, 5, hard=False)[0]
    second = staged(*other, hard=False)[0]
    assert first.ends.shape != second.ends.shape or not np.allclose(first.ends, second.ends)


def test_persons_cover_between_a_fiftieth_and_a_half_of_nearly_every_picture(scenes) -> None:
    shares = np.array([scene.share(at * len(scene.ends) // 4) for scene in scenes for at in range(4)])
    assert ((shares > 0.02) & (shares < 0.5)).mean() > 0.98
    assert 0.05 < np.median(shares) < 0.25


def test_the_middle_of_the_person_is_in_the_middle_of_the_picture_nearly_always(scenes) -> None:
    inside = []
    for scene in scenes:
        points, _, _ = scene.seen()
        size = np.array(scene.camera.size)
        middle = np.abs(points.mean(axis=(1, 2)) - size / 2) / min(scene.camera.size)
        inside.extend((middle < 0.35).all(axis=1))
    assert np.mean(inside) > 0.98


def test_feet_stay_near_the_ground_whatever_the_legs(scenes) -> None:
    for scene in scenes:
        lowest = (scene.ends[..., 1] - scene.radii).min(axis=(1, 2))
        # A jump leaves the ground, but nobody does all the time, and nobody sinks to the knees.
        assert -0.25 < lowest.min() < 0.2


def test_what_is_drawn_is_where_the_mask_says(scenes) -> None:
    scene = scenes[0]
    green = np.zeros((96, 96, 3), np.uint8)
    green[..., 1] = 255
    white = tuple(np.full(3, 255.0) for _ in scene.colours)
    plain = replace(scene, colours=white)
    frames = film(plain, [green], np.random.default_rng(0), CLEAN)
    points, depths, radii = plain.seen()
    alone = np.zeros((scene.camera.size[1], scene.camera.size[0], 3), np.uint8)
    draw_person(alone, points[0], depths[0], radii[0], white, scene.light)
    person = alone.max(axis=2) > 100
    assert person.mean() == pytest.approx(plain.share(0), abs=0.02)
    # White clothes have red in them, the background has none.
    assert frames[0][person, 0].mean() > frames[0][~person, 0].mean() + 60
