"""Judging device results: the host's own verdict, and a refusal of whatever does not belong together."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import pytest
from device_samples import clip_run, failed_run, good_run, results, run_of, write, write_bundle

from dvfl.errors import DeviceResultsError
from dvfl_converter.devices import judge_devices


@pytest.fixture
def bundle(tmp_path):
    return write_bundle(tmp_path / "bundle")


@pytest.fixture
def judged(bundle, tmp_path):
    """Judges files with this content."""

    def run(*contents):
        return judge_devices(bundle, [write(tmp_path, data, f"{i}.json") for i, data in enumerate(contents)])

    return run


@pytest.fixture
def refusal(judged):
    """Judges what must be refused; returns the one line."""

    def run(*contents):
        with pytest.raises(DeviceResultsError) as error:
            judged(*contents)
        assert "\n" not in str(error.value)
        return str(error.value)

    return run


def reference(bundle):
    return {vector.name: np.array(vector.logits, np.float32) for vector in bundle.manifest.reference_vectors}


class TestVerdict:
    def test_a_good_run_passes_the_artifacts_own_gate(self, bundle, judged):
        (run,) = judged(results(bundle))
        assert run.ok
        assert run.artifact is bundle.manifest.artifacts[0]
        assert run.parity.gate == run.artifact.parity.gate
        assert [clip.clip for clip in run.parity.clips] == ["first.mp4", "second.mp4"]
        assert 0 < run.parity.worst.error_of_range < 1e-6
        assert run.name == "litert-fp32 on Google Pixel 8 (cpu)"

    def test_one_changed_logit_misses_the_gate(self, bundle, judged):
        logits = reference(bundle)
        logits["second.mp4"][3] += np.float32(0.01)
        (run,) = judged(results(bundle, run_of(bundle, logits, bundle.manifest.artifacts[0])))
        assert not run.ok
        assert run.parity.status == "failed"
        assert "second.mp4" in run.parity.reason

    def test_a_gate_of_the_manifest_is_used_though_the_default_is_another(self, bundle, tmp_path):
        logits = {name: values + np.float32(2e-4) for name, values in reference(bundle).items()}
        wide = bundle.manifest.artifacts[0]
        parity = wide.parity.model_copy(
            update={"gate": wide.parity.gate.model_copy(update={"max_error_of_range": 1e-6})}
        )
        artifacts = (wide.model_copy(update={"parity": parity}), *bundle.manifest.artifacts[1:])
        strict = replace(bundle, manifest=bundle.manifest.model_copy(update={"artifacts": artifacts}))
        file = write(tmp_path, results(bundle, run_of(bundle, logits, wide)))
        assert judge_devices(bundle, [file])[0].ok
        assert not judge_devices(strict, [file])[0].ok

    def test_a_failed_run_is_kept_with_its_reason_and_the_clips_before_it(self, bundle, judged):
        before = good_run(bundle)["clips"][:1]
        (run,) = judged(results(bundle, failed_run(bundle, "out of memory", clips=before)))
        assert not run.ok
        assert (run.parity.status, run.parity.reason, run.parity.clips) == ("not_run", "out of memory", ())

    def test_runs_of_several_devices_and_accelerators_stay_in_order(self, bundle, judged):
        first = results(bundle, good_run(bundle), good_run(bundle, accelerator="gpu", threads=None))
        second = results(bundle, good_run(bundle, bundle.manifest.artifacts[1]), model="Pixel 9")
        assert [run.name for run in judged(first, second)] == [
            "litert-fp32 on Google Pixel 8 (cpu)",
            "litert-fp32 on Google Pixel 8 (gpu)",
            "coreml-fp16 on Google Pixel 9 (cpu)",
        ]

    def test_logits_in_float64_decimals_are_the_same_float32(self, bundle, judged):
        data = results(bundle)
        for clip in data["runs"][0]["clips"]:
            clip["logits"] = [float(np.float32(value)) for value in clip["logits"]]
        assert judged(data)[0].ok


class TestRefusals:
    @pytest.fixture
    def changed(self, bundle):
        """A good file, changed in its run, or in its first clip."""

        def make(run=None, clip=None):
            data = copy.deepcopy(results(bundle))
            data["runs"][0].update(run or {})
            if clip:
                data["runs"][0]["clips"][0].update(clip)
            return data

        return make

    def test_another_bundles_file(self, bundle, refusal):
        assert "is about another bundle (manifest.json 000000000000..." in refusal(
            results(bundle, manifest_sha256="00" * 32)
        )

    def test_another_artifact(self, changed, refusal):
        said = refusal(changed(run={"artifact_sha256": "11" * 32}))
        assert "runs.0: ran another litert-fp32 (sha256 111111111111..." in said

    def test_an_artifact_the_bundle_does_not_hold(self, changed, refusal):
        said = refusal(changed(run={"precision": "int8"}))
        assert "no artifact 'litert-int8'; this bundle holds: litert-fp32, coreml-fp16" in said

    def test_an_unknown_clip(self, changed, refusal):
        said = refusal(changed(clip={"clip": "000"}))
        assert "clip '000' is no reference vector; this bundle's are: 'first.mp4', 'second.mp4'" in said

    def test_a_missing_clip(self, bundle, changed, refusal):
        said = refusal(changed(run={"clips": good_run(bundle)["clips"][:1]}))
        assert "lacks the reference clip 'second.mp4'; a run has all 2, or is 'failed'" in said

    def test_a_wrong_number_of_logits(self, changed, refusal):
        assert "has 2 logits, the model has 10 classes" in refusal(changed(clip={"logits": [1.0, 2.0]}))

    def test_a_failed_runs_clips_are_checked_too(self, bundle, refusal):
        clip = {**good_run(bundle)["clips"][0], "logits": [1.0]}
        assert "has 1 logits" in refusal(results(bundle, failed_run(bundle, "crashed", clips=[clip])))

    def test_the_same_file_twice_even_if_written_in_another_way(self, bundle, tmp_path):
        path = write(tmp_path, results(bundle), "a.json")
        other = tmp_path / "b.json"
        other.write_text(path.read_text().replace(", ", ",\n"))
        for twice in ([path, path], [path, other]):
            with pytest.raises(DeviceResultsError, match=f"the same results as {path}; give each file once"):
                judge_devices(bundle, twice)

    @pytest.mark.parametrize("factor", [1.0001, 0.9999, 0.0])
    def test_an_error_that_its_own_logits_contradict(self, bundle, changed, refusal, factor):
        true = good_run(bundle)["clips"][0]["max_abs_error"]
        said = refusal(changed(clip={"max_abs_error": true * factor}))
        assert "clip 'first.mp4': max_abs_error says" in said

    def test_a_logit_changed_after_the_device_wrote_its_error(self, bundle, refusal):
        data = results(bundle)
        data["runs"][0]["clips"][0]["logits"][0] += 0.5
        assert "the file was altered, or the device compared with something else" in refusal(data)

    def test_an_error_within_the_last_bits_of_float32_is_taken(self, bundle, changed, judged):
        true = good_run(bundle)["clips"][0]["max_abs_error"]
        assert judged(changed(clip={"max_abs_error": true * (1 + 5e-6)}))[0].ok

    def test_a_top_class_that_its_own_logits_contradict(self, changed, refusal):
        assert "top1_agrees says false, its logits say otherwise" in refusal(
            changed(clip={"top1_agrees": False})
        )

    @pytest.mark.parametrize("says", [True, False])
    def test_of_two_best_classes_a_device_may_name_either(self, bundle, changed, judged, says):
        logits = reference(bundle)["first.mp4"]
        logits[(logits.argmax() + 1) % len(logits)] = logits.max()
        tied = {**clip_run(bundle, "first.mp4", logits), "top1_agrees": says}
        assert not judged(changed(clip=tied))[0].ok
