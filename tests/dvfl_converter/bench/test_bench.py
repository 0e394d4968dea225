"""``dvfl bench``: artifacts in processes of their own, and the plain conversions beside them."""

from __future__ import annotations

import json
import re

import pytest

import tiny_bundle as tiny
from dvfl.bundle import Bundle
from dvfl.errors import BundleError, ConversionError, EngineError
from dvfl_converter.bench import own_int8, plain
from dvfl_converter.bench.plain import PlainConversions
from dvfl_converter.bench.results import BenchResults, Settings
from dvfl_converter.bench.run import bench

QUICK = ("--runs", 2, "--threads", 1, "--starts", 1)


def settings(**changes):
    quick = {"runs": 1, "starts": 1, "threads": (1,), "baseline": False, "seed": 0, "timeout_s": 300.0}
    return Settings(**(quick | changes))


def read(file):
    return BenchResults.model_validate_json(file.read_text())


def without(bundle, *files):
    """The bundle in the same folder with fewer artifacts."""
    kept = tuple(artifact for artifact in bundle.manifest.artifacts if artifact.file not in files)
    tiny.write_manifest(bundle.root, bundle.manifest.model_copy(update={"artifacts": kept}))
    return Bundle.open(bundle.root)


def with_broken_litert(bundle):
    """Its .tflite is no model, and the manifest's hash says that this is how it was made."""
    (bundle.root / tiny.LITERT_FILE).write_bytes(b"no flatbuffer")
    update = tiny.stored(bundle.root, tiny.LITERT_FILE).model_dump()
    changed = tuple(
        artifact.model_copy(update=update) if artifact.file == tiny.LITERT_FILE else artifact
        for artifact in bundle.manifest.artifacts
    )
    tiny.write_manifest(bundle.root, bundle.manifest.model_copy(update={"artifacts": changed}))
    return Bundle.open(bundle.root)


def test_every_artifact_that_runs_here_is_timed(dvfl, tiny_bundle, clip_file, tmp_path):
    file, section = tmp_path / "bench.json", tmp_path / "bench.md"
    arguments = ("bench", tiny_bundle, *QUICK, "--clip", clip_file, "--json", file, "--markdown", section)
    code, out, err = dvfl(*arguments)
    found = read(file)
    assert code == 0
    assert [engine.label for engine in found.engines] == [
        "litert-fp32 at 1 thread",
        "executorch-fp32 at 1 thread",
    ]
    for engine in found.engines:
        assert len(engine.runs_ms) == 2
        assert engine.cosine == pytest.approx(1, abs=1e-5)
        assert engine.memory.peak_bytes > engine.memory.above_imports_bytes > 0
        # Its hand-written manifest records no operators.
        assert (engine.ratios, engine.gemm_share) == ((), None)
    assert found.gemm_at(1).best_gmacs_per_s > 0
    assert len(found.preprocessing.runs_ms) == 2
    assert [row.name for row in found.not_run] == ["coreml-fp32"]
    assert found.command == " ".join(map(str, ("dvfl", *arguments)))
    assert re.search(r"coreml-fp32 \(0\.0 MB\): not run here: Core ML runs only on", out)
    assert max(map(len, re.findall(r"^  .*", out, re.MULTILINE))) <= 110
    assert section.read_text().count("| litert-fp32 |") == 2
    assert err == f"\nnext: dvfl bench {tiny_bundle} --baseline\n"


def test_an_artifact_that_does_not_load_costs_one_line_and_the_others_are_timed(dvfl, bundle_copy, tmp_path):
    bundle, file = with_broken_litert(Bundle.open(bundle_copy)), tmp_path / "bench.json"
    code, out, err = dvfl("bench", bundle.root, *QUICK, "--json", file)
    found = read(file)
    assert code == 1
    assert [engine.name for engine in found.engines] == ["executorch-fp32"]
    (line,) = found.failures
    assert line.startswith(
        f"litert-fp32 at 1 thread: {bundle.root / tiny.LITERT_FILE}: LiteRT cannot load it"
    )
    assert f"not timed: {line}" in out
    assert err == f"not timed: {line}\nerror: 1 could not be timed; the lines 'not timed' say why\n"


def test_nothing_that_could_be_timed_is_an_error(bundle_copy):
    bundle = with_broken_litert(without(Bundle.open(bundle_copy), tiny.EXECUTORCH_FILE))
    with pytest.raises(
        EngineError, match=r"no artifact could be timed: litert-fp32 at 1 thread: .*cannot load"
    ):
        bench(bundle, settings(), clip=None, command="dvfl bench")


class TestCommand:
    """The command in the results is what repeats them."""

    @pytest.fixture
    def command(self, dvfl, tiny_bundle, monkeypatch):
        def run(*options):
            said = []

            def stop(bundle, settings, *, clip, command):
                said.append((command, settings))
                raise EngineError("stopped")

            monkeypatch.setattr("dvfl_converter.bench.run.bench", stop)
            dvfl("bench", tiny_bundle, *options)
            return said[0]

        return run

    def test_defaults_are_left_out_and_the_rest_is_there(self, command, tiny_bundle):
        assert command()[0] == f"dvfl bench {tiny_bundle}"
        asked = ("--baseline", "--runs", 12, "--threads", 2, "--threads", 4, "--seed", 7, "--timeout", 60.0)
        assert command(*asked)[0] == f"dvfl bench {tiny_bundle} {' '.join(map(str, asked))}"

    def test_threads_are_1_and_2_unless_asked_for_and_none_twice(self, command):
        assert command()[1].threads == (1, 2)
        assert command("--threads", 3, "--threads", 1, "--threads", 3)[1].threads == (3, 1)


class TestRefused:
    """Before anything is converted or timed."""

    def test_a_bundle_with_nothing_that_runs_here(self, refused, bundle_copy):
        bundle = without(Bundle.open(bundle_copy), tiny.LITERT_FILE, tiny.EXECUTORCH_FILE)
        assert "no artifact of this bundle runs on this machine" in refused("bench", bundle.root)

    def test_a_changed_artifact(self, refused, bundle_copy):
        (bundle_copy / tiny.LITERT_FILE).write_bytes(b"other")
        assert "was changed after conversion" in refused("bench", bundle_copy)

    def test_a_baseline_of_a_bundle_without_a_reference(self, bundle_copy):
        bundle = Bundle.open(bundle_copy)
        bare = Bundle(bundle.root, bundle.manifest.model_copy(update={"reference": None}))
        with pytest.raises(BundleError, match="no reference checkpoint to convert plainly"):
            bench(bare, settings(baseline=True), clip=None, command="dvfl bench")
        with pytest.raises(BundleError, match="no reference checkpoint to convert plainly"):
            PlainConversions(bare, "litert", bundle_copy)

    def test_outputs_that_cannot_be_written(self, refused, tiny_bundle, tmp_path):
        assert "does not exist" in refused("bench", tiny_bundle, "--json", tmp_path / "no" / "x.json")
        notes = tmp_path / "notes.md"
        notes.write_text("mine\n")
        assert "has no place for this bench" in refused("bench", tiny_bundle, "--markdown", notes)
        assert notes.read_text() == "mine\n"

    @pytest.mark.parametrize(
        "wrong",
        [("--runs", "0"), ("--threads", "0"), ("--runs", "many"), ("--starts", "0"), ("--timeout", "0")],
    )
    def test_wrong_numbers_are_wrong_usage(self, dvfl, tiny_bundle, wrong):
        assert dvfl("bench", tiny_bundle, *wrong)[0] == 2


class TestBaseline:
    def test_a_plain_conversion_that_fails_costs_one_line(self, tiny_bundle, monkeypatch):
        def fail(self):
            raise ConversionError(f"{self._target.name}: no lowering for aten.gelu")

        monkeypatch.setattr(PlainConversions, "fp32", fail)
        bundle = Bundle.open(tiny_bundle)
        found = bench(bundle, settings(baseline=True), clip=None, command="dvfl bench")
        assert [engine.name for engine in found.engines] == ["litert-fp32", "executorch-fp32"]
        assert found.failures == (
            "litert-plain-fp32: litert: no lowering for aten.gelu",
            "executorch-plain-fp32: executorch: no lowering for aten.gelu",
        )

    def test_the_runtimes_own_int8_is_made_only_beside_an_int8_artifact(self, bundle_copy, monkeypatch):
        asked = []
        monkeypatch.setattr(plain, "_plain_program", lambda bundle: None)
        monkeypatch.setattr(PlainConversions, "fp32", lambda self: asked.append((self._target.name, "fp32")))
        monkeypatch.setattr(
            PlainConversions, "int8", lambda self, clips: asked.append((self._target.name, len(clips)))
        )
        bundle = Bundle.open(bundle_copy)
        litert, executorch, _ = bundle.manifest.artifacts
        held = (litert, litert.model_copy(update={"precision": "int8"}), executorch)
        tiny.write_manifest(bundle.root, bundle.manifest.model_copy(update={"artifacts": held}))
        bench(Bundle.open(bundle_copy), settings(baseline=True), clip=None, command="dvfl bench")
        assert asked == [("litert", "fp32"), ("litert", 1), ("executorch", "fp32")]

    @pytest.mark.slow
    def test_it_is_the_plain_conversion_in_the_same_rounds(self, dvfl, tiny_bundle, tmp_path):
        file = tmp_path / "bench.json"
        arguments = ("--baseline", "--runs", 6, "--starts", 2, "--threads", 1, "--threads", 2)
        assert dvfl("bench", tiny_bundle, *arguments, "--json", file)[0] == 0
        rows = {(engine.name, engine.threads): engine for engine in read(file).engines}
        names = {"litert-fp32", "litert-plain-fp32", "executorch-fp32", "executorch-plain-fp32"}
        assert set(rows) == {(name, threads) for name in names for threads in (1, 2)}
        for target in ("litert", "executorch"):
            for threads in (1, 2):
                row, base = rows[f"{target}-fp32", threads], rows[f"{target}-plain-fp32", threads]
                (ratio,) = row.ratios
                assert ratio.baseline == base.name
                assert ratio.of_minima == min(row.runs_ms) / min(base.runs_ms)
                assert ratio.low <= ratio.median <= ratio.high
                assert base.ratios == ()
                assert len(base.starts) == 2
                # The tiny bundle's own artifacts are plain conversions: the same weights, other names.
                assert base.file_bytes == pytest.approx(row.file_bytes, rel=0.25)
                assert base.cosine == pytest.approx(1, abs=1e-5)
                assert base.gemm_share == pytest.approx(
                    base.macs / min(base.runs_ms) / 1e6 / read_rate(file, threads)
                )

    @pytest.mark.slow
    @pytest.mark.parametrize("target", sorted(own_int8.OWN_INT8))
    def test_the_runtimes_own_int8_is_smaller_and_says_nearly_the_same(self, tiny_bundle, tmp_path, target):
        bundle = Bundle.open(tiny_bundle)
        conversions = PlainConversions(bundle, target, tmp_path)
        fp32 = conversions.fp32()
        int8 = conversions.int8([bundle.reference_clip(bundle.manifest.reference_vectors[0])])
        made = conversions.bundle()
        assert int8.bytes < 0.6 * fp32.bytes
        assert [artifact.name for artifact in Bundle.open(made.root).manifest.artifacts] == [
            f"{target}-fp32",
            f"{target}-int8",
        ]
        # Two rows of the same model: int8 beside fp32 is compared with both.
        held = made.manifest.model_copy(update={"reference_vectors": bundle.manifest.reference_vectors})
        vectors = Bundle(made.root, held)
        (tmp_path / tiny.VECTOR_FILE).write_bytes((tiny_bundle / tiny.VECTOR_FILE).read_bytes())
        found = bench(vectors, settings(), clip=None, command="dvfl bench")
        assert found.engines[1].cosine > 0.9


def read_rate(file, threads):
    """The machine's rate at a number of threads, worked out from the raw milliseconds."""
    (gemm,) = (each for each in json.loads(file.read_text())["gemm"] if each["threads"] == threads)
    return max(p["m"] * p["k"] * p["n"] / min(p["runs_ms"]) / 1e6 for p in gemm["products"])
