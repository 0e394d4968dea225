"""Small videos whose every frame shows its own number, written with PyAV."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt

BITS = 8
LEVELS = (60, 190)


def numbered_picture(number: int, width: int, height: int) -> npt.NDArray[np.uint8]:
    """RGB [height, width, 3]: the bits of the number as dark and bright columns."""
    columns = np.arange(width) * BITS // width
    bright = (number >> columns) & 1
    row = np.where(bright, LEVELS[1], LEVELS[0]).astype(np.uint8)
    return np.broadcast_to(row[None, :, None], (height, width, 3)).copy()


def number_of(luma: npt.NDArray[np.uint8]) -> int:
    """The number that a picture's luma shows, even after lossy coding."""
    width = luma.shape[1]
    columns = np.arange(width) * BITS // width
    means = [luma[:, columns == bit].mean() for bit in range(BITS)]
    return sum(1 << bit for bit, mean in enumerate(means) if mean > sum(LEVELS) / 2)


def write_video(
    path: Path,
    pictures: Sequence[npt.NDArray[np.uint8]],
    codec: str = "libx264",
    pixel_format: str = "yuv420p",
    rate: int = 30,
    times: Sequence[int] | None = None,
    options: dict[str, str] | None = None,
    container_options: dict[str, str] | None = None,
    prepare: Callable[[Any], None] | None = None,
) -> Path:
    """Encode RGB pictures; ``times`` are presentation times in milliseconds (default: constant rate)."""
    with av.open(str(path), "w", container_options=container_options or {}) as container:
        stream: Any = container.add_stream(codec, rate=rate, options=options or {})
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = pixel_format
        if times is not None:
            stream.codec_context.time_base = Fraction(1, 1000)
        if prepare is not None:
            prepare(stream)
        for index, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format=pixel_format)
            frame.pts = index if times is None else times[index]
            if times is not None:
                frame.time_base = Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def numbered_video(path: Path, count: int = 40, width: int = 96, height: int = 64, **how: Any) -> Path:
    """A video of ``count`` frames that show 0, 1, 2, ..."""
    return write_video(path, [numbered_picture(n, width, height) for n in range(count)], **how)


def write_audio(path: Path) -> Path:
    """Half a second of silence and no picture."""
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("aac", rate=16000)
        for index in range(8):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
            frame.sample_rate, frame.pts = 16000, index * 1024
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path
