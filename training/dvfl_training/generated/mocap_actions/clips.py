"""The data set ``mocap-actions``: clip number k of a class and a split, always the same from a seed."""

from __future__ import annotations

import numpy as np

from dvfl_training.data.manifest import Split
from dvfl_training.generated.clip import TEXTURES, GeneratedClip
from dvfl_training.generated.mocap_actions.conditions import CONDITIONS, draw_body
from dvfl_training.generated.mocap_actions.flaws import Flaws
from dvfl_training.generated.mocap_actions.rendering import film
from dvfl_training.generated.mocap_actions.scene import Scene, draw_scene
from dvfl_training.generated.photographs import pictures_of

_SPLITS = tuple(Split)
_BODY, _CLIP = range(2)
_PLAIN = Flaws()
_HARD = Flaws(
    tall=(0.45, 0.8),
    follow=(0.3, 1.0),
    joint_noise=0.16,
    shake=1.0,
    occluder=0.5,
    motion_blur=0.4,
    low_light=0.3,
    lens_blur=1.4,
    noise=12.0,
    zoom=0.35,
    clutter=(0.5, 1.0),
    background_blur=(0.3, 2.0),
)


def render(split: Split, label: int, number: int, seed: int, *, hard: bool) -> GeneratedClip:
    """Clip ``number`` of class ``label``; the person is one of the split's bodies, who is its group."""
    scene, person, dice = staged(split, label, number, seed, hard=hard)
    frames = film(scene, pictures_of(split, seed, TEXTURES), dice, _HARD if hard else _PLAIN)
    return GeneratedClip(frames, scene.rate, int(dice.integers(20, 32)), person)


def staged(
    split: Split, label: int, number: int, seed: int, *, hard: bool
) -> tuple[Scene, str, np.random.Generator]:
    """The scene of a clip, the name of the person in it, and the dice for what is left to chance."""
    conditions = CONDITIONS[split]
    dice = np.random.default_rng([seed, _CLIP, _SPLITS.index(split), label, number])
    person = int(dice.integers(conditions.bodies))
    body = draw_body(conditions, np.random.default_rng([seed, _BODY, _SPLITS.index(split), person]))
    scene = draw_scene(label, body, dice, conditions, _HARD if hard else _PLAIN)
    return scene, f"{split}-person-{person:03d}", dice
