"""A worker process as its parent sees it: started, asked, and buried with one clear line when it fails."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from multiprocessing import Pipe
from typing import cast

from dvfl.errors import EngineError
from dvfl_converter.bench.messages import SAMPLE, START, Job, Refused, Sampled, Started

_GRACE_S = 5.0
_LOG_TAIL_BYTES = 4000
_WHILE = {START: "loading and running it for the first time", SAMPLE: "running it"}


class WorkerProcess:
    """One fresh process that measures one job; asked one thing at a time.

    After an :class:`~dvfl.errors.EngineError` the process is gone.
    """

    def __init__(self, job: Job, timeout_s: float) -> None:
        self._job = job
        self._timeout_s = timeout_s
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the process
        self._channel, theirs = Pipe()
        with theirs:
            # -P: a file in the user's folder must not shadow a package. Its own process group: the bench
            # decides what Ctrl-C does to it.
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "dvfl_converter.bench.worker", str(theirs.fileno())],
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=self._log,
                process_group=0,
            )

    def start(self) -> Started:
        """Hands the job over, loads it and runs it once.

        Raises:
            EngineError: it refused, died or did not answer in time.
        """
        self._send(self._job)
        return cast(Started, self._ask(START))

    def sample(self) -> Sampled:
        """One timed run.

        Raises:
            EngineError: it refused, died or did not answer in time.
        """
        return cast(Sampled, self._ask(SAMPLE))

    def hang_up(self) -> None:
        """Tells the process to end, without waiting for it."""
        self._channel.close()

    def close(self) -> None:
        """Ends the process; may be called more than once."""
        self.hang_up()
        try:
            self._process.wait(_GRACE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()

    def _ask(self, request: str) -> Started | Sampled:
        self._send(request)
        try:
            if not self._channel.poll(self._timeout_s):
                raise self._failure(
                    f"no answer within {self._timeout_s:g} s while {_WHILE[request]}; "
                    "if it is only slow, raise --timeout",
                    kill=True,
                )
            reply = self._channel.recv()
        except (EOFError, OSError):
            raise self._died(request) from None
        if isinstance(reply, Refused):
            raise self._failure(reply.reason)
        return cast("Started | Sampled", reply)

    def _send(self, message: object) -> None:
        # A dead reader shows when the answer is missing, and there with its reason.
        with suppress(OSError):
            self._channel.send(message)

    def _died(self, request: str) -> EngineError:
        try:
            code = self._process.wait(_GRACE_S)
        except subprocess.TimeoutExpired:
            return self._failure("its process closed the pipe", kill=True)
        how = f"died of {_signal_name(-code)}" if code < 0 else f"ended with code {code}"
        said = self._last_line()
        return self._failure(f"its process {how} while {_WHILE[request]}" + (f" ({said})" if said else ""))

    def _failure(self, reason: str, *, kill: bool = False) -> EngineError:
        if kill:
            self._process.kill()
        self.close()
        return EngineError(f"{self._job.name}: {reason}")

    def _last_line(self) -> str:
        end = self._log.seek(0, os.SEEK_END)
        self._log.seek(max(0, end - _LOG_TAIL_BYTES))
        lines = self._log.read().decode("utf-8", "replace").split("\n")
        return next((" ".join(line.split()) for line in reversed(lines) if line.strip()), "")


def _signal_name(number: int) -> str:
    try:
        name = signal.Signals(number).name
    except ValueError:
        name = f"signal {number}"
    return f"{name}, perhaps for want of memory" if number == signal.SIGKILL else name
