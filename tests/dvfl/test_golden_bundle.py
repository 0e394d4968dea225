"""The golden bundle still opens and says what it said, and its check notices when it does not."""

from __future__ import annotations

import importlib
import json
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from dvfl.bundle import Bundle
from dvfl.recognizer import ActionRecognizer

SPEC_FOLDER = Path(__file__).resolve().parents[2] / "spec"
BUNDLE = SPEC_FOLDER / "golden" / "bundle"
RESULTS = SPEC_FOLDER / "golden" / "bundle_results.json"


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script, whose paths a test may change."""
    monkeypatch.syspath_prepend(str(SPEC_FOLDER))
    return importlib.import_module("make_golden_bundle")


def test_the_check_passes() -> None:
    command = [sys.executable, str(SPEC_FOLDER / "make_golden_bundle.py"), "--check"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout) == (0, ""), result.stdout + result.stderr


def test_the_bundle_stays_small_enough_for_git_and_holds_no_report() -> None:
    files = [path for path in BUNDLE.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 3_000_000
    assert not (BUNDLE / "report.html").exists()


def test_every_artifact_passed_its_gate_and_repeats_its_reference_logits() -> None:
    bundle = Bundle.open(BUNDLE)
    manifest = bundle.manifest
    names = [artifact.name for artifact in manifest.artifacts]
    assert sorted(names) == ["executorch-fp32", "litert-fp32", "litert-int8"]
    assert {artifact.parity.status for artifact in manifest.artifacts} == {"passed"}
    for vector in manifest.reference_vectors:
        pixels = bundle.reference_clip(vector)
        for target in ("litert", "executorch"):
            with ActionRecognizer.open(bundle, target, "fp32", threads=1) as recognizer:
                logits = recognizer._engine.run(pixels)
            assert np.abs(logits - vector.logits).max() < 1e-5


def test_the_check_notices_a_changed_file(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = shutil.copytree(BUNDLE, tmp_path / "bundle")
    artifact = copy / "artifacts" / "model.int8.tflite"
    data = bytearray(artifact.read_bytes())
    data[len(data) // 2] ^= 1
    artifact.write_bytes(data)
    monkeypatch.setattr(script, "BUNDLE", copy)
    (problem,) = script.problems()
    assert "model.int8.tflite' was changed" in problem


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda committed: committed["logits"]["executorch-fp32"].reverse(), "executorch-fp32: a logit"),
        (lambda committed: committed["predictions"]["litert-fp32"].reverse(), "litert-fp32: is"),
        (lambda committed: committed["video"]["indices"].reverse(), "video: is"),
        (lambda committed: committed.update(manifest_sha256="0" * 64), "manifest_sha256: is"),
    ],
)
def test_the_check_notices_another_result(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change, words: str
) -> None:
    committed = json.loads(RESULTS.read_text())
    change(committed)
    changed = tmp_path / "results.json"
    changed.write_text(json.dumps(committed))
    monkeypatch.setattr(script, "RESULTS", changed)
    assert any(problem.startswith(words) for problem in script.problems())
