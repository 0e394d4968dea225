"""Encoding is repeatable, so that a data set is the same wherever and however it is made."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from dvfl.errors import OutputError
from dvfl.video import frame_count
from dvfl_training.generated.compression import write_mp4
from dvfl_training.generated.photographs import texture


@pytest.fixture(scope="module")
def clips() -> list[np.ndarray]:
    """A picture that slides and grows, in sizes of which some are multiples of 64 and some are not."""
    cv2.setNumThreads(1)
    dice = np.random.default_rng(0)
    picture = texture(dice)
    made = []
    for width, height, count in ((192, 144, 70), (176, 128, 60), (112, 160, 45), (128, 128, 36)):
        frames = []
        for index in range(count):
            matrix = np.array([[1 + index / 200, 0, -3.0 * index], [0, 1 + index / 200, -2.0 * index]])
            warped = cv2.warpAffine(picture, matrix, (width, height), borderMode=cv2.BORDER_REFLECT_101)
            noisy = warped + dice.normal(0, 4, warped.shape)
            frames.append(np.clip(noisy, 0, 255).astype(np.uint8))
        made.append(np.stack(frames))
    return made


def test_equal_frames_give_equal_bytes_whatever_is_in_memory(clips, tmp_path: Path) -> None:
    dice = np.random.default_rng(1)
    kept = []
    for number, clip in enumerate(clips):
        seen = set()
        for attempt in range(6):
            # Other places in memory, with other bytes left in them.
            kept.append(dice.bytes(int(dice.integers(1_000, 400_000))))
            path = tmp_path / f"{number}-{attempt}.mp4"
            write_mp4(clip, path, crf=26, rate=25)
            seen.add(path.read_bytes())
        assert len(seen) == 1, clip.shape
    assert kept


def test_every_frame_is_in_the_file(clips, tmp_path: Path) -> None:
    write_mp4(clips[3], tmp_path / "clip.mp4", crf=26, rate=30)
    assert frame_count(tmp_path / "clip.mp4") == 36


def test_a_missing_folder_is_refused(clips, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="does not exist"):
        write_mp4(clips[3], tmp_path / "missing" / "clip.mp4", crf=26, rate=30)
