"""A decoder's picture -> ``Frame``: planes, colour tags and orientation, with nothing guessed silently.

Planes are read-only views of the decoder's memory, never copies. FFmpeg counts references to that memory and
writes to none that is still held, so a frame stays valid after the next picture and after the file is closed.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import cast

import av
import numpy as np
import numpy.typing as npt
from av.sidedata.sidedata import SideDataContainer
from av.sidedata.sidedata import Type as SideDataType
from av.video.plane import VideoPlane
from av.video.reformatter import ColorRange as AvColorRange

from dvfl.color import words_to_eight_bits
from dvfl.errors import VideoError
from dvfl.frame import ColorMatrix, ColorRange, DeepFrame, Frame, Plane
from dvfl.spec import ColorSpec, PreprocessingSpec

_SDR_ADVICE = "record with HDR switched off or convert it to SDR (BT.709) first"
# Formats of 16-bit words and how many low bits say nothing: P010 keeps its 10 bits at the top.
_WORD_DROPS = {"yuv420p10le": 0, "p010le": 6}
# (a, b, c, d) of a display matrix, as signs -> clockwise rotation, then left-right mirroring.
# A stored point (p, q), y down, is shown at (a*p + c*q, b*p + d*q): ISO/IEC 14496-12, 6.2.2.
_ORIENTATIONS = {
    (1, 0, 0, 1): (0, False),
    (0, 1, -1, 0): (90, False),
    (-1, 0, 0, -1): (180, False),
    (0, -1, 1, 0): (270, False),
    (-1, 0, 0, 1): (0, True),
    (0, 1, 1, 0): (90, True),
    (1, 0, 0, -1): (180, True),
    (0, -1, -1, 0): (270, True),
}


def to_frame(picture: av.VideoFrame, time_s: float, spec: PreprocessingSpec) -> Frame:
    """A decoded picture as shown at ``time_s`` seconds, rounded to 8 bits if it has 10.

    Raises:
        VideoError: HDR, a colour matrix or pixel format without a defined conversion, or an orientation
            that is no multiple of 90 degrees. The message doesn't name the file.
    """
    frame = borrowed_frame(picture, time_s, spec)
    return frame if isinstance(frame, Frame) else _rounded(frame, spec.color)


def borrowed_frame(picture: av.VideoFrame, time_s: float, spec: PreprocessingSpec) -> Frame | DeepFrame:
    """As ``to_frame``, with every sample left as it is: whoever needs few of them converts only those."""
    _refuse_hdr(picture, spec.color)
    name = picture.format.name
    if any(plane.line_size < 1 for plane in picture.planes):
        raise VideoError("is stored bottom up; convert it to H.264 first")
    if name in _WORD_DROPS:
        low, high = (_frame(picture, time_s, spec, _word_planes(picture, byte)) for byte in (0, 1))
        return DeepFrame(low, high, _WORD_DROPS[name])
    return _frame(picture, time_s, spec, _byte_planes(picture))


def _frame(
    picture: av.VideoFrame, time_s: float, spec: PreprocessingSpec, planes: tuple[Plane, Plane, Plane]
) -> Frame:
    y, u, v = planes
    rotation, mirrored = _orientation(picture)
    return Frame(
        time_s=time_s,
        y=y,
        u=u,
        v=v,
        width=picture.width,
        height=picture.height,
        rotation=rotation,
        mirrored=mirrored,
        matrix=_matrix(picture, spec.color),
        color_range=_color_range(picture),
    )


def _refuse_hdr(picture: av.VideoFrame, rule: ColorSpec) -> None:
    for name, code in rule.refused_transfer_codes.items():
        if int(picture.color_trc) == code:
            raise VideoError(f"is HDR ({name}); {_SDR_ADVICE}")
    for name, code in rule.refused_primaries_codes.items():
        if int(picture.color_primaries) == code:
            raise VideoError(f"has {name} colours; {_SDR_ADVICE}")


def _matrix(picture: av.VideoFrame, rule: ColorSpec) -> ColorMatrix | None:
    code = int(picture.colorspace)
    if code == rule.untagged_code:
        return None
    for name, codes in rule.matrix_codes.items():
        if code in codes:
            return ColorMatrix(name)
    raise VideoError(f"has the colour matrix code {code}, only BT.601 and BT.709 are defined; {_SDR_ADVICE}")


def _color_range(picture: av.VideoFrame) -> ColorRange | None:
    if picture.format.name.startswith("yuvj") or int(picture.color_range) == AvColorRange.JPEG:
        return ColorRange.FULL
    return ColorRange.LIMITED if int(picture.color_range) == AvColorRange.MPEG else None


def _byte_planes(picture: av.VideoFrame) -> tuple[Plane, Plane, Plane]:
    """Y, U and V of 8 bits per sample."""
    name = picture.format.name
    planes = picture.planes
    if name in ("yuv420p", "yuvj420p"):
        y, u, v = (Plane(_borrowed(plane), plane.line_size) for plane in planes)
        return y, u, v
    if name in ("nv12", "nv21"):
        luma, chroma = planes
        pair, stride = _borrowed(chroma), chroma.line_size
        first, second = Plane(pair, stride, 2), Plane(pair[1:], stride, 2)
        u, v = (first, second) if name == "nv12" else (second, first)
        return Plane(_borrowed(luma), luma.line_size), u, v
    raise VideoError(
        f"has the pixel format {name}, only 8-bit and 10-bit YUV 4:2:0 are defined; convert it with: "
        "ffmpeg -i IN -pix_fmt yuv420p OUT.mp4"
    )


def _word_planes(picture: av.VideoFrame, byte: int) -> tuple[Plane, Plane, Plane]:
    """Byte 0 or 1 of each 16-bit word of Y, U and V."""
    planes = picture.planes
    if picture.format.name == "yuv420p10le":
        y, u, v = (Plane(_borrowed(plane)[byte:], plane.line_size, 2) for plane in planes)
        return y, u, v
    luma, chroma = planes
    pair, stride = _borrowed(chroma), chroma.line_size
    u, v = (Plane(pair[offset:], stride, 4) for offset in (byte, 2 + byte))
    return Plane(_borrowed(luma)[byte:], luma.line_size, 2), u, v


def _borrowed(plane: VideoPlane) -> npt.NDArray[np.uint8]:
    return np.frombuffer(memoryview(plane).toreadonly(), np.uint8)


def _rounded(frame: DeepFrame, rule: ColorSpec) -> Frame:
    low, high = frame.low, frame.high

    def plane(first: Plane, second: Plane, size: tuple[int, int]) -> Plane:
        words = first.samples(*size), second.samples(*size)
        return Plane.from_array(words_to_eight_bits(*words, frame.drop, rule))

    return replace(
        low,
        y=plane(low.y, high.y, (low.width, low.height)),
        u=plane(low.u, high.u, low.chroma_size),
        v=plane(low.v, high.v, low.chroma_size),
    )


def _orientation(picture: av.VideoFrame) -> tuple[int, bool]:
    side_data = cast(SideDataContainer, picture.side_data)
    if SideDataType.DISPLAYMATRIX not in side_data:
        return 0, False
    matrix = bytes(side_data[SideDataType.DISPLAYMATRIX])
    a, b, _, c, d = np.frombuffer(matrix, np.int32)[:5].tolist()
    largest = max(abs(a), abs(b), abs(c), abs(d), 1)
    signs = tuple(round(value / largest) for value in (a, b, c, d))
    # 0.01 of a right angle's sine forgives the rounding of the file's fixed-point numbers, not a tilt.
    tilted = any(
        abs(abs(value / largest) - abs(sign)) > 0.01 for value, sign in zip((a, b, c, d), signs, strict=True)
    )
    if tilted or signs not in _ORIENTATIONS:
        degrees = math.degrees(math.atan2(b, a))
        raise VideoError(
            f"is shown turned by {degrees:.1f} degrees or sheared, only multiples of 90 are defined; "
            "convert it with: ffmpeg -i IN OUT.mp4"
        )
    return _ORIENTATIONS[signs]
