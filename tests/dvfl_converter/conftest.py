"""Fixtures of the converter's tests: real bundles, each made once for all workers of a run."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import small_models as small
import torch

from dvfl.bundle import Bundle
from dvfl.cli import main
from dvfl_converter import workshop
from dvfl_converter.inputs import Request
from dvfl_converter.pipeline import convert
from dvfl_converter.plan import plan_conversions
from dvfl_converter.targets.base import Converted, TargetConfig
from dvfl_converter.targets.registry import TARGETS

CONVERSIONS = {"converted", "calibrated"}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whatever needs a conversion is slow, even where another test happens to wait for it."""
    for item in items:
        if CONVERSIONS & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> Iterator[None]:
    """Tiny networks: more threads than the worker's one core only wait for each other."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(workshop, "THREADS", 1)
        patch.setattr(workshop, "TIMED_RUNS", 2)
        patch.setattr(workshop, "TIMED_MS", 0.0)
        yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Callable[[Path], None]], Path]:
    """Makes a folder once for all workers: ``shared(name, fill)``; read it, never write to it."""
    base = tmp_path_factory.getbasetemp()
    root = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base

    def make(name: str, fill: Callable[[Path], None]) -> Path:
        folder, unfinished = root / name, root / f"{name}.part"
        with (root / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not folder.exists():
                shutil.rmtree(unfinished, ignore_errors=True)
                unfinished.mkdir()
                fill(unfinished)
                unfinished.rename(folder)
        return folder

    return make


@pytest.fixture(scope="session")
def sources(shared) -> Path:
    """A checkpoint in the released format, its labels, and videos to calibrate on."""
    return shared("sources", _write_sources)


def _write_sources(folder: Path) -> None:
    network = small.randomised(branch_gain=0.3)
    torch.save({"model": network.state_dict(), "epoch": 1}, folder / "student.pth")
    (folder / "labels.txt").write_text("".join(f"{label}\n" for label in small.LABELS))
    (folder / "calibration").mkdir()
    for seed in (1, 2):
        small.write_video(folder / "calibration" / f"{seed}.mp4", seed)
    small.write_video(folder / "moving.mp4", 0)


@pytest.fixture(scope="session")
def request_for(sources: Path, clip_file: Path) -> Callable[..., Request]:
    """A request to convert the small network, proved on a real and a generated clip."""

    def make(out: Path, *asked: tuple[str, ...], **other: object) -> Request:
        basic = Request(
            checkpoint=sources / "student.pth",
            labels=sources / "labels.txt",
            out=out,
            conversions=plan_conversions(*asked),
            frames=small.FRAMES,
            size=small.SIZE,
            clips=(clip_file, sources / "moving.mp4"),
        )
        return replace(basic, **other)

    return make


@pytest.fixture(scope="session")
def converted(shared, request_for) -> Bundle:
    """A bundle of every target, without calibration."""
    asked = (), ("litert=fp32", "litert=fp16", "litert=int8"), ("litert.int8=dynamic",)
    return Bundle.open(
        shared("converted", lambda part: _convert(request_for(part / "bundle", *asked))) / "bundle"
    )


@pytest.fixture(scope="session")
def calibrated(shared, request_for, sources: Path) -> Bundle:
    """A bundle of static int8 artifacts, and Core ML's int8."""
    asked = (), ("int8",), ("litert.int8=static", "executorch.int8=static")

    def fill(part: Path) -> None:
        _convert(request_for(part / "bundle", *asked, calibration=sources / "calibration"))

    return Bundle.open(shared("calibrated", fill) / "bundle")


def _convert(request: Request) -> None:
    """Keeps int8 artifacts that are refused: on a tiny network, int8 gains no time."""
    outcome = convert(replace(request, keep_refused=True), quiet=True)
    assert [failure for failure in outcome.failures if not failure.refused] == []


@pytest.fixture
def converted_copy(converted: Bundle, tmp_path: Path) -> Bundle:
    """A copy of the bundle that a test may damage."""
    return Bundle.open(shutil.copytree(converted.root, tmp_path / "bundle"))


@pytest.fixture
def dvfl(capsys) -> Callable[..., tuple[int, str, str]]:
    """Runs the command line in this process: (exit code, stdout, stderr)."""

    def run(*arguments: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as exit_:
            main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return exit_.value.code, out, err

    return run


@pytest.fixture
def refused(dvfl) -> Callable[..., str]:
    """Runs a command that must fail with one line on stderr and nothing else; returns the line."""

    def run(*arguments: object) -> str:
        code, out, err = dvfl(*arguments)
        assert code == 1
        assert out == ""
        assert err.startswith("error: ")
        assert err.count("\n") == 1
        return err

    return run


@pytest.fixture
def replayed(converted: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    """Back ends that hand out the shared bundle's artifacts: what follows a conversion, without its wait."""
    for target in TARGETS.values():

        def hand_out(
            config: TargetConfig, path: Path, plan: object = None, name: str = target.name
        ) -> Converted:
            artifact = converted.artifact(name, config.precision)
            source = converted.resolve(artifact)
            (shutil.copytree if source.is_dir() else shutil.copy)(source, path)
            return Converted(artifact.input.name, artifact.output.name, artifact.operators, artifact.tools)

        small.write_with(monkeypatch, target.name, hand_out)
