"""The README's one command from nothing to a labelled video."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from dvfl.bundle import Bundle

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.slow
def test_one_command_trains_a_teacher_distils_a_student_and_labels_a_video(tmp_path: Path) -> None:
    command = ["make", "--no-print-directory", "chain", "QUICK=1", f"CHAIN={tmp_path}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    teacher, student = (tmp_path / name / "best.pth" for name in ("teacher", "student"))
    assert teacher.stat().st_size > 2 * student.stat().st_size
    bundle = Bundle.open(tmp_path / "bundle")
    assert len(bundle.manifest.labels) == 13
    assert {artifact.parity.status for artifact in bundle.manifest.artifacts} == {"passed"}
    shares = re.findall(r"^ *(\d+\.\d)% +(\w+)$", done.stdout, re.MULTILINE)
    assert {label for _, label in shares[-5:]} <= set(bundle.manifest.labels)
