"""The frames of a video that a clip needs, without decoding the rest: the same frames, found sooner.

A position counts the frames that decode, in presentation order, as in :mod:`dvfl.video`. The packets of a
file are read without decoding; their presentation times, sorted, are those of the positions. Decoding then
starts at the key frame at or before a wanted time and stops at the last wanted one. Whatever makes that
doubtful (missing or repeated times, another number of packets than the video has frames, a frame that does
not appear after a seek or is marked as damaged) leads to decoding from the first frame.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import av
import av.error

from dvfl.decoded import to_frame
from dvfl.errors import FrameError, VideoError
from dvfl.frame import Frame
from dvfl.spec import PreprocessingSpec
from dvfl.video import iter_frames
from dvfl_training.errors import DataError


@dataclass(frozen=True)
class Packets:
    """What the packets of a stream tell without decoding.

    Attributes:
        times: presentation times of the shown frames, rising, in units of the stream's time base.
        keys: those of the packets that decoding can start at, hidden ones included, rising.
    """

    times: tuple[int, ...]
    keys: tuple[int, ...]


class _InexactError(Exception):
    """Seeking cannot be trusted for this file."""


def decode_frames(
    path: Path, positions: Sequence[int], count: int, spec: PreprocessingSpec
) -> dict[int, Frame]:
    """The frames at some positions of a video.

    Args:
        positions: in presentation order, each in [0, count); repeats are decoded once.
        count: the number of frames that decode, as counted when the data set was prepared.

    Returns:
        A frame for each position, as :func:`dvfl.video.read_frames` gives it.

    Raises:
        VideoError: the file does not decode; the message names it.
        DataError: it has fewer frames than ``count``.
    """
    wanted = sorted(set(positions))
    try:
        return decode_by_seeking(path, wanted, count, spec)
    except (_InexactError, av.error.FFmpegError, OSError, ValueError, FrameError, VideoError):
        # Decoding everything says clearly what is wrong with a file, if anything is.
        return decode_in_order(path, wanted, spec)


def decode_in_order(path: Path, wanted: Sequence[int], spec: PreprocessingSpec) -> dict[int, Frame]:
    """The frames at rising positions, decoding from the first frame to the last wanted one.

    Raises:
        VideoError, DataError: as :func:`decode_frames`.
    """
    needed = set(wanted)
    frames = islice(iter_frames(path, spec), wanted[-1] + 1)
    chosen = {index: frame for index, frame in enumerate(frames) if index in needed}
    if len(chosen) < len(wanted):
        raise DataError(
            f"{path}: frame {wanted[-1]} was asked for, but the file ends before it: it changed after the "
            "data set was prepared; prepare it again"
        )
    return chosen


def decode_by_seeking(
    path: Path, wanted: Sequence[int], count: int, spec: PreprocessingSpec
) -> dict[int, Frame]:
    """The frames at rising positions, decoding only from the key frames before them.

    Raises:
        _InexactError, or an error of the decoder: use :func:`decode_in_order` instead.
    """
    # The prefix and the whitelist keep a file name from being taken for an address.
    with av.open(f"file:{path}", options={"protocol_whitelist": "file"}, metadata_errors="ignore") as video:
        stream = _video_stream(video)
        packets = _packets(video, stream)
        if len(packets.times) != count or not packets.keys:
            raise _InexactError
        positions = {packets.times[index]: index for index in wanted}
        # The file starts before its own zero; dvfl.video then counts times from its first frame.
        shift = max(0.0, -packets.times[0] * float(stream.time_base or 0))
        chosen: dict[int, Frame] = {}
        for time, picture in _pictures(video, stream, sorted(positions), packets.keys):
            chosen[positions[time]] = to_frame(picture, (picture.time or 0.0) + shift, spec)
        return chosen


def _video_stream(video: av.container.InputContainer) -> av.VideoStream:
    streams = [
        stream
        for stream in video.streams.video
        if not stream.disposition & av.stream.Disposition.attached_pic
    ]
    if not streams or streams[0].codec_context is None:
        raise _InexactError
    # Loaders decode several files at once, one per process.
    streams[0].thread_type = "NONE"
    return streams[0]


def _packets(video: av.container.InputContainer, stream: av.VideoStream) -> Packets:
    times: list[int] = []
    keys: list[int] = []
    for packet in video.demux(stream):
        if not packet.size:
            continue
        if packet.is_corrupt:
            raise _InexactError
        time = _time(packet.pts)
        if packet.is_keyframe:
            keys.append(time)
        if not packet.is_discard:
            times.append(time)
    if len(set(times)) < len(times):
        raise _InexactError
    return Packets(tuple(sorted(times)), tuple(sorted(keys)))


def _time(pts: int | None) -> int:
    if pts is None:
        raise _InexactError
    return pts


def _pictures(
    video: av.container.InputContainer, stream: av.VideoStream, wanted: Sequence[int], keys: Sequence[int]
) -> Iterator[tuple[int, av.VideoFrame]]:
    """(presentation time, picture) for rising presentation times."""
    pictures: Iterator[av.VideoFrame] = iter(())
    position: int | None = None
    for time in wanted:
        key = keys[max(bisect_right(keys, time) - 1, 0)]
        if position is None or key > position:
            video.seek(key, stream=stream, backward=True)
            pictures, position = video.decode(stream), None
        while position is None or position < time:
            picture = next(pictures, None)
            if picture is None or picture.is_corrupt:
                raise _InexactError
            position = _time(picture.pts)
        if position != time or picture is None:
            raise _InexactError
        yield time, picture
