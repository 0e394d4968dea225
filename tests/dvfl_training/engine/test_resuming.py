"""A run that was stopped or killed goes on bit for bit, and only with what it began with."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

import fake_clips
from dvfl_training import runs
from dvfl_training.engine.interruption import StoppedError
from dvfl_training.engine.run_log import read_metrics
from dvfl_training.errors import ConfigError, TrainingError
from fake_clips import Recorder, run_on_fake_clips, tiny_config, tiny_manifest

# Everything that has a state: stochastic depth, running statistics, an average, momentum.
SETTINGS = ("model.feature_norm=true", "run.ema=0.9", "schedule.epochs=3", "model.drop_path=0.2")


def request(folder: Path, name: str, *settings: str, **options) -> runs.Request:
    manifest = options.pop("manifest", None) or tiny_manifest(folder)
    return runs.Request(folder / name, manifest, tiny_config(*SETTINGS, *settings), device="cpu", **options)


def resume(folder: Path, *settings: str) -> runs.Request:
    return runs.resume_request(folder, settings, None, "cpu")


def assert_same_run(first: Path, second: Path) -> None:
    """Every number of the state, the kept network, and the metrics."""
    states = [torch.load(folder / "last.pth", weights_only=True) for folder in (first, second)]
    for part in ("network", "average"):
        for key, value in states[0][part].items():
            assert torch.equal(value, states[1][part][key]), f"{part} {key}"
    moments = [state["optimizer"]["state"] for state in states]
    for number, values in moments[0].items():
        for name, value in values.items():
            assert torch.equal(value, moments[1][number][name]), f"{name} of parameter {number}"
    assert states[0]["step"] == states[1]["step"]
    assert (first / "metrics.csv").read_bytes() == (second / "metrics.csv").read_bytes()
    weights = [torch.load(folder / "best.pth", weights_only=True)["model"] for folder in (first, second)]
    assert all(torch.equal(value, weights[1][key]) for key, value in weights[0].items())


@pytest.fixture
def uninterrupted(monkeypatch, tmp_path) -> Path:
    run_on_fake_clips(monkeypatch, request(tmp_path, "whole"))
    return tmp_path / "whole"


@pytest.mark.parametrize("step", [6, 8], ids=["within an epoch", "at its end"])
def test_after_ctrl_c_the_run_ends_as_if_nothing_had_happened(
    step, uninterrupted, monkeypatch, tmp_path
) -> None:
    recorder = Recorder(at={step: lambda: signal.raise_signal(signal.SIGINT)})
    with pytest.raises(
        StoppedError, match=rf"after step {step} of 12, saved; .*dvfl train --resume .*stopped"
    ):
        run_on_fake_clips(monkeypatch, request(tmp_path, "stopped"), recorder)
    assert len(recorder.figures) == step
    rest = run_on_fake_clips(monkeypatch, resume(tmp_path / "stopped"))
    assert len(rest.figures) == 12 - step
    assert_same_run(uninterrupted, tmp_path / "stopped")


@pytest.mark.slow
def test_a_killed_process_goes_on_bit_for_bit(uninterrupted, tmp_path) -> None:
    folder, command = tmp_path / "killed", [sys.executable, fake_clips.__file__, "train"]
    settings = [f"--set={setting}" for setting in (*fake_clips.TINY, *SETTINGS)]
    arguments = ["--manifest", str(tmp_path / "colours.csv"), "--out", str(folder), "--device", "cpu"]
    slowly = {**os.environ, "FAKE_CLIPS_DELAY": "0.2"}
    process = subprocess.Popen([*command, *arguments, *settings], env=slowly, stderr=subprocess.DEVNULL)
    try:
        wait_for_step(folder, 6, process)
    finally:
        process.kill()
        process.wait()
    # The last save was at the end of the epoch; the metrics went on.
    assert torch.load(folder / "last.pth", weights_only=True)["step"] == 4
    assert 6 <= read_metrics(folder / "metrics.csv")[-1]["step"] < 8
    subprocess.run([*command, "--resume", str(folder)], check=True, capture_output=True)
    assert_same_run(uninterrupted, folder)


def wait_for_step(folder: Path, step: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        rows = read_metrics(folder / "metrics.csv")
        if rows and rows[-1]["step"] >= step:
            return
        time.sleep(0.02)
    raise AssertionError(f"the run did not reach step {step}")


def test_an_ended_run_has_nothing_left_to_do(uninterrupted, monkeypatch) -> None:
    before = (uninterrupted / "last.pth").read_bytes()
    assert run_on_fake_clips(monkeypatch, resume(uninterrupted)).figures == []
    assert (uninterrupted / "last.pth").read_bytes() == before


def test_a_changed_option_is_refused_by_name(uninterrupted, monkeypatch) -> None:
    with pytest.raises(TrainingError, match=r"schedule.base_lr=0.003, not 0.01"):
        run_on_fake_clips(monkeypatch, resume(uninterrupted, "schedule.base_lr=0.01"))


def test_options_that_change_nothing_in_the_result_may_change(uninterrupted, monkeypatch) -> None:
    run_on_fake_clips(monkeypatch, resume(uninterrupted, "run.workers=1"))


def test_another_data_set_is_refused(uninterrupted, monkeypatch, tmp_path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    again = runs.resume_request(uninterrupted, (), tiny_manifest(other, train=30), "cpu")
    with pytest.raises(TrainingError, match="another data set"):
        run_on_fake_clips(monkeypatch, again)


def test_a_new_run_does_not_overwrite_one(uninterrupted, monkeypatch, tmp_path) -> None:
    with pytest.raises(TrainingError, match=r"holds a run; go on with --resume"):
        run_on_fake_clips(monkeypatch, request(tmp_path, "whole"))


def test_a_folder_without_a_run_is_named(tmp_path) -> None:
    with pytest.raises(TrainingError, match=r"last.pth: no such file; --resume takes the folder"):
        resume(tmp_path)


def test_a_damaged_state_is_named(uninterrupted) -> None:
    state = uninterrupted / "last.pth"
    state.write_bytes(state.read_bytes()[:1000])
    with pytest.raises(TrainingError, match=r"last.pth: is no state of a training run"):
        resume(uninterrupted)


def test_an_unknown_option_is_refused_before_anything_is_built(uninterrupted) -> None:
    with pytest.raises(ConfigError, match="did you mean 'epochs'"):
        resume(uninterrupted, "schedule.epoch=4")
