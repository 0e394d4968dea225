"""The shipped student, as Core ML packages, says what PyTorch says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import small_models as small

from dvfl.model.checkpoint import load_checkpoint
from dvfl_converter.clips import read_clips
from dvfl_converter.parity.gates import GATES, judge
from dvfl_converter.parity.metrics import compare
from dvfl_converter.targets.coreml import backend
from dvfl_converter.targets.coreml.config import CoreMLConfig
from dvfl_converter.targets.coreml.interpreter import Precision, evaluate, read_package
from dvfl_converter.targets.coreml.interpreter.observers import largest_magnitudes
from dvfl_converter.targets.coreml.neural_engine import findings

STUDENT = Path(__file__).resolve().parents[4] / "assets" / "camera_motion_student.pth"
SPEC = small.SPEC
# Packages in float32 differ from PyTorch by the order of sums alone, whatever they declare.
GRAPH = 1e-5

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def clip(clip_file) -> np.ndarray:
    (only,) = read_clips((clip_file,), SPEC)
    return only.pixels


@pytest.fixture(scope="module")
def wanted(clip) -> np.ndarray:
    return small.reference_logits(load_checkpoint(STUDENT).network(), clip).numpy()


@pytest.fixture(scope="module", params=["fp32", "fp16", "int8"])
def package(request, tmp_path_factory):
    path = tmp_path_factory.mktemp("student") / f"{request.param}.mlpackage"
    program = backend.lowered(load_checkpoint(STUDENT).network(), SPEC, request.param)
    backend.exporter(program).write(CoreMLConfig(precision=request.param), path)
    return read_package(path), request.param


def logits_of(program, clip: np.ndarray, precision: Precision) -> np.ndarray:
    pixels = clip.transpose(0, 3, 1, 2).astype(np.float32)
    return evaluate(program, {"clip": pixels}, precision=precision)["logits"].ravel()


def test_the_logits_pass_the_precisions_gate(package, clip, wanted):
    program, precision = package
    parity = compare("clip", wanted, logits_of(program, clip, Precision.DECLARED))
    assert judge(GATES[precision], [parity]).status == "passed", parity


def test_the_graph_is_exact_but_for_rounded_weights(package, clip, wanted):
    program, precision = package
    error = compare("clip", wanted, logits_of(program, clip, Precision.FLOAT32)).error_of_range
    assert error < {"fp32": GRAPH, "fp16": 2e-3, "int8": 5e-2}[precision]


def test_no_fp16_value_comes_near_its_limit(package, clip):
    program, precision = package
    pixels = clip.transpose(0, 3, 1, 2).astype(np.float32)
    magnitudes = largest_magnitudes(program, {"clip": pixels})
    assert bool(magnitudes) == (precision != "fp32")
    assert all(one.of_range < 0.25 for one in magnitudes), max(magnitudes, key=lambda one: one.largest)


def test_only_fp32_is_said_to_stay_off_the_neural_engine(package):
    program, precision = package
    kept_off = [one for one in findings(program) if one.rule.effect == "elsewhere"]
    assert bool(kept_off) == (precision == "fp32")
