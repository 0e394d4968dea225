"""The shipped student: as good as its page says, on photographs it never saw and on real files."""

from __future__ import annotations

from pathlib import Path

import pytest

from dvfl.model.checkpoint import load_checkpoint
from dvfl.spec import PreprocessingSpec
from dvfl.video import load_clip
from dvfl_training.generated.camera_motion.evaluation import evaluate, held_out_clips, to_input
from dvfl_training.generated.camera_motion.motions import LABELS
from dvfl_training.generated.camera_motion.video_evaluation import video_clips
from dvfl_training.generated.photographs import held_out_pictures

ASSETS = Path(__file__).resolve().parents[4] / "assets"
STUDENT = ASSETS / "camera_motion_student.pth"
SPEC = PreprocessingSpec.default().with_clip(frames=8, size=64)


@pytest.fixture(scope="module")
def student():
    return load_checkpoint(STUDENT).network()


def test_the_file_is_small_enough_for_a_repository() -> None:
    assert STUDENT.stat().st_size <= 8_000_000


def test_it_is_right_on_98_percent_of_held_out_clips_and_95_of_every_class(student) -> None:
    accuracy = evaluate(student, *held_out_clips(held_out_pictures(), per_class=100))
    assert accuracy.top1 >= 0.98, accuracy.per_class
    assert min(accuracy.per_class.values()) >= 0.95, accuracy.per_class


def test_it_is_right_on_encoded_files_read_back_through_the_pipeline(student) -> None:
    accuracy = evaluate(student, *video_clips(held_out_pictures(), per_class=30, spec=SPEC))
    assert accuracy.top1 >= 0.975, accuracy.per_class


@pytest.mark.parametrize("label", LABELS)
def test_it_is_right_on_the_shipped_clip_of_each_class(student, label: str) -> None:
    pixels = load_clip(ASSETS / "clips" / f"{label}.mp4", SPEC).pixels
    assert LABELS[int(student(to_input(pixels[None])).argmax())] == label
