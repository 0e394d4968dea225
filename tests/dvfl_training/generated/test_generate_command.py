"""The command that renders a data set."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from dvfl_training.cli.generate import SETS, generate
from dvfl_training.data.manifest import Entry, Header, Manifest, Split
from dvfl_training.generated import writing
from dvfl_training.generated.registry import GENERATED


def test_help_needs_no_heavy_import() -> None:
    code = (
        "import sys, dvfl_training.cli.generate; "
        "print(sorted({'torch', 'cv2', 'skimage', 'sklearn', 'numpy', 'pybullet_data'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_the_sets_that_it_names_are_those_of_the_registry() -> None:
    assert tuple(GENERATED) == SETS


def test_a_wrong_name_gets_a_suggestion() -> None:
    result = CliRunner().invoke(generate, ["mocap-action", "--out", "x"])
    assert result.exit_code == 2
    assert "did you mean 'mocap-actions'?" in result.output


def test_no_clips_are_a_usage_error(tmp_path: Path) -> None:
    arguments = ["camera-motion", "--out", str(tmp_path), "--train", "0", "--validation", "0", "--test", "0"]
    result = CliRunner().invoke(generate, arguments)
    assert result.exit_code == 2
    assert "no clip is asked for" in result.output
    assert not list(tmp_path.iterdir())


def test_it_says_what_there_is_and_what_comes_next(tmp_path: Path, monkeypatch) -> None:
    asked: list[tuple[writing.Recipe, int]] = []

    def pretend(recipe, folder, workers, report):
        asked.append((recipe, workers))
        report(3)
        rows = tuple(
            Entry(f"{split}/{n}.mp4", n % 2, f"{split}-{n // 2}", split, 30, 25.0)
            for split in (Split.TRAIN, Split.TEST)
            for n in range(4)
        )
        return Manifest(Header(dataset=recipe.name, root=".", classes=("a", "b")), rows, folder)

    monkeypatch.setattr(writing, "write_set", pretend)
    result = CliRunner().invoke(
        generate, ["camera-motion", "--hard", "--seed", "7", "--workers", "3", "--out", str(tmp_path / "set")]
    )
    assert result.exit_code == 0, result.output
    recipe, workers = asked[0]
    assert (recipe.name, recipe.seed, recipe.hard, workers) == ("camera-motion", 7, True, 3)
    assert dict(recipe.clips) == {Split.TRAIN: 150, Split.VALIDATION: 25, Split.TEST: 50}
    assert [line.split() for line in result.output.splitlines() if line.strip().startswith("train")] == [
        ["train", "4", "2"]
    ]
    assert "contact-sheet.jpg" in result.output
    assert f"dvfl train --manifest {tmp_path / 'set' / 'manifest.csv'}" in result.output


@pytest.mark.parametrize("value", ["-1", "many"])
def test_a_wrong_number_is_a_usage_error(value: str, tmp_path: Path) -> None:
    result = CliRunner().invoke(generate, ["camera-motion", "--train", value, "--out", str(tmp_path)])
    assert result.exit_code == 2
