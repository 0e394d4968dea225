"""The bench's file: strict, complete, and without contradictions."""

from __future__ import annotations

import json

import pytest
from bench_samples import engine, results
from pydantic import ValidationError

from dvfl_converter.bench.results import BenchResults, Latency


def test_it_survives_its_own_json():
    written = results(engine(), engine("litert-plain-fp32"), engine("coreml-fp16", None))
    assert BenchResults.model_validate_json(written.model_dump_json()) == written


def changed(change) -> str:
    data = json.loads(results().model_dump_json())
    change(data)
    with pytest.raises(ValidationError) as error:
        BenchResults.model_validate_json(json.dumps(data))
    return str(error.value)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda d: d.update(schema_version=2), "schema_version"),
        (lambda d: d.update(more=1), "more"),
        (lambda d: d["engines"][0]["latency_ms"].update(min=1.0), "latency_ms is not that of runs_ms"),
        (lambda d: d["engines"][0]["runs_ms"].append(10.0), "latency_ms"),
        (lambda d: d["engines"].append(d["engines"][0]), "twice"),
        (lambda d: d["settings"].update(runs=4), "not one run for each of the 4 rounds"),
        (lambda d: d["gemm"][0].update(best_gmacs_per_s=1.0), "best_gmacs_per_s is not that of the products"),
        (lambda d: d["engines"][0]["runs_ms"].__setitem__(0, 0.0), "greater than 0"),
        (lambda d: d["engines"][0].update(threads="1"), "valid integer"),
    ],
)
def test_a_file_that_contradicts_itself_is_refused(change, said):
    assert said in changed(change)


def test_the_figures_of_known_runs():
    latency = Latency.of((5.0, 1.0, 3.0, 2.0))
    assert (latency.p50, latency.p90, latency.min) == (2.5, 5.0, 1.0)
