"""What a run leaves behind, also when it goes wrong."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from dvfl.errors import OutputError
from dvfl.model.checkpoint import load_checkpoint
from dvfl_training import runs
from dvfl_training.config import load_config
from dvfl_training.data.loader import Batch
from dvfl_training.data.manifest import Split, read_manifest
from dvfl_training.engine.ema import averaged
from dvfl_training.engine.released import TrainedOn, read_trained_on
from dvfl_training.engine.run_log import COLUMNS, read_metrics
from dvfl_training.engine.state import load_state
from dvfl_training.errors import TrainingError
from dvfl_training.evaluation import evaluate
from fake_clips import (
    CLASSES,
    FakeEvaluationLoader,
    FakeTrainingLoader,
    Recorder,
    run_on_fake_clips,
    tiny_config,
    tiny_manifest,
)


def request(folder: Path, *settings: str, **options) -> runs.Request:
    manifest = tiny_manifest(folder, **options)
    return runs.Request(folder / "run", manifest, tiny_config(*settings), device="cpu")


class BrokenLoader(FakeTrainingLoader):
    """The targets of step 7 are not numbers."""

    def batches(self, epoch: int, first_step: int = 0) -> Iterator[Batch]:
        for step, batch in enumerate(super().batches(epoch, first_step), start=first_step):
            broken = epoch == 1 and step == 2
            yield replace(batch, targets=batch.targets * float("nan")) if broken else batch


def test_the_run_learns_and_keeps_its_best_network(monkeypatch, tmp_path) -> None:
    recorder = run_on_fake_clips(monkeypatch, request(tmp_path, "schedule.epochs=4"))
    best = max(recorder.validations, key=lambda validation: validation.evaluation.top(1).value)
    assert best.evaluation.top(1).value > 0.6
    content = torch.load(tmp_path / "run" / "best.pth", weights_only=True)
    assert content["max_accuracy"] == pytest.approx(100 * best.evaluation.top(1).value)
    assert content["epoch"] == best.epoch


def test_a_half_checkpoint_takes_half_the_space(monkeypatch, tmp_path) -> None:
    run_on_fake_clips(monkeypatch, request(tmp_path, "run.half_checkpoint=true"))
    weights = torch.load(tmp_path / "run" / "best.pth", weights_only=True)["model"]
    assert {weight.dtype for weight in weights.values()} == {torch.float16}


@pytest.mark.parametrize(
    "settings", [(), ("model.feature_norm=true",), ("run.ema=0.8",), ("run.half_checkpoint=true",)]
)
def test_the_kept_file_has_the_accuracy_that_was_reported(settings, monkeypatch, tmp_path) -> None:
    recorder = run_on_fake_clips(monkeypatch, request(tmp_path, *settings))
    best = [validation for validation in recorder.validations if validation.best][-1]
    manifest = read_manifest(tmp_path / "colours.csv")
    clips = FakeEvaluationLoader(manifest, Split.VALIDATION, tiny_config().clip)
    network = load_checkpoint(tmp_path / "run" / "best.pth").network()
    again = evaluate(network, clips, CLASSES, torch.device("cpu"))
    torch.testing.assert_close(
        torch.from_numpy(again.probabilities), torch.from_numpy(best.evaluation.probabilities)
    )


def test_the_checkpoint_says_what_it_was_trained_on(monkeypatch, tmp_path) -> None:
    run_on_fake_clips(monkeypatch, request(tmp_path))
    config = tiny_config()
    assert read_trained_on(tmp_path / "run" / "best.pth") == TrainedOn(CLASSES, "colours", config.clip)
    assert (tmp_path / "run" / "labels.txt").read_text() == "red\ngreen\nblue\n"


def test_the_recipe_is_saved_as_it_was(monkeypatch, tmp_path) -> None:
    run_on_fake_clips(monkeypatch, request(tmp_path))
    assert load_config(tmp_path / "run" / "config.toml") == tiny_config()


def test_metrics_have_a_row_per_step_and_the_validations(monkeypatch, tmp_path) -> None:
    recorder = run_on_fake_clips(monkeypatch, request(tmp_path))
    rows = read_metrics(tmp_path / "run" / "metrics.csv")
    assert (tmp_path / "run" / "metrics.csv").read_text().splitlines()[0] == ",".join(COLUMNS)
    assert [row["step"] for row in rows] == list(range(1, 9))
    assert [row["loss"] for row in rows] == pytest.approx(recorder.losses, rel=1e-6)
    assert [row["step"] for row in rows if "validation_top1" in row] == [4, 8]


def test_tensorboard_can_read_the_events(monkeypatch, tmp_path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    recorder = run_on_fake_clips(monkeypatch, request(tmp_path))
    events = EventAccumulator(str(tmp_path / "run" / "tensorboard"))
    events.Reload()
    values = [event.value for event in events.Scalars("training/loss")]
    assert values == pytest.approx(recorder.losses, rel=1e-6)
    assert len(events.Scalars("validation/top1")) == 2


def test_a_loss_that_is_not_finite_stops_with_its_step_and_keeps_the_last_good_state(
    monkeypatch, tmp_path
) -> None:
    recorder = Recorder()
    with pytest.raises(
        TrainingError, match=r"^step 7: the loss is not finite; .*last.pth keeps .*, best.pth"
    ):
        run_on_fake_clips(monkeypatch, request(tmp_path), recorder, BrokenLoader)
    assert len(recorder.figures) == 6
    state = load_state(tmp_path / "run" / "last.pth")
    assert state.step == 4
    assert all(torch.isfinite(value).all() for value in state.content["network"].values())
    load_checkpoint(tmp_path / "run" / "best.pth")


def test_a_gradient_that_is_not_finite_stops_before_it_reaches_the_weights(monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(
        "dvfl_training.engine.stepping.nn.utils.clip_grad_norm_", lambda *_: torch.tensor(float("inf"))
    )
    with pytest.raises(TrainingError, match=r"^step 1: the gradient is not finite"):
        run_on_fake_clips(monkeypatch, request(tmp_path))


def test_a_full_disk_is_one_line_and_the_earlier_state_stays(monkeypatch, tmp_path) -> None:
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    kept: list[bytes] = []

    def fill_the_disk() -> None:
        kept.append((tmp_path / "run" / "last.pth").read_bytes())
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))

    try:
        with pytest.raises(OutputError) as refused:
            run_on_fake_clips(monkeypatch, request(tmp_path), Recorder(at={6: fill_the_disk}))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    assert "\n" not in str(refused.value)
    assert "make room" in str(refused.value)
    assert (tmp_path / "run" / "last.pth").read_bytes() == kept[0]
    assert load_state(tmp_path / "run" / "last.pth").step == 4
    assert not list((tmp_path / "run").glob(".*.part"))


def test_a_folder_that_cannot_be_made_is_refused(monkeypatch, tmp_path) -> None:
    (tmp_path / "run").write_text("a file")
    with pytest.raises(OutputError, match="run: is a file; choose another --out"):
        run_on_fake_clips(monkeypatch, request(tmp_path))


def test_without_validation_clips_the_last_network_is_kept_and_that_is_said(monkeypatch, tmp_path) -> None:
    recorder = run_on_fake_clips(monkeypatch, request(tmp_path, validation=0))
    assert any("no clip is for validation" in line for line in recorder.said)
    kept = load_checkpoint(tmp_path / "run" / "best.pth").weights
    last = load_state(tmp_path / "run" / "last.pth").content["network"]
    assert all(torch.equal(value, last[f"network.{key}"]) for key, value in kept.items())


def test_validation_is_as_rare_as_asked_but_happens_at_the_end(monkeypatch, tmp_path) -> None:
    recorder = run_on_fake_clips(monkeypatch, request(tmp_path, "schedule.epochs=3", "run.validate_every=2"))
    assert [validation.epoch for validation in recorder.validations] == [2, 3]


def test_an_average_follows_by_its_decay() -> None:
    network = torch.nn.Linear(1, 1, bias=False)
    average = averaged(network, 0.5)
    seen = []
    for value in (1.0, 2.0, 4.0, 4.0):
        torch.nn.init.constant_(network.weight, value)
        average.update_parameters(network)
        seen.append(float(average.module.weight))
    # The first is copied; then the decay is (1 + n) / (10 + n) while that is below .5.
    second = 1.0 + (1 - 2 / 11) * 1.0
    third = second + (1 - 3 / 12) * (4.0 - second)
    fourth = third + (1 - 4 / 13) * (4.0 - third)
    assert seen == pytest.approx([1.0, second, third, fourth])
