"""The sweep's commands and its table."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from dvfl.cli.group import DebugFlag
from dvfl.errors import DvflError
from dvfl_training.cli.distill import distill
from dvfl_training.cli.train import train
from dvfl_training.experiments.distillation import ALONE, ROWS, Row, Sweep, main, table

KL = Row("forward_kl", 0.5, 4.0)


@pytest.fixture
def sweep(tmp_path: Path) -> Sweep:
    return Sweep(
        manifest=Path("m.csv"),
        teacher=Path("teacher.pth"),
        out=tmp_path,
        recipe="demo-student",
        init=None,
        epochs=6,
        settings=("schedule.warmup_epochs=0.5",),
        threads=1,
    )


def finish(sweep: Sweep, row: Row, seed: int, validation: float, test: float) -> None:
    folder = sweep.folder(row, seed)
    folder.mkdir()
    for split, share in (("validation", validation), ("test", test)):
        (folder / f"{split}.json").write_text(json.dumps({"top1": {"share": share}}), "utf-8")


def test_the_table_gives_means_spreads_and_gains_seed_by_seed(sweep: Sweep) -> None:
    for seed, (alone, distilled) in enumerate([(0.50, 0.60), (0.60, 0.72)]):
        finish(sweep, ALONE, seed, alone + 0.1, alone)
        finish(sweep, KL, seed, distilled + 0.1, distilled)
    lines = table(sweep, [ALONE, KL], seeds=2).splitlines()
    assert lines[2] == "| none: the student alone |  |  | 65.0 ± 7.1 | 55.0 ± 7.1 |  | 2 |"
    assert lines[3] == "| forward kl | 0.5 | 4 | 76.0 ± 8.5 | 66.0 ± 8.5 | +11.0 ± 1.4 | 2 |"


def test_a_run_without_result_is_missing_from_its_row(sweep: Sweep) -> None:
    finish(sweep, ALONE, 0, 0.6, 0.5)
    finish(sweep, KL, 1, 0.7, 0.6)
    lines = table(sweep, [ALONE, KL], seeds=2).splitlines()
    assert lines[3] == "| forward kl | 0.5 | 4 | 70.0 | 60.0 |  | 1 |"


def test_a_run_that_was_interrupted_is_resumed(sweep: Sweep) -> None:
    folder = sweep.folder(KL, 0)
    folder.mkdir()
    (folder / "last.pth").touch()
    assert sweep.training(KL, 0) == ["distill", "--resume", str(folder)]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_every_row_is_a_command_that_dvfl_takes(sweep: Sweep, row: Row) -> None:
    name, *arguments = sweep.training(row, 0)
    command = {"train": train, "distill": distill}[name]
    result = CliRunner().invoke(command, arguments, obj=DebugFlag())
    assert isinstance(result.exception, DvflError)
    assert "m.csv: cannot be read" in str(result.exception)


def test_the_commands_can_be_looked_at_before(tmp_path: Path) -> None:
    for name in ("m.csv", "teacher.pth"):
        (tmp_path / name).touch()
    arguments = [str(tmp_path / "m.csv"), "--teacher", str(tmp_path / "teacher.pth"), "--out", str(tmp_path)]
    result = CliRunner().invoke(main, [*arguments, "--dry-run", "--seeds", "2"])
    lines = result.output.splitlines()
    assert len(lines) == 2 * len(ROWS)
    assert lines[0].startswith("dvfl train --manifest")
    assert "distillation.divergence=jensen_shannon" in lines[-1]
