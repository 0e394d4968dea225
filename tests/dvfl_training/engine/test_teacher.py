"""The teacher: fit, strict, asked about the student's clips, and asked once where its logits are kept."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from dvfl.errors import CheckpointError
from dvfl.model import Architecture, VideoFocalNet
from dvfl_training import runs
from dvfl_training.data.loader import to_input
from dvfl_training.engine.released import TrainedOn, write_released
from dvfl_training.engine.run_log import read_metrics
from dvfl_training.engine.teacher import NetworkTeacher, load_teacher
from dvfl_training.errors import ConfigError, TrainingError
from fake_clips import CLASSES, run_on_fake_clips, tiny_config, tiny_manifest

FIXED = ("augmentation.variants=2", "schedule.epochs=4")


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    """A teacher that knows its colours."""
    folder = tmp_path_factory.mktemp("teacher")
    with pytest.MonkeyPatch.context() as monkeypatch:
        config = tiny_config("schedule.epochs=8")
        run_on_fake_clips(monkeypatch, runs.Request(folder / "run", tiny_manifest(folder), config))
    return folder / "run" / "best.pth"


def untrained(path: Path, classes: tuple[str, ...] = CLASSES) -> Path:
    torch.manual_seed(3)
    network = VideoFocalNet(Architecture((1, 1, 1, 1), 8, len(classes)))
    write_released(network, path, tiny_config(), TrainedOn(classes, "colours"), 0.0, 0)
    return path


def request(folder: Path, teacher: Path, *settings: str, name: str = "student", **options) -> runs.Request:
    config = tiny_config("model.width=8", "distillation.temperature=3", *settings)
    return runs.Request(
        folder / name, tiny_manifest(folder), config, teacher=teacher, device="cpu", **options
    )


@pytest.fixture
def count_calls(monkeypatch) -> list[torch.Tensor]:
    """The clips that any teacher is asked about."""
    asked: list[torch.Tensor] = []
    answer = NetworkTeacher.answer

    def remember(self, batch, clips):
        asked.append(clips)
        return answer(self, batch, clips)

    monkeypatch.setattr(NetworkTeacher, "answer", remember)
    return asked


def test_the_student_learns_and_the_teachers_accuracy_is_said(trained, monkeypatch, tmp_path) -> None:
    recorder = run_on_fake_clips(monkeypatch, request(tmp_path, trained, "schedule.epochs=6"))
    assert any(line.startswith("teacher: top-1 100.0% (95 % interval 75.8%") for line in recorder.said)
    divergences = [figures.divergence for figures in recorder.figures]
    assert divergences[-1] < 0.5 * divergences[0]
    assert recorder.validations[-1].evaluation.top(1).value > 0.9
    figures = recorder.figures[0]
    assert figures.loss == pytest.approx(0.2 * figures.divergence + 0.8 * figures.cross_entropy, rel=1e-6)


def test_the_teacher_sees_the_clips_of_the_student(trained, count_calls, monkeypatch, tmp_path) -> None:
    shown: list[torch.Tensor] = []

    def remember(clips, device):
        shown.append(to_input(clips, device))
        return shown[-1]

    monkeypatch.setattr("dvfl_training.engine.stepping.to_input", remember)
    run_on_fake_clips(monkeypatch, request(tmp_path, trained))
    assert len(count_calls) == 8
    assert all(torch.equal(asked, seen) for asked, seen in zip(count_calls, shown, strict=True))


def test_the_teacher_is_in_eval_mode_and_gets_no_gradient(trained) -> None:
    teacher = load_teacher(trained, CLASSES, torch.device("cpu"))
    clips = torch.randn(2, 2, 3, 32, 32, requires_grad=True)
    answer = teacher.answer(None, clips)
    assert not answer.requires_grad
    assert not teacher._network.training
    torch.testing.assert_close(answer, teacher._network(clips).detach())


def test_a_teacher_at_chance_is_refused_in_one_line(monkeypatch, tmp_path) -> None:
    with pytest.raises(TrainingError, match=r"no better than chance, 33.3%.*--trust-teacher") as refused:
        run_on_fake_clips(monkeypatch, request(tmp_path, untrained(tmp_path / "t.pth")))
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "student" / "last.pth").exists()


def test_a_trusted_teacher_is_not_examined(monkeypatch, tmp_path) -> None:
    monkeypatch.setattr("dvfl_training.runs.examine", None)
    trusted = request(tmp_path, untrained(tmp_path / "t.pth"), trust_teacher=True)
    assert len(run_on_fake_clips(monkeypatch, trusted).figures) == 8


def test_without_validation_clips_the_teacher_must_be_trusted(trained, monkeypatch, tmp_path) -> None:
    blind = request(tmp_path, trained)
    tiny_manifest(tmp_path, validation=0)
    with pytest.raises(TrainingError, match="no validation clips to examine the teacher on"):
        run_on_fake_clips(monkeypatch, blind)


def test_other_class_names_are_refused_by_the_first(tmp_path) -> None:
    path = untrained(tmp_path / "t.pth", ("red", "blue", "green"))
    with pytest.raises(TrainingError, match="its class 1 is 'blue', the data set's is 'green'"):
        load_teacher(path, CLASSES, torch.device("cpu"))


def test_another_number_of_classes_is_refused(tmp_path) -> None:
    path = untrained(tmp_path / "t.pth", ("red", "green"))
    with pytest.raises(TrainingError, match="has 2 classes, the data set 3"):
        load_teacher(path, CLASSES, torch.device("cpu"))


def test_a_teacher_with_a_missing_key_is_refused(trained, tmp_path) -> None:
    content = torch.load(trained, weights_only=True)
    del content["model"]["norm.bias"]
    torch.save(content, tmp_path / "broken.pth")
    with pytest.raises(CheckpointError, match=r"'norm.bias' is missing"):
        load_teacher(tmp_path / "broken.pth", CLASSES, torch.device("cpu"))


def test_another_teacher_cannot_continue_a_run(trained, monkeypatch, tmp_path) -> None:
    run_on_fake_clips(monkeypatch, request(tmp_path, trained))
    again = runs.resume_request(tmp_path / "student", (), None, "cpu")
    other = replace(again, teacher=untrained(tmp_path / "t.pth"))
    with pytest.raises(TrainingError, match="was made with another teacher"):
        run_on_fake_clips(monkeypatch, other)


class TestKeptLogits:
    def test_each_clip_is_asked_once_per_variant(self, trained, count_calls, monkeypatch, tmp_path) -> None:
        kept = request(tmp_path, trained, *FIXED, logits=tmp_path / "logits")
        run_on_fake_clips(monkeypatch, kept)
        # Epochs 0 and 1 show the two variants of the 24 clips, in 4 batches each; 2 and 3 repeat them.
        assert len(count_calls) == 8
        assert np.isfinite(np.load(tmp_path / "logits" / "logits.npy")).all()

    def test_a_second_run_does_not_ask_at_all(self, trained, count_calls, monkeypatch, tmp_path) -> None:
        run_on_fake_clips(monkeypatch, request(tmp_path, trained, *FIXED, logits=tmp_path / "logits"))
        count_calls.clear()
        second = ("distillation.alpha=0.5", "schedule.base_lr=0.001")
        again = request(tmp_path, trained, *FIXED, *second, logits=tmp_path / "logits", name="second")
        run_on_fake_clips(monkeypatch, again)
        assert count_calls == []

    def test_they_change_nothing_but_the_time(self, trained, monkeypatch, tmp_path) -> None:
        run_on_fake_clips(monkeypatch, request(tmp_path, trained, *FIXED, logits=tmp_path / "logits"))
        run_on_fake_clips(monkeypatch, request(tmp_path, trained, *FIXED, name="asked"))
        losses = [
            [row["loss"] for row in read_metrics(tmp_path / name / "metrics.csv")]
            for name in ("student", "asked")
        ]
        assert losses[0] == pytest.approx(losses[1], rel=1e-5)

    @pytest.mark.parametrize(
        ("settings", "what"),
        [(("run.seed=1",), "seed"), (("augmentation.jitter=0",), "augmentation"), ((), "teacher_sha256")],
        ids=["seed", "augmentation", "teacher"],
    )
    def test_those_of_something_else_are_refused(
        self, settings, what, trained, monkeypatch, tmp_path
    ) -> None:
        run_on_fake_clips(monkeypatch, request(tmp_path, trained, *FIXED, logits=tmp_path / "logits"))
        teacher = trained if settings else untrained(tmp_path / "t.pth")
        other = request(
            tmp_path, teacher, *FIXED, *settings, logits=tmp_path / "logits", name="other", trust_teacher=True
        )
        with pytest.raises(TrainingError, match=f"holds logits for another {what}; delete it"):
            run_on_fake_clips(monkeypatch, other)

    def test_changing_augmentations_cannot_be_kept(self, trained, monkeypatch, tmp_path) -> None:
        with pytest.raises(ConfigError, match=r"add --set augmentation.variants=4"):
            run_on_fake_clips(monkeypatch, request(tmp_path, trained, logits=tmp_path / "logits"))
        assert not (tmp_path / "logits").exists()

    def test_the_key_names_everything_they_depend_on(self, trained, monkeypatch, tmp_path) -> None:
        run_on_fake_clips(monkeypatch, request(tmp_path, trained, *FIXED, logits=tmp_path / "logits"))
        key = json.loads((tmp_path / "logits" / "key.json").read_text())
        assert key["shape"] == [24, 2, 3]
        assert set(key) == {
            "teacher_sha256", "data_sha256", "clip", "augmentation", "seed", "precision", "shape"
        }  # fmt: skip


def test_no_teacher_is_run_for_a_divergence_of_none(trained, count_calls, monkeypatch, tmp_path) -> None:
    run_on_fake_clips(monkeypatch, request(tmp_path, trained, "distillation.divergence=none"))
    assert count_calls == []
