"""Video files -> exactly the frames the spec asks for, or one clear line that says why not.

Frames are counted and chosen among those that really decode, in presentation order, so frames hidden by an
edit list don't count and key frames have no privilege. A damaged or cut-off file is refused: its frame
count, and with it the choice of frames, would not be that of the video somebody shot.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import av
import av.error
import av.stream
import numpy as np

from dvfl.decoded import borrowed_frame, to_frame
from dvfl.errors import FrameError, VideoError
from dvfl.frame import Clip, Frame, Pixels
from dvfl.preprocess import preprocess_frame
from dvfl.sampling import clip_frame_indices
from dvfl.spec import PreprocessingSpec
from dvfl.truncation import declared_size

PathLike = str | Path
# One picture holds no motion; it is a photo that was given by mistake.
FEWEST_FRAMES = 2
# For raw streams that carry neither time stamps nor a frame rate.
FALLBACK_RATE = 25
_T = TypeVar("_T")


def load_clip(path: PathLike, spec: PreprocessingSpec) -> Clip:
    """A video file as the model's input: uint8 [T, size, size, 3] RGB with presentation times.

    The same as ``preprocess_clip(read_frames(path, spec), spec)`` without a picture ever being copied.

    Raises:
        VideoError: the file cannot be read as a video; the message is one line.
    """

    def preprocessed(picture: av.VideoFrame, time_s: float) -> tuple[float, Pixels]:
        return time_s, preprocess_frame(borrowed_frame(picture, time_s, spec), spec)

    times, pixels = zip(*_asked(path, spec, preprocessed), strict=True)
    return Clip(np.stack(pixels), times)


def read_frames(path: PathLike, spec: PreprocessingSpec) -> list[Frame]:
    """The T frames that stand for the whole video, chosen by ``clip_frame_indices``, in order.

    A frame that is asked for more than once is one object in several places of the list.

    Raises:
        VideoError: the file is missing, empty, no video, damaged, cut off, of one frame only, HDR or of a
            pixel format without a defined conversion; the message is one line.
    """
    return _asked(path, spec, lambda picture, time_s: to_frame(picture, time_s, spec))


def iter_frames(path: PathLike, spec: PreprocessingSpec) -> Iterator[Frame]:
    """Every frame of a video in presentation order, one at a time.

    Raises:
        VideoError: as ``read_frames``, but a video of one frame is accepted.
    """
    with _opened(path) as (container, stream):
        for index, (time_s, picture) in enumerate(_pictures(path, container, stream)):
            with _named(path, index):
                frame = to_frame(picture, time_s, spec)
            yield frame


def frame_count(path: PathLike) -> int:
    """The number of frames that decode. Raises VideoError as ``read_frames``."""
    with _opened(path) as (container, stream):
        return sum(1 for _ in _pictures(path, container, stream))


def _asked(
    path: PathLike, spec: PreprocessingSpec, convert: Callable[[av.VideoFrame, float], _T]
) -> list[_T]:
    """The T frames that stand for the video, as ``convert(picture, time_s)`` makes them, once each."""
    expected, total, chosen = _collect(path, None, spec, convert)
    if total != expected:
        # Containers may hold packets that show nothing, or several pictures in one packet.
        _, total, chosen = _collect(path, total, spec, convert)
    if total < FEWEST_FRAMES:
        seen = "no frame that decodes" if total == 0 else "only one frame"
        raise VideoError(f"{path}: has {seen}; give a video of at least {FEWEST_FRAMES} frames")
    return [chosen[index] for index in clip_frame_indices(total, spec)]


def _collect(
    path: PathLike,
    expected: int | None,
    spec: PreprocessingSpec,
    convert: Callable[[av.VideoFrame, float], _T],
) -> tuple[int, int, dict[int, _T]]:
    """Decode all of it: (number of frames expected, number found, those asked for by the expected number)."""
    chosen: dict[int, _T] = {}
    total = 0
    with _opened(path) as (container, stream):
        if expected is None:
            expected = _expected_count(path, container, stream)
        wanted = frozenset(clip_frame_indices(max(expected, 1), spec))
        for time_s, picture in _pictures(path, container, stream):
            if total in wanted:
                with _named(path, total):
                    chosen[total] = convert(picture, time_s)
            total += 1
    return expected, total, chosen


@contextmanager
def _named(path: PathLike, index: int) -> Iterator[None]:
    """What is wrong with a picture, told with its file and number."""
    try:
        yield
    except (VideoError, FrameError) as error:
        raise VideoError(f"{path}: frame {index}: {error}") from None


def _pictures(
    path: PathLike, container: av.container.InputContainer, stream: av.VideoStream
) -> Iterator[tuple[float, av.VideoFrame]]:
    """(presentation time in seconds, picture) of every frame, in presentation order.

    A file may start before its own zero; its times are then counted from the first frame.
    """
    stream.thread_type = "AUTO"
    rate = float(stream.average_rate or stream.guessed_rate or FALLBACK_RATE)
    count, shift = 0, 0.0
    for packet in _packets(path, container, stream):
        try:
            pictures = packet.decode()
        except (av.error.FFmpegError, OSError) as error:
            raise _damaged(path, f"decoding stops after {count} frames: {_reason(error)}") from None
        for picture in pictures:
            if not isinstance(picture, av.VideoFrame):
                continue
            if picture.is_corrupt:
                raise _damaged(path, f"frame {count} does not decode cleanly")
            time = count / rate if picture.time is None else picture.time
            if count == 0:
                shift = max(0.0, -time)
            yield time + shift, picture
            count += 1


def _expected_count(path: PathLike, container: av.container.InputContainer, stream: av.VideoStream) -> int:
    """How many frames there should be, before any is decoded.

    Opening a file costs as much as decoding several frames, so packets are only counted where the container
    brings no whole index of them. Older PyAV doesn't show the index.
    """
    entries = getattr(stream, "index_entries", ())
    if "mov" in container.format.name.split(",") and stream.frames > 0 and len(entries) > 0:
        return sum(entry.size > 0 and not entry.is_discard for entry in entries)
    with _opened(path) as (container, stream):
        return sum(packet.size > 0 and not packet.is_discard for packet in _packets(path, container, stream))


def _packets(
    path: PathLike, container: av.container.InputContainer, stream: av.VideoStream
) -> Iterator[av.Packet[av.VideoStream]]:
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets)
        except StopIteration:
            return
        except (av.error.FFmpegError, OSError) as error:
            raise _damaged(path, f"reading stops: {_reason(error)}") from None
        if packet.is_corrupt:
            raise _damaged(path, "it holds an incomplete packet")
        yield packet


@contextmanager
def _opened(path: PathLike) -> Iterator[tuple[av.container.InputContainer, av.VideoStream]]:
    """The container and its video stream, after the checks that need no decoding."""
    _check_file(path)
    try:
        # The prefix keeps a name such as "a:b.mp4" from being taken for a protocol; the whitelist keeps
        # a playlist from reaching the network.
        options = {"protocol_whitelist": "file"}
        container = av.open(f"file:{path}", mode="r", options=options, metadata_errors="ignore")
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise VideoError(
            f"{path}: cannot be read as a video ({_reason(error)}); "
            "check that it is one and that it was copied whole"
        ) from None
    with container:
        streams = [
            stream
            for stream in container.streams.video
            if not stream.disposition & av.stream.Disposition.attached_pic
        ]
        if not streams:
            kinds = sorted({stream.type for stream in container.streams})
            holds = f"only {' and '.join(kinds)}" if kinds else "nothing that can be read"
            raise VideoError(f"{path}: has no video stream, it holds {holds}; give a file with a picture")
        if streams[0].codec_context is None:
            raise VideoError(f"{path}: no decoder for its video codec; convert it to H.264 in an .mp4 file")
        yield container, streams[0]


def _check_file(path: PathLike) -> None:
    file = Path(path)
    try:
        if file.is_dir():
            raise VideoError(f"{path}: is a folder, give a video file")
        size = file.stat().st_size
        with file.open("rb") as opened:
            declared = declared_size(opened, size)
    except FileNotFoundError:
        raise VideoError(f"{path}: no such file") from None
    except (OSError, ValueError) as error:
        raise VideoError(f"{path}: cannot be read ({getattr(error, 'strerror', None) or error})") from None
    if size == 0:
        raise VideoError(f"{path}: is empty (0 bytes); copy or record it again")
    if declared is not None and declared > size:
        raise _damaged(path, f"it is cut off at {size} of {declared} bytes")


def _damaged(path: PathLike, what: str) -> VideoError:
    return VideoError(
        f"{path}: the video is damaged: {what}; copy it again, or keep what decodes with: "
        "ffmpeg -i IN -c:v libx264 OUT.mp4"
    )


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
