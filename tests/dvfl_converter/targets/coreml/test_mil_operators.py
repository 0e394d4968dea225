"""Every operator of the interpreter, against PyTorch and against coremltools' own constant folding."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from mil_programs import inferred, outputs_of, program_of
from operator_cases import CASES, Case

from dvfl_converter.targets.coreml.interpreter.operators.registry import KINDS


def as_arrays(result) -> list[np.ndarray]:
    return [one.numpy() for one in (result if isinstance(result, tuple | list) else (result,))]


def assert_equal(measured, wanted, tolerance: float = 2e-6):
    assert len(measured) == len(wanted)
    for found, expected in zip(measured, wanted, strict=True):
        assert found.shape == expected.shape
        if expected.dtype.kind == "f":
            np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)
        else:
            np.testing.assert_array_equal(found.astype(np.int64), expected.astype(np.int64))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_an_operator_computes_what_pytorch_computes(case: Case):
    wanted = case.want(*map(torch.from_numpy, case.inputs.values()))
    assert_equal(outputs_of(case.build, case.inputs, case.opset), as_arrays(wanted))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_an_operator_computes_what_coremltools_folds_constants_to(case: Case):
    """Where coremltools folds at all, and folds as it documents: its concat ignores ``interleave``."""
    if "interleaved" in case.inputs:
        pytest.skip("coremltools 9.0 folds an interleaved concat as a plain one, against its documentation")
    folded = inferred(case.build, case.inputs, case.opset)
    if folded is None:
        pytest.skip("coremltools folds no constants of this operator")
    assert_equal(outputs_of(case.build, case.inputs, case.opset), folded, tolerance=1e-5)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_case_really_runs_its_operator(case: Case):
    program = program_of(case.build, case.inputs, case.opset)
    assert case.kind in {operation.kind for operation in program.main().operations}


def test_every_operator_of_the_registry_has_a_case():
    assert set(KINDS) - {case.kind for case in CASES} == set()
    assert {case.kind for case in CASES} - set(KINDS) == set()
