"""Opening every clip once, in worker processes: how many frames decode, and what is wrong with the others."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path

from dvfl.errors import VideoError
from dvfl.spec import PreprocessingSpec
from dvfl.video import iter_frames
from dvfl_training.errors import DataError

_CHUNK = 8


@dataclass(frozen=True)
class Probed:
    """What a file holds.

    Attributes:
        frames: number of frames that decode; 0 if the file is not usable.
        fps: frames per second between the first and the last.
        problem: why it is not usable, in one line without the file's name; empty if it is.
    """

    frames: int
    fps: float
    problem: str = ""


Probe = Callable[[Path], Probed]


def probe_clip(path: Path) -> Probed:
    """Decodes a whole video. Nothing is raised for a bad file; that is an answer."""
    first = last = 0.0
    count = 0
    try:
        for frame in iter_frames(path, PreprocessingSpec.default()):
            last = frame.time_s
            first = last if count == 0 else first
            count += 1
    except VideoError as error:
        return Probed(0, 0.0, " ".join(str(error).removeprefix(f"{path}: ").split()))
    if count < 2:
        return Probed(0, 0.0, "has only one frame" if count else "has no frame that decodes")
    if last <= first:
        return Probed(0, 0.0, "its frames have no times")
    return Probed(count, (count - 1) / (last - first))


def probe_all(paths: Sequence[Path], workers: int, probe: Probe = probe_clip) -> Iterator[Probed]:
    """What each file holds, in order; ``workers`` 0 decodes in this process.

    Raises:
        DataError: a worker process died, which a damaged file can do to a decoder.
    """
    if workers == 0:
        yield from map(probe, paths)
        return
    pool = ProcessPoolExecutor(workers, initializer=_leave_interrupts_to_the_parent)
    done = 0
    try:
        for probed in pool.map(probe, paths, chunksize=_CHUNK):
            yield probed
            done += 1
    except BrokenProcessPool:
        near = paths[done : done + _CHUNK * workers]
        raise DataError(
            f"a decoding process was killed at {near[0]} or one of the {len(near) - 1} clips after it; "
            "move the damaged clip away, or lower --workers if memory is short"
        ) from None
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _leave_interrupts_to_the_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
