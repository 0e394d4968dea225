"""Signals while training: the first is a request, and processes that decode can still be ended."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time

import pytest

from dvfl_training.engine.interruption import watch_signals


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_a_request(number) -> None:
    with watch_signals() as interruption:
        assert not interruption.requested
        signal.raise_signal(number)
        assert interruption.requested


def test_a_second_ctrl_c_does_not_wait() -> None:
    with watch_signals():
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_the_earlier_handlers_come_back() -> None:
    before = signal.getsignal(signal.SIGINT)
    with watch_signals():
        assert signal.getsignal(signal.SIGINT) != before
    assert signal.getsignal(signal.SIGINT) == before


def test_outside_the_main_thread_nothing_is_watched() -> None:
    seen = []

    def watch() -> None:
        with watch_signals() as interruption:
            seen.append(interruption.requested)

    thread = threading.Thread(target=watch)
    thread.start()
    thread.join()
    assert seen == [False]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes that decode inherit nothing here")
def test_a_decoding_process_survives_ctrl_c_and_ends_when_its_parent_says_so() -> None:
    with watch_signals() as interruption:
        child = multiprocessing.get_context("fork").Process(target=time.sleep, args=(30,), daemon=True)
        child.start()
        os.kill(child.pid, signal.SIGINT)
        child.join(0.3)
        assert child.is_alive()
        child.terminate()
        child.join(5)
        assert child.exitcode == -signal.SIGTERM
        assert not interruption.requested
