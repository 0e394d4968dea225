"""The same training, however it is divided over parts and processes, and what each option does."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import fake_clips
from dvfl.model.checkpoint import load_checkpoint
from dvfl_training import runs
from dvfl_training.engine.run_log import read_metrics
from fake_clips import run_on_fake_clips, tiny_config, tiny_manifest

# Drop path draws per clip of a part, so only without it can parts agree.
STILL = ("model.drop_path=0", "run.batch=12", "schedule.lr_batch=12")


def losses(monkeypatch, folder: Path, name: str, *settings: str) -> list[float]:
    config = tiny_config(*STILL, *settings)
    request = runs.Request(folder / name, tiny_manifest(folder), config, device="cpu")
    return run_on_fake_clips(monkeypatch, request).losses


def test_the_same_seed_gives_the_same_run_and_another_seed_another(monkeypatch, tmp_path) -> None:
    first = losses(monkeypatch, tmp_path, "first")
    assert losses(monkeypatch, tmp_path, "second") == first
    assert losses(monkeypatch, tmp_path, "third", "run.seed=1") != first


def test_accumulated_parts_are_the_larger_batch(monkeypatch, tmp_path) -> None:
    whole = losses(monkeypatch, tmp_path, "whole")
    parts = losses(monkeypatch, tmp_path, "parts", "run.accumulate=3")
    assert parts == pytest.approx(whole, rel=1e-4)
    assert whole[-1] < 0.8 * whole[0]


def test_channels_last_changes_nothing_but_rounding(monkeypatch, tmp_path) -> None:
    usual = losses(monkeypatch, tmp_path, "usual")
    assert losses(monkeypatch, tmp_path, "last", "run.channels_last=true") == pytest.approx(usual, rel=1e-4)
    load_checkpoint(tmp_path / "last" / "best.pth")


def test_bf16_stays_near_and_begins_after_the_steps_in_full_precision(monkeypatch, tmp_path) -> None:
    usual = losses(monkeypatch, tmp_path, "usual", "schedule.epochs=3")
    late = ("run.precision=bf16", "run.full_precision_steps=2", "schedule.epochs=3")
    half = losses(monkeypatch, tmp_path, "half", *late)
    assert half[:2] == usual[:2]
    assert half[2:] != usual[2:]
    assert half == pytest.approx(usual, rel=0.05)


def test_fp16_scales_its_loss_and_still_learns(monkeypatch, tmp_path) -> None:
    usual = losses(monkeypatch, tmp_path, "usual")
    assert losses(monkeypatch, tmp_path, "half", "run.precision=fp16") == pytest.approx(usual, rel=0.05)
    state = torch.load(tmp_path / "half" / "last.pth", weights_only=True)
    assert state["scaler"]["scale"] > 1


def two_processes(folder: Path, *settings: str) -> list[float]:
    """The losses of a run in two gloo processes, as torchrun would start them."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    command = [sys.executable, fake_clips.__file__, "train", "--out", str(folder / "two"), "--device=cpu"]
    command += ["--manifest", str(tiny_manifest(folder))]
    command += [f"--set={setting}" for setting in (*fake_clips.TINY, *STILL, *settings)]
    shared = {**os.environ, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "WORLD_SIZE": "2"}
    processes = [
        subprocess.Popen(
            command, env={**shared, "RANK": rank, "LOCAL_RANK": rank}, stderr=subprocess.PIPE, text=True
        )
        for rank in ("0", "1")
    ]
    try:
        for process in processes:
            _, errors = process.communicate(timeout=120)
            assert process.returncode == 0, errors
    finally:
        for process in processes:
            process.kill()
    return [row["loss"] for row in read_metrics(folder / "two" / "metrics.csv")]


@pytest.mark.slow
@pytest.mark.parametrize(
    "settings",
    [("run.accumulate=2",), ("model.feature_norm=true", "run.ema=0.9")],
    ids=["parts", "feature norm"],
)
def test_two_processes_give_the_losses_of_one(settings, monkeypatch, tmp_path) -> None:
    # AdamW would blow the rounding of gradients near 0 up to whole steps.
    settings = (*settings, "optimizer.name=sgd", "schedule.base_lr=0.05")
    one = losses(monkeypatch, tmp_path, "one", *settings)
    two = two_processes(tmp_path, *settings)
    assert two == pytest.approx(one, rel=1e-4)
    assert one[-1] < 0.8 * one[0]
    states = [torch.load(tmp_path / name / "last.pth", weights_only=True) for name in ("one", "two")]
    for key, value in states[0]["network"].items():
        torch.testing.assert_close(states[1]["network"][key], value, rtol=1e-3, atol=1e-4)
    best = [read_metrics(tmp_path / name / "metrics.csv")[-1]["validation_top1"] for name in ("one", "two")]
    assert best[0] == best[1]
