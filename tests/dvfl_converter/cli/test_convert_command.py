"""``dvfl convert``: what it says, how it ends, and bad input on one line."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import av
import numpy as np
import pytest
import small_models as small
import torch

from dvfl.bundle import Bundle
from dvfl.model.checkpoint import load_checkpoint
from dvfl.spec import PreprocessingSpec
from dvfl_converter.inputs import input_of


@pytest.fixture
def out(tmp_path):
    return tmp_path / "made" / "bundle"


@pytest.fixture
def asked(sources, out):
    """The arguments of a conversion, some of them replaced or added."""

    def make(*further, checkpoint=None, labels=None, size=small.SIZE):
        checkpoint, labels = checkpoint or sources / "student.pth", labels or sources / "labels.txt"
        return ("convert", checkpoint, "--labels", labels, "--out", out, "--size", size, *further)

    return make


@pytest.fixture
def refuses(refused, out):
    """Converts what must be refused in one line that leaves nothing behind; returns the line."""

    def run(arguments):
        said = refused(*arguments)
        assert not out.exists()
        assert not out.parent.exists() or os.listdir(out.parent) == []
        return said

    return run


class TestVerdict:
    def test_success_names_the_bundle_the_report_and_the_next_step(
        self, replayed, dvfl, asked, out, clip_file
    ):
        code, said, err = dvfl(*asked("--target", "litert", "--clip", clip_file))
        assert code == 0
        assert said == f"bundle: {out}\nreport: {out / 'report.html'}\n"
        assert err.endswith(f"next: dvfl predict {out} {clip_file}    or    dvfl verify {out}\n")
        assert [artifact.name for artifact in Bundle.open(out).manifest.artifacts] == ["litert-fp32"]

    def test_without_clips_it_says_what_it_was_proved_on(self, replayed, dvfl, asked):
        code, _, err = dvfl(*asked("--target", "litert"))
        assert code == 0
        assert err.startswith("note: proved on generated patterns only; add --clip VIDEO")

    def test_a_failed_target_exits_with_1_and_keeps_the_others(self, replayed, dvfl, asked, out, monkeypatch):
        def fail(*_):
            raise RuntimeError("deep inside")

        small.write_with(monkeypatch, "litert", fail)
        code, said, err = dvfl(*asked())
        assert code == 1
        assert f"bundle: {out}" in said
        assert err.splitlines()[-1] == (
            "error: not usable: litert-fp32; the reasons are above and in report.html"
        )
        assert len(Bundle.open(out).manifest.artifacts) == 2

    def test_a_missed_gate_exits_with_1(self, replayed, dvfl, asked, out, monkeypatch, converted):
        """Another network's weights: the artifact runs, and says something else."""
        network = small.randomised(branch_gain=0.3)
        weight = network.state_dict()["layers.0.blocks.0.modulation.h.weight"]
        hand_out = small.writing("litert")

        def write(config, path, plan=None):
            made = hand_out(config, path)
            path.write_bytes(small.with_sign_flipped(path.read_bytes(), weight))
            return made

        small.write_with(monkeypatch, "litert", write)
        code, _, err = dvfl(*asked("--target", "litert"))
        assert code == 1
        assert "not usable: litert-fp32" in err
        assert Bundle.open(out).artifact("litert").parity.status == "failed"

    def test_force_replaces_a_bundle_and_nothing_else(self, replayed, dvfl, refused, asked, out):
        assert dvfl(*asked("--target", "litert"))[0] == 0
        assert "already exists" in refused(*asked("--target", "litert"))
        assert dvfl(*asked("--target", "coreml", "--force"))[0] == 0
        assert [artifact.name for artifact in Bundle.open(out).manifest.artifacts] == ["coreml-fp16"]
        (out / "manifest.json").unlink()
        assert "is not a bundle, so --force does not replace it" in refused(*asked("--force"))


class TestTrainedHere:
    """A checkpoint of ``dvfl train``, which says what it saw, with its labels beside it."""

    @pytest.fixture
    def trained(self, sources, tmp_path):
        content = torch.load(sources / "student.pth")
        content["config"] = {"frames": small.FRAMES, "size": small.SIZE, "short_side": small.SIZE + 5}
        torch.save(content, tmp_path / "best.pth")
        shutil.copy(sources / "labels.txt", tmp_path)
        return tmp_path / "best.pth"

    def test_needs_no_option_for_labels_and_input(self, replayed, dvfl, trained, out, clip_file):
        code, _, err = dvfl("convert", trained, "--out", out, "--target", "coreml", "--clip", clip_file)
        assert code == 0
        assert err.startswith(f"labels: {trained.parent / 'labels.txt'}\n")
        assert "warning" not in err
        manifest = Bundle.open(out).manifest
        spec = manifest.preprocessing
        assert (manifest.model.frames, manifest.model.size) == (small.FRAMES, small.SIZE)
        assert (spec.temporal.frames, spec.crop.size, spec.resize.short_side) == (
            small.FRAMES,
            small.SIZE,
            small.SIZE + 5,
        )
        assert manifest.labels == small.LABELS

    def test_what_it_was_trained_on_is_taken_or_scaled(self, trained):
        checkpoint = load_checkpoint(trained)
        same, silent = input_of(checkpoint, small.FRAMES, None)
        assert (same.resize.short_side, silent) == (small.SIZE + 5, "")
        double, warning = input_of(checkpoint, None, 2 * small.SIZE)
        assert double.resize.short_side == 2 * small.SIZE + 10
        assert warning == (
            f"trained on {small.FRAMES} x {small.SIZE} x {small.SIZE}, short side {small.SIZE + 5}; "
            f"converted for {small.FRAMES} x {2 * small.SIZE} x {2 * small.SIZE}, "
            f"short side {2 * small.SIZE + 10}, at which its accuracy is another"
        )

    def test_a_released_one_gets_the_published_input(self, sources):
        checkpoint = load_checkpoint(sources / "student.pth")
        assert input_of(checkpoint, None, None) == (PreprocessingSpec.default(), "")
        assert input_of(checkpoint, 4, 64) == (PreprocessingSpec.default().with_clip(4, 64), "")


class TestBadCheckpoint:
    def test_missing(self, refuses, asked, tmp_path):
        assert "none.pth: no such file" in refuses(asked(checkpoint=tmp_path / "none.pth"))

    def test_a_folder(self, refuses, asked, tmp_path):
        assert "is a folder" in refuses(asked(checkpoint=tmp_path))

    def test_truncated(self, refuses, asked, sources, tmp_path):
        path = tmp_path / "cut.pth"
        path.write_bytes((sources / "student.pth").read_bytes()[:5000])
        assert "cut.pth: truncated" in refuses(asked(checkpoint=path))

    def test_no_checkpoint(self, refuses, asked, clip_file):
        assert "not a PyTorch checkpoint" in refuses(asked(checkpoint=clip_file))

    def test_wrong_keys(self, refuses, asked, sources, tmp_path):
        weights = torch.load(sources / "student.pth")["model"]
        del weights["layers.3.blocks.0.norm2.bias"]
        torch.save(weights, tmp_path / "cut.pth")
        assert "'layers.3.blocks.0.norm2.bias' is missing" in refuses(asked(checkpoint=tmp_path / "cut.pth"))

    def test_weights_that_give_nan(self, refuses, asked, sources, tmp_path):
        weights = torch.load(sources / "student.pth")["model"]
        weights["head.weight"] *= 1e38
        weights["norm.weight"] *= 1e38
        torch.save(weights, tmp_path / "huge.pth")
        said = refuses(asked("--target", "litert", checkpoint=tmp_path / "huge.pth"))
        assert "torch returned NaN or infinite logits" in said


class TestBadLabels:
    def test_missing(self, refuses, asked, tmp_path):
        assert "no such labels file" in refuses(asked(labels=tmp_path / "none.txt"))

    def test_another_number_than_classes(self, refuses, asked, tmp_path):
        (tmp_path / "two.txt").write_text("a\nb\n")
        assert "2 labels, but the checkpoint's head has 5 classes" in refuses(
            asked(labels=tmp_path / "two.txt")
        )

    def test_duplicates(self, refuses, asked, tmp_path):
        (tmp_path / "twice.txt").write_text("a\nb\nc\nd\na\n")
        assert "label 'a' occurs more than once" in refuses(asked(labels=tmp_path / "twice.txt"))


def audio_only(path):
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=16000)
        for index in range(8):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
            frame.sample_rate, frame.pts = 16000, index * 1024
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


@pytest.fixture
def bad_videos(tmp_path, sources):
    """A file for every way in which a video is none."""
    good = (sources / "moving.mp4").read_bytes()
    folder = tmp_path / "videos"
    (folder / "folder.mp4").mkdir(parents=True)
    contents = {"empty.mp4": b"", "text.mp4": b"no video\n" * 99, "truncated.mp4": good[: len(good) // 2]}
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    small.write_video(folder / "one_frame.mp4", 0, frames=1)
    audio_only(folder / "audio.m4a")
    return [*folder.iterdir(), folder / "none.mp4"]


class TestBadVideo:
    def test_each_is_refused_before_any_work(self, refuses, asked, bad_videos):
        assert len(bad_videos) == 7
        for path in bad_videos:
            assert str(path) in refuses(asked("--target", "litert", "--clip", path))

    def test_a_calibration_folder_without_videos(self, refuses, asked, tmp_path):
        (tmp_path / "none").mkdir()
        static = ("--target", "litert", "--precision", "int8", "--set", "litert.int8=static")
        said = refuses(asked(*static, "--calibration-clips", tmp_path / "none"))
        assert "holds no video" in said


class TestBadOptions:
    @pytest.mark.parametrize(
        ("options", "said"),
        [
            (("--target", "litrt"), "unknown target 'litrt'; did you mean 'litert'?"),
            (("--precision", "fp8"), "unknown precision 'fp8'"),
            (("--target", "executorch", "--precision", "fp16"), "executorch: no fp16: XNNPACK's partitioner"),
            (
                ("--precision", "litert=int8", "--set", "litert.int8=sometimes"),
                "Input should be 'search', 'dynamic' or 'static'",
            ),
            (("--frames", "0"), "--frames must be at least 1"),
        ],
    )
    def test_one_line(self, refuses, asked, options, said):
        assert said in refuses(asked(*options))

    def test_a_size_between_the_strides(self, refuses, asked):
        assert "--size must be a multiple of 32, not 100" in refuses(asked(size=100))

    def test_no_labels_given_and_none_beside_the_checkpoint(self, dvfl, sources, tmp_path, out):
        shutil.copy(sources / "student.pth", tmp_path / "alone.pth")
        code, _, err = dvfl("convert", tmp_path / "alone.pth", "--out", out)
        assert code == 2
        assert f"missing option '--labels': there is no {tmp_path / 'labels.txt'}" in err
        assert not out.exists()

    def test_a_missing_checkpoint_is_not_taken_for_missing_labels(self, refuses, out, tmp_path):
        assert "none.pth: no such file" in refuses(("convert", tmp_path / "none.pth", "--out", out))

    def test_wrong_usage(self, dvfl, asked, sources, out):
        assert dvfl("convert", sources / "student.pth")[0] == 2
        assert dvfl(*asked("--frames", "many"))[0] == 2
        assert dvfl(*asked("--no-such-option"))[0] == 2


class TestBadPlace:
    def test_a_parent_that_is_a_file(self, refused, sources, tmp_path):
        (tmp_path / "notes").write_text("precious")
        arguments = ("--labels", sources / "labels.txt", "--out", tmp_path / "notes" / "bundle", "--size", 64)
        said = refused("convert", sources / "student.pth", *arguments, "--target", "coreml")
        assert "cannot be written" in said
        assert (tmp_path / "notes").read_text() == "precious"

    @pytest.mark.slow
    def test_a_full_place_is_one_line_and_leaves_nothing(self, asked, out):
        """In a process whose files may not grow beyond 100 kB, which is less than the reference's weights."""
        code = (
            "import resource, signal, sys\n"
            "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
            "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
            "from dvfl.cli import main; main(sys.argv[1:])"
        )
        arguments = map(str, asked("--target", "coreml"))
        done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True)
        assert done.returncode == 1
        assert done.stdout == ""
        assert done.stderr == (
            f"error: {out}: cannot be written: File too large; choose another place or make room\n"
        )
        assert os.listdir(out.parent) == []
