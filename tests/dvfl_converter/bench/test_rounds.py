"""Workers in rounds: alone, paired, shuffled; and what a crash, a hang or a refusal does to the others."""

from __future__ import annotations

import os
import time
from itertools import pairwise
from pathlib import Path

import pytest
from planted_jobs import job

from dvfl_converter.bench.messages import Job
from dvfl_converter.bench.rounds import measure, steps_of

RUNS = 4


@pytest.fixture(autouse=True)
def workers_find_the_planted_jobs(monkeypatch):
    paths = [str(Path(__file__).parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(paths))


def measured(*jobs, runs=RUNS, seed=0, timeout_s=60.0, **notices):
    return measure(jobs, runs=runs, seed=seed, timeout_s=timeout_s, **notices)


def spans(outcome):
    """(begin, end, name) of every sample, by time."""
    found = [(*sample.ms[:2], name) for name, series in outcome.series.items() for sample in series.samples]
    return sorted(found)


def order(outcome, jobs):
    """The names of each round, as they ran."""
    names = [name for _, _, name in spans(outcome)]
    return ["".join(names[start : start + jobs]) for start in range(0, len(names), jobs)]


def is_running(pid):
    try:
        state = Path(f"/proc/{int(pid)}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


class TestRounds:
    def test_each_job_runs_once_per_round_alone_in_an_order_that_the_seed_decides(self):
        first = measured(*map(job, "abcd"), runs=6, seed=3)
        by_time = spans(first)
        rounds = order(first, 4)
        assert all(end <= begin for (_, end, _), (begin, _, _) in pairwise(by_time))
        assert {"".join(sorted(turn)) for turn in rounds} == {"abcd"}
        assert len(set(rounds)) > 1
        assert order(measured(*map(job, "abcd"), runs=6, seed=3), 4) == rounds
        assert order(measured(*map(job, "abcd"), runs=6, seed=4), 4) != rounds

    def test_each_job_has_a_process_of_its_own_that_stays_for_all_rounds(self):
        outcome = measured(job("a"), job("b"))
        pids = {name: {sample.ms[2] for sample in s.samples} for name, s in outcome.series.items()}
        assert [len(found) for found in pids.values()] == [1, 1]
        assert pids["a"] != pids["b"]
        assert os.getpid() not in pids["a"] | pids["b"]

    def test_every_start_is_a_fresh_process_and_the_logits_come_back(self):
        said = []
        outcome = measured(job("a", starts=3), job("b"), runs=1, doing=said.append)
        assert {name: len(series.starts) for name, series in outcome.series.items()} == {"a": 3, "b": 1}
        assert outcome.series["a"].starts[0].logits == (1.0, 2.0, 3.0)
        assert {*said} == {"a: start 1 of 3", "a: start 2 of 3", "a: start 3 of 3", "b: start 1 of 1"} | {
            "round 1 of 1"
        }
        assert len(said) == steps_of([job("a", starts=3), job("b")], 1)

    def test_no_process_outlives_the_measurement(self):
        outcome = measured(job("a"), job("b"))
        assert not any(is_running(sample.ms[2]) for s in outcome.series.values() for sample in s.samples)

    def test_nor_does_one_outlive_an_interruption(self):
        def interrupt(step):
            if step.startswith("round 2"):
                raise KeyboardInterrupt

        before = children()
        with pytest.raises(KeyboardInterrupt):
            measured(job("a"), job("b"), doing=interrupt)
        assert children() == before


class TestFaults:
    """The job named ``bad`` has the fault; ``good`` must be measured as if it were not there."""

    def line(self, *, timeout_s=60.0, starts=1, **fault):
        shown = []
        outcome = measured(
            job("good", starts=starts),
            job("bad", starts=starts, **fault),
            timeout_s=timeout_s,
            failed=shown.append,
        )
        assert list(outcome.series) == ["good"]
        assert len(outcome.series["good"].samples) == RUNS
        assert shown == [outcome.failures["bad"]]
        assert "\n" not in shown[0]
        return shown[0]

    @pytest.mark.parametrize(
        ("at", "call", "when"),
        [("load", 1, "loading and running it for the first time"), ("sample", 2, "running it")],
    )
    def test_a_crash_names_the_signal_and_the_last_thing_said(self, at, call, when):
        line = self.line(fault="crash", at=at, at_call=call)
        assert line == f"bad: its process died of SIGSEGV while {when} (kernel.cc:12 assertion failed)"

    def test_an_exit_names_the_code(self):
        assert self.line(fault="exit") == "bad: its process ended with code 3 while running it"

    def test_a_hang_ends_at_the_timeout(self):
        begin = time.monotonic()
        line = self.line(fault="hang", at_call=2, timeout_s=5)
        assert line.startswith("bad: no answer within 5 s while running it")
        assert time.monotonic() - begin < 60

    @pytest.mark.parametrize("at", ["prepare", "load", "run", "sample"])
    def test_a_typed_error_is_repeated_on_one_line(self, at):
        assert self.line(fault="refuse", at=at) == "bad: model.tflite: cannot be loaded; convert again"

    def test_another_exception_says_its_kind(self):
        assert self.line(fault="bug") == "bad: ZeroDivisionError: division by zero"

    def test_a_job_that_failed_its_first_start_is_not_started_again(self):
        assert self.line(fault="refuse", at="load", starts=2).startswith("bad: model.tflite")

    def test_what_cannot_be_imported_is_a_failure_too(self):
        outcome = measured(job("good"), Job("bad", "no_such_module:thing"))
        assert "ModuleNotFoundError" in outcome.failures["bad"]

    def test_chatter_on_stdout_and_stderr_is_no_fault(self, capfd):
        outcome = measured(job("a", fault="chat"))
        assert len(outcome.series["a"].samples) == RUNS
        assert capfd.readouterr() == ("", "")


@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="memory is read from /proc")
class TestMemory:
    def test_what_is_loaded_counts_and_nothing_of_the_parent_does(self):
        held = b"\1" * (300 << 20)
        outcome = measured(job("empty"), job("full", megabytes=100), runs=1)
        empty, full = (outcome.series[name] for name in ("empty", "full"))
        assert len(held) > empty.starts[0].prepared_bytes
        grown = full.samples[-1].peak_bytes - full.starts[0].prepared_bytes
        assert grown == pytest.approx(100 << 20, rel=0.1)
        assert empty.samples[-1].peak_bytes - empty.starts[0].prepared_bytes < 10 << 20


class TestIdling:
    def test_a_worker_that_waits_uses_no_processor_time(self):
        outcome = measured(job("quiet"), job("slow", works_s=0.3))
        assert max(sample.idle_cpu_ms for sample in outcome.series["quiet"].samples) < 30

    def test_a_thread_that_spins_after_a_run_is_waited_for(self):
        outcome = measured(job("spins", spins_s=0.06), job("slow", works_s=0.3))
        assert max(sample.idle_cpu_ms for sample in outcome.series["spins"].samples) < 30

    def test_a_thread_that_never_sleeps_is_seen(self):
        outcome = measured(job("busy", spins_s=30.0), job("slow", works_s=0.3), runs=3)
        # The first round's figure is of the time before its first run.
        assert min(sample.idle_cpu_ms for sample in outcome.series["busy"].samples[1:]) > 30


def children():
    """Process ids of this process's living children."""
    tasks = Path("/proc/self/task").glob("*/children")
    return {pid for task in tasks for pid in task.read_text().split() if is_running(pid)}
