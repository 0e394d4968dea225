"""The training command."""

from __future__ import annotations

import subprocess
import sys

import pytest

from dvfl.errors import OutputError
from dvfl_training.cli.train_demo import train_demo


def test_its_help_needs_no_heavy_import() -> None:
    code = (
        "import sys, dvfl_training.cli.train_demo; "
        "print(sorted({'torch', 'cv2', 'skimage', 'sklearn'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_an_output_that_cannot_be_written_is_refused_before_training(tmp_path, monkeypatch) -> None:
    def must_not_train(*_: object) -> None:
        raise AssertionError("it trained first")

    monkeypatch.setattr("dvfl_training.generated.camera_motion.trainer.train", must_not_train)
    with pytest.raises(OutputError, match="does not exist"):
        train_demo.callback(out=tmp_path / "missing" / "s.pth", seed=0, steps=1, threads=2, clips=None)
