"""The proof again: on a fresh bundle, and on one that was tampered with."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np
import pytest
import small_models as small

from dvfl.bundle import Bundle
from dvfl.engines import ENGINES
from dvfl.errors import BundleError
from dvfl.hashing import sha256_path, size_of
from dvfl.model.checkpoint import load_checkpoint
from dvfl_converter import verification
from dvfl_converter.clips import NamedClip, read_clips
from dvfl_converter.targets.registry import TARGETS, load_stand_in
from dvfl_converter.verification import verify

TEMPORAL = "layers.2.blocks.0.modulation.h_temporal.weight"


def edit(bundle, change) -> Bundle:
    """Rewrites the manifest; ``change`` gets it as plain data."""
    path = bundle.root / "manifest.json"
    data = json.loads(path.read_text())
    change(data)
    path.write_text(json.dumps(data))
    return Bundle.open(bundle.root)


def flip_a_byte(bundle, stored):
    path = bundle.root / stored.file
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def rehash(bundle, name) -> Bundle:
    """Makes the manifest's hash that of the file as it is now."""

    def change(data):
        (entry,) = [a for a in data["artifacts"] if f"{a['target']}-{a['precision']}" == name]
        path = bundle.root / entry["file"]
        entry |= {"sha256": sha256_path(path), "bytes": size_of(path)}

    return edit(bundle, change)


@pytest.fixture
def with_a_flipped_weight(converted_copy) -> Bundle:
    """The LiteRT artifact says something else, and the manifest vouches for it."""
    network = load_checkpoint(converted_copy.verified(converted_copy.manifest.reference)).network()
    path = converted_copy.resolve(converted_copy.artifact("litert", "fp32"))
    path.write_bytes(small.with_sign_flipped(path.read_bytes(), network.state_dict()[TEMPORAL]))
    return rehash(converted_copy, "litert-fp32")


def by_name(results):
    return {result.name: result for result in results}


class TestFreshBundle:
    @pytest.fixture(scope="class")
    @classmethod
    def results(cls, converted, sources):
        return by_name(
            verify(converted, read_clips([sources / "calibration" / "1.mp4"], small.SPEC), quiet=True)
        )

    def test_every_artifact_is_intact_and_ok(self, results, converted):
        assert list(results) == [artifact.name for artifact in converted.manifest.artifacts]
        assert all(result.intact and result.ok and result.error is None for result in results.values())

    def test_what_can_run_passed_on_its_own_clips_and_the_given_one(self, results):
        for name in ("litert-fp32", "litert-fp16", "executorch-fp32", "coreml-fp16"):
            assert results[name].parity.status == "passed"
            assert [clip.clip for clip in results[name].parity.clips] == [
                "carving_ice.mp4",
                "moving.mp4",
                "1.mp4",
            ]

    def test_core_ml_itself_is_not_said_to_have_run(self, results):
        assert (
            "by this project's interpreter of ML programs, not by Core ML"
            in results["coreml-fp16"].parity.reason
        )


class TestOnAMac:
    """What a Mac does besides, with a runtime that is the interpreter but for a known error."""

    def test_the_interpreter_is_compared_with_the_runtime(self, converted, monkeypatch):
        class Runtime:
            def __init__(self, engine):
                self.engine = engine

            def run(self, clip):
                logits = self.engine.run(clip)
                return logits + 1e-3 * np.ptp(logits) * np.eye(len(logits), dtype=np.float32)[0]

            def close(self):
                self.engine.close()

        artifact = converted.artifact("coreml")
        only = Bundle(converted.root, converted.manifest.model_copy(update={"artifacts": (artifact,)}))
        monkeypatch.setitem(TARGETS, "coreml", replace(TARGETS["coreml"], runs_here=True))
        monkeypatch.setitem(ENGINES, "coreml", replace(ENGINES["coreml"], platforms=()))
        stand_in = load_stand_in(TARGETS["coreml"])
        here = verification.open_engine

        def opened(bundle, asked):
            return here(bundle, asked) if asked == "torch" else Runtime(stand_in(bundle, asked))

        monkeypatch.setattr(verification, "open_engine", opened)
        (result,) = verify(only, (), quiet=True)
        assert result.ok
        assert result.parity.reason is None
        assert [parity.error_of_range for parity in result.stand_in] == pytest.approx([1e-3] * 8, rel=0.05)


class TestTampering:
    def test_a_changed_byte_is_found_and_the_others_still_run(self, converted_copy):
        flip_a_byte(converted_copy, converted_copy.artifact("executorch"))
        results = by_name(verify(converted_copy, (), quiet=True))
        changed = results["executorch-fp32"]
        assert (changed.intact, changed.ok, changed.parity.status) == (False, False, "not_run")
        assert "was changed after conversion" in changed.parity.reason
        assert results["litert-fp32"].ok

    def test_a_changed_byte_in_a_package_is_found(self, converted_copy):
        package = converted_copy.resolve(converted_copy.artifact("coreml"))
        weights = next(package.rglob("weight.bin"))
        weights.write_bytes(weights.read_bytes()[:-1] + b"\x55")
        assert not by_name(verify(converted_copy, (), quiet=True))["coreml-fp16"].ok

    def test_a_missing_artifact_is_found(self, converted_copy):
        (converted_copy.root / converted_copy.artifact("litert", "int8").file).unlink()
        result = by_name(verify(converted_copy, (), quiet=True))["litert-int8"]
        assert not result.ok
        assert "is missing" in result.parity.reason

    def test_an_artifact_that_does_not_load_is_an_error(self, converted_copy):
        path = converted_copy.root / converted_copy.artifact("litert", "fp32").file
        path.write_bytes(b"TFL3" * 100)
        result = by_name(verify(rehash(converted_copy, "litert-fp32"), (), quiet=True))["litert-fp32"]
        assert (result.intact, result.ok) == (True, False)
        assert "LiteRT cannot load it" in result.error

    def test_a_flipped_weight_fails_the_gate_whatever_the_manifest_says(self, with_a_flipped_weight):
        assert with_a_flipped_weight.artifact("litert", "fp32").parity.status == "passed"
        result = by_name(verify(with_a_flipped_weight, (), quiet=True))["litert-fp32"]
        assert (result.intact, result.ok, result.parity.status) == (True, False, "failed")
        assert result.drift is None

    def test_and_its_layer_is_named_when_asked(self, with_a_flipped_weight):
        results = by_name(verify(with_a_flipped_weight, (), find_drift=True, quiet=True))
        assert results["litert-fp32"].drift.layer == "layers.2.blocks.0.modulation.h_temporal"
        assert results["executorch-fp32"].drift is None

    def test_the_gate_is_not_the_manifests_own(self, with_a_flipped_weight):
        def forgive(data):
            for artifact in data["artifacts"]:
                artifact["parity"]["gate"] = {"max_error_of_range": 1e9}

        bundle = edit(with_a_flipped_weight, forgive)
        assert not by_name(verify(bundle, (), quiet=True))["litert-fp32"].ok


class TestReference:
    def test_stale_logits_are_refused(self, converted_copy):
        def change(data):
            logits = data["reference_vectors"][1]["logits"]
            logits[0] += 0.01 * (max(logits) - min(logits))

        with pytest.raises(BundleError, match=r"no longer gives the recorded logits of 'moving\.mp4'"):
            verify(edit(converted_copy, change), (), quiet=True)

    def test_a_changed_clip_is_refused(self, converted_copy):
        flip_a_byte(converted_copy, converted_copy.manifest.reference_vectors[0])
        with pytest.raises(BundleError, match="was changed after conversion"):
            verify(converted_copy, (), quiet=True)

    def test_a_changed_checkpoint_is_refused(self, converted_copy):
        flip_a_byte(converted_copy, converted_copy.manifest.reference)
        with pytest.raises(BundleError, match="was changed after conversion"):
            verify(converted_copy, (), quiet=True)

    def test_a_bundle_without_a_reference_is_refused(self, converted_copy):
        with pytest.raises(BundleError, match="holds no reference checkpoint"):
            verify(edit(converted_copy, lambda data: data.update(reference=None)), (), quiet=True)

    def test_nothing_to_compare_on_is_refused(self, converted_copy):
        bundle = edit(converted_copy, lambda data: data.update(reference_vectors=[]))
        with pytest.raises(BundleError, match="holds no reference clips; give some with --clip"):
            verify(bundle, (), quiet=True)

    def test_another_video_of_the_same_name_is_compared_beside_the_bundles_own(self, converted):
        other = NamedClip("moving.mp4", np.full((small.FRAMES, small.SIZE, small.SIZE, 3), 90, np.uint8))
        result = by_name(verify(converted, (other,), quiet=True))["litert-fp32"]
        names = [clip.clip for clip in result.parity.clips]
        assert names == ["carving_ice.mp4", "moving.mp4", "moving.mp4 (--clip)"]
        assert result.ok


class TestCommand:
    def test_it_prints_a_row_per_artifact(self, dvfl, converted):
        code, out, err = dvfl("verify", converted.root)
        assert code == 0
        rows = {line.split()[0]: line for line in out.splitlines()[1:]}
        for artifact in converted.manifest.artifacts:
            assert "passed" in rows[artifact.name]
        assert re.search(r"coreml-fp16: Neural Engine: \d+ x \w+: .*\(https://", out)
        assert "coreml-fp16: largest of " in out
        assert err == f"\nnext: dvfl bench {converted.root}\n"

    def test_json(self, dvfl, converted, tmp_path, clip_file):
        file = tmp_path / "result.json"
        assert dvfl("verify", converted.root, "--clip", clip_file, "--json", file)[0] == 0
        rows = {row["artifact"]: row for row in json.loads(file.read_text())}
        assert list(rows) == [artifact.name for artifact in converted.manifest.artifacts]
        row = rows["litert-fp32"]
        assert list(row)[:6] == ["artifact", "ok", "intact", "error", "parity", "first_drifting_layer"]
        assert (row["ok"], row["intact"], row["error"], row["first_drifting_layer"]) == (
            True,
            True,
            None,
            None,
        )
        assert row["parity"]["gate"]["max_error_of_range"] == 1e-4
        assert [clip["clip"] for clip in row["parity"]["clips"]][-1] == "carving_ice.mp4 (--clip)"
        figures = {"max_abs_error", "error_of_range", "cosine", "snr_db", "top1_agrees", "top5_agrees"}
        assert figures < set(row["parity"]["clips"][0])
        core_ml = rows["coreml-fp16"]
        assert "not by Core ML" in core_ml["parity"]["reason"]
        assert len(core_ml["fp16_magnitudes"]) > 100
        assert all(0 <= value["of_range"] < 1 for value in core_ml["fp16_magnitudes"])
        assert row["fp16_magnitudes"] == row["interpreter_against_runtime"] == []

    def test_a_changed_byte_exits_with_1_and_names_the_artifact(self, dvfl, converted_copy, tmp_path):
        flip_a_byte(converted_copy, converted_copy.artifact("litert", "fp16"))
        file = tmp_path / "result.json"
        code, out, err = dvfl("verify", converted_copy.root, "--json", file)
        assert code == 1
        assert err == "error: failed: litert-fp16; --localize names the first layer that drifts\n"
        assert "litert-fp16        changed" in out or "litert-fp16      changed" in out
        rows = {row["artifact"]: row for row in json.loads(file.read_text())}
        assert (rows["litert-fp16"]["ok"], rows["litert-fp16"]["intact"]) == (False, False)

    def test_a_drift_exits_with_1_and_names_the_layer(self, dvfl, with_a_flipped_weight, tmp_path):
        file = tmp_path / "result.json"
        code, out, err = dvfl("verify", with_a_flipped_weight.root, "--localize", "--json", file)
        assert code == 1
        assert err == "error: failed: litert-fp32\n"
        assert "first drifting layer: 'layers.2.blocks.0.modulation.h_temporal'" in out
        rows = {row["artifact"]: row for row in json.loads(file.read_text())}
        assert rows["litert-fp32"]["first_drifting_layer"] == "layers.2.blocks.0.modulation.h_temporal"
        assert rows["litert-fp32"]["parity"]["status"] == "failed"

    def test_stale_logits_are_one_line(self, refused, converted_copy):
        def change(data):
            data["reference_vectors"][0]["logits"][0] += 1.0

        edit(converted_copy, change)
        assert "no longer gives the recorded logits" in refused("verify", converted_copy.root)

    def test_a_folder_that_is_no_bundle_is_one_line(self, refused, tmp_path):
        assert "so this is no bundle" in refused("verify", tmp_path)

    def test_a_file_that_is_no_video_is_one_line(self, refused, converted, sources):
        assert "labels.txt" in refused("verify", converted.root, "--clip", sources / "labels.txt")
