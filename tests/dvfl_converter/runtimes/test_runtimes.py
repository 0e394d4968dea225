"""Asking runtimes in other processes, judging what they say, and what may be promised from it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import small_models as small

from dvfl.errors import ConversionError
from dvfl.model.checkpoint import load_checkpoint
from dvfl_converter.quantization.plan import QuantizationPlan
from dvfl_converter.runtimes import requirement
from dvfl_converter.runtimes.environments import environment
from dvfl_converter.runtimes.matrix import Entry, Examiner, Matrix, Subject, ask, minimum
from dvfl_converter.runtimes.releases import RELEASES, Release
from dvfl_converter.runtimes.requirement import broken_promises, recorded
from dvfl_converter.runtimes.survey import survey
from dvfl_converter.verification import reference_vectors

OWN = {"own": Path(sys.executable)}
TEMPORAL = "layers.2.blocks.0.modulation.h_temporal.weight"


def entry(version: str, outcome: str = "right", family: str = "litert", **more) -> Entry:
    return Entry(
        runtime=f"{family} {version}",
        family=family,
        version=version,
        artifact="litert-int8",
        machine="x86_64",
        outcome=outcome,
        reason="",
        **more,
    )


@pytest.mark.slow
class TestThisPython:
    @pytest.fixture(scope="class")
    def entries(self, converted):
        return {item.artifact: item for item in survey(converted, (), OWN, runs=2, quiet=True).entries}

    def test_every_artifact_that_a_runtime_here_loads_is_right(self, entries):
        assert {item.outcome for item in entries.values()} == {"right"}
        assert set(entries) == {"litert-fp32", "litert-fp16", "litert-int8", "executorch-fp32"}

    def test_it_says_the_same_as_in_this_process(self, entries):
        assert all(item.from_here < 1e-5 for item in entries.values())

    def test_it_is_timed(self, entries):
        assert all(item.p50_ms > 0 for item in entries.values())

    def test_a_wrong_artifact_is_wrong_and_says_why(self, converted, tmp_path):
        network = load_checkpoint(converted.verified(converted.manifest.reference)).network()
        artifact = converted.artifact("litert", "fp32")
        path = tmp_path / artifact.file
        path.parent.mkdir(parents=True)
        data = converted.resolve(artifact).read_bytes()
        path.write_bytes(small.with_sign_flipped(data, network.state_dict()[TEMPORAL]))
        bundle = small.with_artifact(converted, artifact, tmp_path)
        (tmp_path / "manifest.json").write_text(bundle.manifest.model_dump_json())
        (found,) = survey(bundle, (), OWN, runs=0, quiet=True).entries
        assert found.outcome == "wrong"
        assert "of the logit range" in found.reason or "error" in found.reason
        assert found.p50_ms is None

    def test_a_file_that_is_none_does_not_load(self, converted, tmp_path):
        artifact = converted.artifact("litert", "fp32")
        path = tmp_path / artifact.file
        path.parent.mkdir(parents=True)
        path.write_bytes(b"no flatbuffer" * 100)
        bundle = small.with_artifact(converted, artifact, tmp_path)
        python = Subject("own", "own", "given", "litert", "litert", OWN["own"])
        examiner = Examiner(bundle, reference_vectors(bundle), {}, {}, tmp_path, 0)
        found = examiner.examine(python, bundle.manifest.artifacts[0])
        assert found.outcome == "load_failed"
        assert found.reason


class TestOthers:
    @pytest.mark.parametrize(
        ("script", "reason"),
        [("kill -SEGV $$", "SIGSEGV"), ("echo no JSON; echo broken >&2; exit 3", "exit code 3: broken")],
    )
    def test_a_process_that_dies_has_crashed(self, tmp_path, script, reason):
        python = tmp_path / "python"
        python.write_text(f"#!/bin/sh\n{script}\n")
        python.chmod(0o755)
        said = ask(python, "litert", tmp_path / "model.tflite", tmp_path / "clips.npz", 0)
        assert said == {"status": "crashed", "reason": reason}

    def test_what_pip_cannot_install_is_said_in_one_line(self, tmp_path):
        impossible = environment(("no-such-runtime-of-anyone==1.0",), keep=True, root=tmp_path)
        with pytest.raises(ConversionError, match="cannot be installed: ") as error, impossible:
            pass
        assert "\n" not in str(error.value)
        assert [*tmp_path.iterdir()] == []


class TestMinimum:
    def test_it_is_the_oldest_from_which_on_all_are_right(self):
        rows = [entry("1.0.1"), entry("1.1.2", "wrong"), entry("1.4.0"), entry("2.3.0")]
        assert minimum(rows, "litert-int8", "litert") == "1.4.0"

    def test_none_if_the_newest_is_not_right(self):
        assert minimum([entry("1.4.0"), entry("2.3.0", "crashed")], "litert-int8", "litert") is None

    def test_families_are_told_apart(self):
        rows = [entry("2.19.1"), entry("2.19.1", "wrong", family="reference kernels"), entry("2.20.0")]
        assert minimum(rows, "litert-int8", "litert") == "2.19.1"

    def test_what_could_not_be_installed_says_nothing(self):
        rows = [entry("1.0.1"), entry("1.1.2", "not_installed"), entry("2.3.0")]
        assert minimum(rows, "litert-int8", "litert") == "1.0.1"


class TestPromises:
    @pytest.fixture
    def manifest(self, converted):
        artifact = converted.artifact("litert", "int8")
        promising = artifact.model_copy(
            update={"options": {"min_runtime": "litert 1.4.0, tensorflow 2.20.0"}}
        )
        return converted.manifest.model_copy(update={"artifacts": (promising,)})

    def matrix(self, *entries):
        return Matrix(manifest_sha256="0" * 64, entries=entries)

    def test_a_runtime_that_is_new_enough_must_be_right(self, manifest):
        broken = broken_promises(manifest, self.matrix(entry("1.10.0", "wrong"), entry("2.3.0")))
        assert broken == [
            "litert-int8 on litert 1.10.0: wrong, but the manifest says it is right from litert 1.4.0"
        ]

    def test_older_ones_and_those_not_named_promise_nothing(self, manifest):
        rows = entry("1.3.0", "crashed"), entry("9.9", "wrong", family="executorch")
        assert broken_promises(manifest, self.matrix(*rows)) == []

    def test_every_promise_names_a_release_that_is_asked(self):
        known = {(release.target, release.family, release.version) for release in RELEASES}
        for target, schemes in requirement.MINIMUM.items():
            for families in schemes.values():
                for family, version in families.items():
                    assert (target, family, version) in known

    def test_an_artifact_needs_what_its_most_demanding_layer_needs(self):
        plan = QuantizationPlan(target="litert", layers={"a": "static", "b": "fp16"})
        assert recorded("litert", "int8", plan) == {
            "min_runtime": "ai-edge-litert 1.4.0, tensorflow 2.20.0, tensorflow reference kernels 2.19.1, "
            "tflite-runtime 2.14.0"
        }

    def test_a_family_that_is_wrong_for_one_layer_is_not_promised(self):
        plan = QuantizationPlan(target="litert", layers={"a": "dynamic"})
        assert "tflite-runtime" not in recorded("litert", "int8", plan)["min_runtime"]

    def test_a_conversion_records_it(self, converted):
        assert "ai-edge-litert 1.0.1" in converted.artifact("litert", "fp32").options["min_runtime"]
        assert "ai-edge-litert 1.4.0" in converted.artifact("litert", "fp16").options["min_runtime"]
        assert converted.artifact("executorch", "fp32").options["min_runtime"] == "executorch 1.0.1"
        assert "min_runtime" not in converted.artifact("coreml").options


class TestReleases:
    def test_names_are_unique_and_versions_rise_within_a_family(self):
        names = [release.name for release in RELEASES]
        assert len(set(names)) == len(names)
        by_row: dict[str, list[Release]] = {}
        for release in RELEASES:
            by_row.setdefault(release.family, []).append(release)
        for rows in by_row.values():
            numbers = [tuple(map(int, row.version.split("."))) for row in rows]
            assert numbers == sorted(numbers)


class TestCommand:
    def test_a_wrong_family_gets_a_suggestion(self, refused, converted):
        assert "ai-edge-litert" in refused("runtimes", converted.root, "--family", "ai-edge-litrt")

    @pytest.mark.slow
    def test_it_prints_a_row_per_artifact(self, dvfl, converted):
        code, out, _ = dvfl("runtimes", converted.root, "--python", f"own={sys.executable}", "--runs", 0)
        assert code == 0
        rows = [line.split() for line in out.splitlines() if " own " in line]
        assert {row[0] for row in rows} == {"litert-fp32", "litert-fp16", "litert-int8", "executorch-fp32"}
        assert {row[2] for row in rows} == {"right"}
