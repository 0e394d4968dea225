"""The shipped student of human actions: as good as its page says, on persons and views it never saw."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner, Result

from dvfl.cli.group import DebugFlag
from dvfl.model.checkpoint import load_checkpoint
from dvfl.spec import PreprocessingSpec
from dvfl.video import load_clip
from dvfl_training.cli.data import data
from dvfl_training.cli.evaluate import evaluate
from dvfl_training.data.loader import to_input
from dvfl_training.generated.mocap_actions.motions import LABELS

ROOT = Path(__file__).resolve().parents[4]
STUDENT = ROOT / "assets" / "human_action_student.pth"
PAGE = (ROOT / "docs" / "demo-student.md").read_text()


@pytest.fixture(scope="module")
def checkpoint():
    return load_checkpoint(STUDENT)


def invoke(command, *arguments: object) -> Result:
    result = CliRunner().invoke(command, [str(argument) for argument in arguments], obj=DebugFlag())
    assert result.exit_code == 0, result.output
    return result


def test_the_file_is_small_enough_for_a_repository() -> None:
    assert STUDENT.stat().st_size <= 8_000_000


def test_the_labels_beside_it_are_the_data_sets() -> None:
    assert tuple((ROOT / "assets" / "human_action_labels.txt").read_text().split()) == LABELS


@pytest.mark.slow
def test_it_is_as_good_as_its_page_says_on_freshly_rendered_test_clips(tmp_path: Path) -> None:
    few = ("--train", 1, "--validation", 1, "--test", 10)
    invoke(data, "generate", "mocap-actions", "--out", tmp_path / "mocap", *few)
    manifest = tmp_path / "mocap" / "manifest.csv"
    result = invoke(evaluate, STUDENT, "--manifest", manifest, "--views", "1x1", "--workers", 0)
    (share,) = re.findall(r"top-1 +([\d.]+)%", result.output)
    (stated,) = re.findall(r"\*\*all\*\* \| \*\*([\d.]+) %\*\*", PAGE.partition("# Human actions")[2])
    # 130 of the page's 650 clips: three standard errors of their difference are 8 points.
    assert abs(float(share) - float(stated)) <= 8, result.output


@pytest.mark.parametrize("label", LABELS)
def test_it_is_right_on_the_shipped_clip_of_each_class(checkpoint, label: str) -> None:
    trained = checkpoint.clip
    spec = PreprocessingSpec.default().with_clip(trained.frames, trained.size, trained.short_side)
    pixels = load_clip(ROOT / "assets" / "actions" / f"{label}.mp4", spec).pixels
    clips = to_input(torch.from_numpy(pixels[None].copy()), torch.device("cpu"))
    with torch.no_grad():
        assert LABELS[int(checkpoint.network()(clips).argmax())] == label
