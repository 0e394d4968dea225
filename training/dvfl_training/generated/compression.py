"""Compression flaws: a JPEG round trip per frame, or a real H.264 one over the clip; and mp4 files."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import IO

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from dvfl.files import atomic_write

Frames = NDArray[np.uint8]

# With AVX instructions, x264's macroblock tree gives other bits from run to run in clips of some dozen frames
# even on one thread. The short clips of a round trip do not show it, and keep what they were trained with.
_REPEATABLE = {"x264-params": "mbtree=0"}


def jpeg_round_trip(clip: Frames, quality: int) -> Frames:
    """Each RGB frame through JPEG, uint8 ``[T, H, W, 3]``."""
    parameters = [cv2.IMWRITE_JPEG_QUALITY, quality]
    encoded = [cv2.imencode(".jpg", frame[..., ::-1], parameters)[1] for frame in clip]
    decoded = [np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8) for data in encoded]
    return np.ascontiguousarray(np.stack(decoded)[..., ::-1])


def h264_round_trip(clip: Frames, crf: int) -> Frames:
    """The clip through H.264, uint8 ``[T, H, W, 3]``; width and height become even, then what they were."""
    height, width = clip.shape[1:3]
    buffer = io.BytesIO()
    _encode(clip[:, : height & ~1, : width & ~1], buffer, crf, rate=25)
    buffer.seek(0)
    with av.open(buffer, "r") as container:
        decoded = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    return np.stack([np.asarray(cv2.resize(frame, (width, height)), np.uint8) for frame in decoded])


def write_mp4(clip: Frames, path: Path, crf: int, rate: int) -> None:
    """Writes RGB frames as an H.264 ``.mp4`` of ``rate`` frames per second, BT.601 limited range.

    Equal frames give equal bytes, in any process.

    Raises:
        OutputError: it cannot be written; then nothing is left of it.
    """
    buffer = io.BytesIO()
    _encode(clip, buffer, crf, rate, _REPEATABLE)
    with atomic_write(path) as stream:
        stream.write(buffer.getbuffer())


def _encode(
    clip: Frames, target: IO[bytes], crf: int, rate: int, extra: Mapping[str, str] = MappingProxyType({})
) -> None:
    with av.open(target, "w", format="mp4") as container:
        options = {"crf": str(crf), "preset": "veryfast", "threads": "1", **extra}
        stream = container.add_stream("libx264", rate=rate, options=options)
        stream.height, stream.width = clip.shape[1:3]
        stream.pix_fmt = "yuv420p"
        for pixels in clip:
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
