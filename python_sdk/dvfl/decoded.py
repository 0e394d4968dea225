"""A decoder's picture -> ``Frame``: planes, colour tags and orientation, with nothing guessed silently."""

from __future__ import annotations

import math
from typing import cast

import av
import numpy as np
import numpy.typing as npt
from av.sidedata.sidedata import SideDataContainer
from av.sidedata.sidedata import Type as SideDataType
from av.video.plane import VideoPlane
from av.video.reformatter import ColorRange as AvColorRange

from dvfl.color import ten_to_eight_bits
from dvfl.errors import VideoError
from dvfl.frame import ColorMatrix, ColorRange, Frame, Plane
from dvfl.spec import ColorSpec, PreprocessingSpec

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
    """Copy a decoded picture out of the decoder's memory, as shown at ``time_s`` seconds.

    Raises:
        VideoError: HDR, a colour matrix or pixel format without a defined conversion, or an orientation
            that is no multiple of 90 degrees. The message doesn't name the file.
    """
    _refuse_hdr(picture, spec.color)
    y, u, v = _planes(picture, spec.color)
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


_SDR_ADVICE = "record with HDR switched off or convert it to SDR (BT.709) first"


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


def _planes(picture: av.VideoFrame, rule: ColorSpec) -> tuple[Plane, Plane, Plane]:
    name = picture.format.name
    planes = picture.planes
    if any(plane.line_size < 1 for plane in planes):
        raise VideoError("is stored bottom up; convert it to H.264 first")
    if name in ("yuv420p", "yuvj420p"):
        y, u, v = (Plane(_copied(plane), plane.line_size) for plane in planes)
        return y, u, v
    if name in ("nv12", "nv21"):
        stride = planes[1].line_size
        pair = _copied(planes[1])
        first, second = Plane(pair, stride, 2), Plane(pair[1:], stride, 2)
        u, v = (first, second) if name == "nv12" else (second, first)
        return Plane(_copied(planes[0]), planes[0].line_size), u, v
    if name == "yuv420p10le":
        y, u, v = (Plane.from_array(ten_to_eight_bits(_words(plane), rule)) for plane in planes)
        return y, u, v
    if name == "p010le":
        # P010 keeps its 10 bits at the top of 16, and U and V in one plane.
        luma, pair10 = (ten_to_eight_bits(_words(plane) >> np.uint16(6), rule) for plane in planes)
        flat, stride = pair10.reshape(-1), pair10.shape[1]
        return Plane.from_array(luma), Plane(flat, stride, 2), Plane(flat[1:], stride, 2)
    raise VideoError(
        f"has the pixel format {name}, only 8-bit and 10-bit YUV 4:2:0 are defined; convert it with: "
        "ffmpeg -i IN -pix_fmt yuv420p OUT.mp4"
    )


def _copied(plane: VideoPlane) -> npt.NDArray[np.uint8]:
    return np.frombuffer(bytes(plane), np.uint8)


def _words(plane: VideoPlane) -> npt.NDArray[np.uint16]:
    """16-bit samples [plane height, row stride / 2], padding included."""
    words = np.frombuffer(bytes(plane), np.dtype("<u2")).astype(np.uint16)
    return words.reshape(plane.height, plane.line_size // 2)


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
