"""Clips as small JPEG data URIs."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from fractions import Fraction

import av
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]

MOST_FRAMES = 16
# Tried from the left until all pictures of the page fit the budget.
SIDES = (176, 128, 96, 64, 48)
BYTE_BUDGET = 1_300_000
_QUALITY_STEP = "4"


def strips(clips: Sequence[Pixels], budget: int = BYTE_BUDGET) -> list[list[str]]:
    """Each clip's frames as data URIs, at the largest side for which all of them fit ``budget`` bytes.

    Args:
        clips: uint8 ``[T, H, W, 3]`` each; more than ``MOST_FRAMES`` frames are thinned evenly.
        budget: bytes of JPEG; the smallest side is used even when it does not fit.
    """
    encoded: list[list[bytes]] = []
    for side in SIDES:
        encoded = [[jpeg(clip[index], side) for index in shown_frames(len(clip))] for clip in clips]
        if sum(len(picture) for strip in encoded for picture in strip) <= budget:
            break
    return [[_data_uri(picture) for picture in strip] for strip in encoded]


def shown_frames(count: int) -> list[int]:
    """Indices of the frames a strip shows, in order."""
    if count <= MOST_FRAMES:
        return list(range(count))
    return [round(step * (count - 1) / (MOST_FRAMES - 1)) for step in range(MOST_FRAMES)]


def jpeg(picture: Pixels, longest_side: int) -> bytes:
    """A JPEG of uint8 ``[H, W, 3]``, shrunk so that neither side is longer; never enlarged."""
    height, width = picture.shape[:2]
    scale = min(1.0, longest_side / max(height, width))
    small = (max(1, round(width * scale)), max(1, round(height * scale)))
    encoder = av.CodecContext.create("mjpeg", "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width, encoder.height = small
    encoder.pix_fmt = "yuvj420p"
    encoder.time_base = Fraction(1, 25)
    encoder.thread_count = 1
    encoder.options = {"qmin": _QUALITY_STEP, "qmax": _QUALITY_STEP}
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
    frame = frame.reformat(*small, format="yuvj420p", interpolation="AREA")
    frame.pts = 0
    return b"".join(bytes(packet) for packet in (*encoder.encode(frame), *encoder.encode(None)))


def _data_uri(picture: bytes) -> str:
    return f"data:image/jpeg;base64,{base64.b64encode(picture).decode()}"
