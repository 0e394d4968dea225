"""``dvfl bench``: artifacts, and the plain conversion beside them."""

from __future__ import annotations

import json

import pytest

import tiny_bundle as tiny
from dvfl.bundle import Bundle
from dvfl.errors import BundleError, EngineError
from dvfl_converter.bench.run import Benchmark, Measured, bench, plain_conversion
from dvfl_converter.bench.timing import Timing


class TestRatio:
    ROWS = (
        Measured("litert-fp32", 1.0, Timing(9.0, (4.0, 3.0, 8.0)), 10, "litert-plain"),
        Measured("litert-plain", 1.0, Timing(9.0, (7.0, 6.0, 6.5)), 10),
        Measured("executorch-fp32", 1.0, Timing(9.0, (5.0,)), 10),
    )

    def test_it_is_fastest_run_over_the_baselines_fastest(self):
        assert Benchmark(self.ROWS, None, 2).ratio("litert-fp32") == 0.5

    def test_nothing_is_compared_with_itself_or_with_nothing(self):
        result = Benchmark(self.ROWS, None, 2)
        assert result.ratio("litert-plain") is None
        assert result.ratio("executorch-fp32") is None


def test_every_artifact_that_runs_here_is_timed(dvfl, tiny_bundle, clip_file, tmp_path):
    file = tmp_path / "bench.json"
    code, out, _ = dvfl("bench", tiny_bundle, "--runs", 3, "--clip", clip_file, "--json", file)
    data = json.loads(file.read_text())
    assert code == 0
    assert [row["name"] for row in data["artifacts"]] == ["litert-fp32", "executorch-fp32"]
    for row in data["artifacts"]:
        assert len(row["timing"]["runs_ms"]) == 3
        assert min(row["timing"]["runs_ms"]) > 0
        assert (row["ratio"], row["baseline"]) == (None, None)
    assert data["threads"] == 2
    assert len(data["preprocessing"]["runs_ms"]) == 3
    assert "2 threads, 3 interleaved rounds" in out
    assert "preprocessing of one clip: p50" in out


@pytest.mark.slow
def test_the_baseline_is_the_plain_conversion_in_the_same_rounds(dvfl, tiny_bundle, tmp_path):
    file = tmp_path / "bench.json"
    code, out, _ = dvfl("bench", tiny_bundle, "--baseline", "--runs", 2, "--json", file)
    rows = {row["name"]: row for row in json.loads(file.read_text())["artifacts"]}
    assert code == 0
    assert set(rows) == {"litert-fp32", "litert-plain", "executorch-fp32", "executorch-plain"}
    for target in ("litert", "executorch"):
        row, plain = rows[f"{target}-fp32"], rows[f"{target}-plain"]
        assert row["baseline"] == plain["name"]
        assert row["ratio"] == min(row["timing"]["runs_ms"]) / min(plain["timing"]["runs_ms"])
        assert plain["ratio"] is None
        # The tiny bundle's own artifacts are plain conversions: the same weights, other names.
        assert plain["bytes"] == pytest.approx(row["bytes"], rel=0.25)
    assert sum(line.split()[-1] != "-" for line in out.splitlines()[2:]) == 2


def test_a_bundle_without_a_reference_has_no_baseline(bundle_copy):
    bundle = Bundle.open(bundle_copy)
    without = Bundle(bundle.root, bundle.manifest.model_copy(update={"reference": None}))
    with (
        pytest.raises(BundleError, match="no reference checkpoint to convert plainly"),
        plain_conversion(without, "litert"),
    ):
        pass


def test_a_bundle_with_nothing_that_runs_here(bundle_copy):
    bundle = Bundle.open(bundle_copy)
    kept = tuple(a for a in bundle.manifest.artifacts if a.file == tiny.COREML_FILE)
    only_coreml = Bundle(bundle.root, bundle.manifest.model_copy(update={"artifacts": kept}))
    with pytest.raises(EngineError, match="no artifact of this bundle runs on this machine"):
        bench(only_coreml, runs=1, threads=1, baseline=False, clip=None)


def test_a_changed_artifact_is_not_timed(refused, bundle_copy):
    (bundle_copy / tiny.LITERT_FILE).write_bytes(b"other")
    assert "was changed after conversion" in refused("bench", bundle_copy, "--runs", 1)


@pytest.mark.parametrize("wrong", [("--runs", "0"), ("--threads", "0"), ("--runs", "many")])
def test_wrong_numbers_are_wrong_usage(dvfl, tiny_bundle, wrong):
    assert dvfl("bench", tiny_bundle, *wrong)[0] == 2
