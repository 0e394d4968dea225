"""From a checkpoint to a proved bundle."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import numpy as np
import pytest
import small_models as small

from dvfl.bundle import Bundle
from dvfl.errors import CheckpointError, ConversionError, LabelsError, OutputError, VideoError
from dvfl.hashing import sha256_file, sha256_path
from dvfl.manifest import Manifest
from dvfl.model import VARIANTS, VideoFocalNet
from dvfl.model.checkpoint import load_checkpoint
from dvfl.video import load_clip
from dvfl_converter.lowering.weights import fold_network
from dvfl_converter.parity.gates import GATES, misses
from dvfl_converter.pipeline import convert, count_macs
from dvfl_converter.quantization.plan import read_plan
from dvfl_converter.targets.registry import TARGETS, load_backend


class TestBundle:
    """What a real conversion to every target left."""

    def test_the_manifest_survives_a_strict_round_trip(self, converted):
        text = (converted.root / "manifest.json").read_text()
        manifest = Manifest.model_validate_json(text)
        assert manifest.model_dump_json(indent=2) + "\n" == text
        assert json.loads(text)["schema_version"] == 1

    def test_it_holds_what_was_asked_for(self, converted):
        names = [artifact.name for artifact in converted.manifest.artifacts]
        assert names == ["executorch-fp32", "coreml-fp16", "litert-fp32", "litert-fp16", "litert-int8"]

    def test_every_file_is_in_the_manifest_with_its_hash_and_size(self, converted):
        manifest = converted.manifest
        stored = [*manifest.artifacts, manifest.reference, *manifest.reference_vectors]
        for entry in stored:
            path = converted.verified(entry)
            assert entry.sha256 == sha256_path(path)
            files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
            assert entry.bytes == sum(file.stat().st_size for file in files)
        known = {converted.root / entry.file for entry in stored}
        beside = ("manifest.json", "labels.txt", "report.html", "report.json")
        known |= {converted.root / name for name in beside}
        known |= {
            converted.root / item.options["plan"] for item in manifest.artifacts if "plan" in item.options
        }
        for file in converted.root.rglob("*"):
            assert file.is_dir() or known & {file, *file.parents}, f"{file} is not in the manifest"

    def test_the_model_card_is_the_checkpoints(self, converted, sources):
        card = converted.manifest.model
        network = VideoFocalNet(small.TINY)
        assert card.name == "focal-1-1-1-1-w8"
        assert (card.depths, card.width) == (small.TINY.depths, small.TINY.width)
        assert card.parameters == sum(parameter.numel() for parameter in network.parameters())
        assert (card.frames, card.size) == (small.FRAMES, small.SIZE)
        assert card.checkpoint == "student.pth"
        assert card.checkpoint_sha256 == sha256_file(sources / "student.pth")

    def test_the_reference_is_the_weights_alone(self, converted, sources):
        stored = load_checkpoint(converted.verified(converted.manifest.reference))
        original = load_checkpoint(sources / "student.pth")
        assert stored.weights.keys() == original.weights.keys()
        assert all(stored.weights[key].equal(original.weights[key]) for key in stored.weights)

    def test_labels_and_preprocessing_are_embedded(self, converted):
        assert converted.manifest.labels == small.LABELS
        assert (converted.root / "labels.txt").read_text().splitlines() == list(small.LABELS)
        assert converted.manifest.preprocessing == small.SPEC

    def test_reference_vectors_are_the_clips_and_the_references_logits(self, converted, sources, clip_file):
        network = load_checkpoint(sources / "student.pth").network()
        vectors = converted.manifest.reference_vectors
        assert [vector.name for vector in vectors] == ["carving_ice.mp4", "moving.mp4"]
        for vector, video in zip(vectors, (clip_file, sources / "moving.mp4"), strict=True):
            pixels = load_clip(video, small.SPEC).pixels
            assert np.array_equal(converted.reference_clip(vector), pixels)
            expected = small.reference_logits(network, pixels).numpy()
            assert vector.logits == pytest.approx(expected, abs=1e-5)

    def test_every_artifact_passed_its_default_gate_on_every_clip(self, converted):
        for artifact in converted.manifest.artifacts:
            assert artifact.parity.gate == GATES[artifact.precision]
            assert (artifact.name, artifact.parity.status) == (artifact.name, "passed")
            assert [clip.clip for clip in artifact.parity.clips] == ["carving_ice.mp4", "moving.mp4"]

    def test_fp32_is_far_inside_its_gate(self, converted):
        for target in ("litert", "executorch"):
            assert converted.artifact(target, "fp32").parity.worst.error_of_range < 1e-5

    def test_the_report_shows_every_artifact_and_clip(self, converted):
        page = (converted.root / "report.html").read_text()
        for artifact in converted.manifest.artifacts:
            assert artifact.file in page
        assert "carving_ice.mp4" in page
        assert "moving.mp4" in page

    def test_nobody_but_the_owner_needs_to_be_asked_to_read_it(self, converted):
        assert converted.root.stat().st_mode & 0o055 == 0o055 & ~_umask()


class TestCalibrated:
    """Static int8, measured on a folder of other clips."""

    def test_the_options_are_recorded(self, calibrated):
        for target in ("litert", "executorch"):
            plan = f"quantization/{target}.json"
            options = dict(calibrated.artifact(target).options)
            assert "2.19.1" in options["min_runtime"] if target == "litert" else options["min_runtime"]
            del options["min_runtime"]
            assert options == {"int8": "static", "plan": plan, "layers": "static"}

    def test_the_plans_are_in_the_bundle(self, calibrated):
        for target in ("litert", "executorch"):
            plan = read_plan(calibrated.root / calibrated.artifact(target).options["plan"])
            assert plan.target == target
            assert set(plan.layers.values()) == {"static"}
            assert "body.1.modulation.temporal_layers.0" in plan.layers

    @pytest.mark.parametrize("target", ["litert", "executorch"])
    def test_the_verdict_follows_from_the_figures(self, calibrated, target):
        parity = calibrated.artifact(target).parity
        assert parity.gate == GATES["int8"]
        assert len(parity.clips) == 2
        assert parity.mean_cosine > 0.9
        assert parity.status == ("failed" if misses(parity) else "passed")
        assert (parity.reason or "") == "; ".join(misses(parity))

    def test_calibration_clips_are_not_the_tested_ones(self, calibrated):
        tested = {vector.name for vector in calibrated.manifest.reference_vectors}
        assert tested & {"1.mp4", "2.mp4"} == set()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


@pytest.mark.parametrize(
    ("variant", "gmacs"), [("nano", 27.14), ("tiny", 63.0), ("small", 124.3), ("base", 220.6)]
)
def test_the_work_of_the_published_variants(variant, gmacs):
    import torch

    with torch.device("meta"):
        network = VideoFocalNet(VARIANTS[variant])
    assert count_macs(network, 8, 224) / 1e9 == pytest.approx(gmacs, abs=0.05)


PLAIN = ("executorch", "coreml", "litert"), ()


@pytest.fixture
def out(tmp_path) -> Path:
    return tmp_path / "made" / "bundle"


@pytest.fixture
def nothing_left(out):
    """Asserts that a refused conversion left neither a bundle nor an unfinished one."""

    def check():
        assert not out.exists()
        assert not out.parent.exists() or os.listdir(out.parent) == []

    return check


@pytest.fixture
def breaks(monkeypatch, replayed):
    """Makes a target's conversion raise, after it wrote half of its file."""

    def make(target, error):
        def write(config, path, plan=None):
            path.write_bytes(b"half")
            raise error

        small.write_with(monkeypatch, target, write)

    return make


class TestFailingTargets:
    @pytest.mark.parametrize(
        ("error", "said"),
        [
            (ConversionError("litert: no way"), "litert: no way"),
            (RuntimeError("deep inside\nand more"), "litert: failed unexpectedly: RuntimeError: deep inside"),
            (KeyError("aten"), "litert: failed unexpectedly: KeyError: 'aten'"),
        ],
    )
    def test_the_others_are_kept(self, breaks, request_for, out, error, said):
        breaks("litert", error)
        outcome = convert(request_for(out, *PLAIN), quiet=True)
        assert [(failure.name, failure.message) for failure in outcome.failures] == [("litert-fp32", said)]
        bundle = Bundle.open(out)
        assert [artifact.name for artifact in bundle.manifest.artifacts] == ["executorch-fp32", "coreml-fp16"]
        assert all(bundle.verified(artifact) for artifact in bundle.manifest.artifacts)
        assert said.partition(":")[0] in (out / "report.html").read_text()

    def test_the_half_written_artifact_is_not_in_the_bundle(self, breaks, request_for, out):
        breaks("litert", RuntimeError("deep inside"))
        convert(request_for(out, *PLAIN), quiet=True)
        files = sorted(path.name for path in (out / "artifacts").iterdir())
        assert files == ["model.fp16.mlpackage", "model.fp32.pte"]

    def test_an_error_with_brackets_is_shown_as_it_is(self, breaks, request_for, out, capfd):
        breaks("litert", ConversionError("litert: shape [/a] of [bold]x[/bold] [1, 2]"))
        convert(request_for(out, *PLAIN))
        assert "litert: shape [/a] of [bold]x[/bold] [1, 2]" in capfd.readouterr().err

    def test_an_artifact_that_does_not_load_is_a_failure(
        self, replayed, request_for, out, monkeypatch, converted
    ):
        hand_out = small.writing("litert")

        def write_garbage(config, path, plan=None):
            made = hand_out(config, path)
            path.write_bytes(b"TFL3" * 100)
            return made

        small.write_with(monkeypatch, "litert", write_garbage)
        outcome = convert(request_for(out, *PLAIN), quiet=True)
        (failure,) = outcome.failures
        assert failure.name == "litert-fp32"
        assert "LiteRT cannot load it" in failure.message
        assert not (out / "artifacts" / "model.fp32.tflite").exists()

    def test_an_artifact_that_returns_nan_is_a_failure(self, replayed, request_for, out, changed_artifact):
        changed_artifact(lambda kernel, bias: (kernel, np.full_like(bias, np.nan)))
        outcome = convert(request_for(out, *PLAIN), quiet=True)
        (failure,) = outcome.failures
        assert "LiteRT returned NaN or infinite logits" in failure.message

    def test_an_artifact_outside_its_gate_stays_and_is_named(
        self, replayed, request_for, out, changed_artifact
    ):
        changed_artifact(lambda kernel, bias: (kernel[..., ::-1], bias))
        outcome = convert(request_for(out, *PLAIN), quiet=True)
        assert outcome.failures == ()
        assert [artifact.name for artifact in outcome.failed_gates] == ["litert-fp32"]
        kept = Bundle.open(out).artifact("litert", "fp32")
        assert kept.parity.status == "failed"
        assert "of the logit range > 1e-04" in kept.parity.reason

    @pytest.fixture
    def changed_artifact(self, converted, monkeypatch, sources):
        """Changes the first convolution of the LiteRT artifact that is handed out."""

        def change(fault):
            network = load_checkpoint(sources / "student.pth").network()
            normalization = small.SPEC.normalization
            kernel, bias = fold_network(network, normalization.mean, normalization.std).patch_embed.conv
            stored = kernel.permute(0, 2, 3, 1).contiguous().numpy(), bias.numpy()
            data = converted.resolve(converted.artifact("litert", "fp32")).read_bytes()
            for old, new in zip(stored, fault(*stored), strict=True):
                data = data if old is new else small.patched(data, old, new)
            hand_out = small.writing("litert")

            def write(config, path, plan=None):
                made = hand_out(config, path)
                path.write_bytes(data)
                return made

            small.write_with(monkeypatch, "litert", write)

        return change

    def test_nothing_is_written_when_every_target_fails(self, breaks, request_for, out, nothing_left):
        for target in TARGETS:
            breaks(target, ConversionError(f"{target}: no way"))
        with pytest.raises(ConversionError, match="executorch: no way; coreml: no way; litert: no way"):
            convert(request_for(out, *PLAIN), quiet=True)
        nothing_left()

    def test_a_full_disk_is_no_targets_failure(self, breaks, request_for, out, nothing_left):
        breaks("litert", OSError(errno.ENOSPC, "No space left on device"))
        with pytest.raises(OutputError, match="cannot be written: No space left on device"):
            convert(request_for(out, *PLAIN), quiet=True)
        nothing_left()

    def test_an_interrupt_leaves_nothing(self, breaks, request_for, out, nothing_left):
        breaks("litert", KeyboardInterrupt())
        with pytest.raises(KeyboardInterrupt):
            convert(request_for(out, *PLAIN), quiet=True)
        nothing_left()

    def test_a_failure_keeps_the_bundle_that_was_there(self, breaks, request_for, out):
        out.mkdir(parents=True)
        (out / "manifest.json").write_text("the old one")
        for target in TARGETS:
            breaks(target, ConversionError("no way"))
        with pytest.raises(ConversionError):
            convert(request_for(out, *PLAIN, replace=True), quiet=True)
        assert (out / "manifest.json").read_text() == "the old one"
        assert os.listdir(out.parent) == ["bundle"]


class TestSuccess:
    def test_a_bundle_is_replaced_when_asked(self, replayed, request_for, out):
        out.mkdir(parents=True)
        (out / "manifest.json").write_text("the old one")
        convert(request_for(out, ("litert",), (), replace=True), quiet=True)
        assert [artifact.name for artifact in Bundle.open(out).manifest.artifacts] == ["litert-fp32"]

    def test_without_clips_it_is_proved_on_generated_ones(self, replayed, request_for, out):
        outcome = convert(request_for(out, ("litert",), (), clips=()), quiet=True)
        assert outcome.failures == outcome.failed_gates == ()
        names = [vector.name for vector in outcome.manifest.reference_vectors]
        assert names == ["pattern: moving gradient", "pattern: moving checkerboard", "pattern: noise"]

    def test_the_outcome_is_what_was_written(self, replayed, request_for, out):
        outcome = convert(request_for(out, ("litert",), ()), quiet=True)
        assert Bundle.open(out).manifest == outcome.manifest

    def test_it_prints_one_line_per_artifact_and_leaves_the_bar_to_terminals(
        self, replayed, request_for, out, capfd
    ):
        convert(request_for(out, ("litert", "coreml"), ()))
        lines = capfd.readouterr().err.splitlines()
        assert [line.split()[1] for line in lines] == ["litert-fp32", "coreml-fp16"]
        assert " passed " in lines[0]
        assert " passed " in lines[1]


class TestRefusedBeforeAnyWork:
    @pytest.fixture(autouse=True)
    def no_work(self, monkeypatch):
        for target in TARGETS.values():
            backend = load_backend(target)
            monkeypatch.setattr(backend, "lowered", lambda *_: pytest.fail("work was begun"))

    STATIC = (("litert",), ("int8",), ("litert.int8=static",))

    def test_static_int8_without_calibration_clips(self, request_for, out, nothing_left):
        with pytest.raises(ConversionError, match="litert-int8: static int8 needs --calibration-clips DIR"):
            convert(request_for(out, *self.STATIC), quiet=True)
        nothing_left()

    @pytest.mark.parametrize(("precision", "settings"), [("fp32", ()), ("int8", ("litert.int8=dynamic",))])
    def test_calibration_clips_that_nothing_uses(
        self, request_for, out, sources, nothing_left, precision, settings
    ):
        with pytest.raises(
            ConversionError, match="--calibration-clips only applies to --compress, and to int8 of"
        ):
            convert(request_for(out, ("litert",), (precision,), settings, calibration=sources), quiet=True)
        nothing_left()

    def test_a_clip_that_calibrates_and_tests(self, request_for, out, sources, tmp_path, nothing_left):
        calibration = tmp_path / "calibration"
        calibration.mkdir()
        (calibration / "renamed.mp4").write_bytes((sources / "moving.mp4").read_bytes())
        request = request_for(out, *self.STATIC, calibration=calibration)
        with pytest.raises(
            ConversionError, match=r"renamed\.mp4: calibrates and tests \(--clip .*moving\.mp4\)"
        ):
            convert(request, quiet=True)
        nothing_left()

    def test_a_missing_calibration_folder(self, request_for, out, tmp_path, nothing_left):
        with pytest.raises(VideoError, match="no such folder of clips"):
            convert(request_for(out, *self.STATIC, calibration=tmp_path / "none"), quiet=True)
        nothing_left()

    def test_labels_that_do_not_match_the_head(self, request_for, out, tmp_path, nothing_left):
        labels = tmp_path / "labels.txt"
        labels.write_text("one\ntwo\n")
        with pytest.raises(LabelsError, match="2 labels, but the checkpoint's head has 5 classes"):
            convert(request_for(out, *PLAIN, labels=labels), quiet=True)
        nothing_left()

    def test_a_file_that_is_no_checkpoint(self, request_for, out, sources, nothing_left):
        with pytest.raises(CheckpointError, match="not a PyTorch checkpoint"):
            convert(request_for(out, *PLAIN, checkpoint=sources / "labels.txt"), quiet=True)
        nothing_left()

    def test_a_file_that_is_no_video(self, request_for, out, sources, nothing_left):
        with pytest.raises(VideoError, match=r"labels\.txt"):
            convert(request_for(out, *PLAIN, clips=(sources / "labels.txt",)), quiet=True)
        nothing_left()

    @pytest.mark.parametrize("wrong", [{"frames": 0}, {"size": 100}])
    def test_a_clip_the_network_cannot_take(self, request_for, out, nothing_left, wrong):
        with pytest.raises(ConversionError, match=r"--(frames|size) must be"):
            convert(request_for(out, *PLAIN, **wrong), quiet=True)
        nothing_left()

    def test_a_bundle_that_is_there(self, request_for, out):
        out.mkdir(parents=True)
        (out / "manifest.json").write_text("the old one")
        with pytest.raises(OutputError, match="already exists"):
            convert(request_for(out, *PLAIN), quiet=True)
        assert (out / "manifest.json").read_text() == "the old one"
