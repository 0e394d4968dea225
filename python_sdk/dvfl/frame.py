"""Frames as cameras and decoders give them, and the clip that a model takes. All of them are immutable."""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from dvfl.errors import FrameError

Pixels = npt.NDArray[np.uint8]
_Name = TypeVar("_Name", bound=enum.StrEnum)


class ColorMatrix(enum.StrEnum):
    """The matrix that made Y, U and V; the values are the names used in the spec."""

    BT601 = "BT601"
    BT709 = "BT709"


class ColorRange(enum.StrEnum):
    """Limited: Y in 16..235, U and V in 16..240. Full: all in 0..255."""

    LIMITED = "limited"
    FULL = "full"


class Rect(NamedTuple):
    """A rectangle in stored pixels."""

    left: int
    top: int
    width: int
    height: int


@dataclass(frozen=True, eq=False)
class Plane:
    """One plane of 8-bit samples in a flat buffer.

    Sample (x, y) lies at ``data[y * row_stride + x * pixel_stride]``. The buffer may end right after the
    last sample, as the last row of an Android image does. Two planes may share one interleaved buffer:
    for NV12, ``Plane(uv, stride, 2)`` is U and ``Plane(uv[1:], stride, 2)`` is V.

    Raises:
        FrameError: ``data`` is not a 1-D uint8 array, or a stride is not positive.
    """

    data: Pixels
    row_stride: int
    pixel_stride: int = 1

    def __post_init__(self) -> None:
        if not isinstance(self.data, np.ndarray) or self.data.dtype != np.uint8 or self.data.ndim != 1:
            raise FrameError(f"plane data must be a 1-D uint8 array, not {_describe(self.data)}")
        if self.row_stride < 1 or self.pixel_stride < 1:
            raise FrameError(f"strides must be positive, not {self.row_stride} and {self.pixel_stride}")

    @classmethod
    def from_array(cls, samples: Pixels) -> Plane:
        """A plane without padding, from an array [height, width]."""
        return cls(np.ascontiguousarray(samples).reshape(-1), row_stride=samples.shape[1])

    def _check_size(self, width: int, height: int) -> None:
        needed = (height - 1) * self.row_stride + (width - 1) * self.pixel_stride + 1
        if self.data.size < needed:
            raise FrameError(
                f"plane of {width}x{height} samples with row stride {self.row_stride} and pixel stride "
                f"{self.pixel_stride} needs {needed} bytes, the buffer has {self.data.size}"
            )

    def samples(self, width: int, height: int) -> Pixels:
        """A view [height, width] of the samples, without a copy.

        Raises:
            FrameError: the buffer is too short for that many samples.
        """
        self._check_size(width, height)
        step = self.data.strides[0]
        return np.lib.stride_tricks.as_strided(
            self.data, (height, width), (self.row_stride * step, self.pixel_stride * step), writeable=False
        )


@dataclass(frozen=True, eq=False)
class Frame:
    """A YUV 4:2:0 frame with everything needed to show it upright.

    ``width`` and ``height`` count stored luma samples; chroma planes have ``(n + 1) // 2`` samples per side.
    ``crop`` (stored pixels; default: all) is cut out first, then turned clockwise by ``rotation`` degrees,
    then, if ``mirrored``, flipped left-right. ``time_s`` is the presentation time in seconds,
    0 or more. A ``matrix`` or
    ``color_range`` of None means that the source doesn't say; preprocessing then takes the spec's default.

    Raises:
        FrameError: a plane is too short, or the crop rectangle, rotation, time, matrix or range is not valid.
    """

    time_s: float
    y: Plane
    u: Plane
    v: Plane
    width: int
    height: int
    crop: Rect | None = None
    rotation: int = 0
    mirrored: bool = False
    matrix: ColorMatrix | None = None
    color_range: ColorRange | None = None

    def __post_init__(self) -> None:
        _check_time(self.time_s)
        if self.width < 1 or self.height < 1:
            raise FrameError(f"frame size must be positive, not {self.width}x{self.height}")
        if self.matrix is not None:
            object.__setattr__(self, "matrix", _member(ColorMatrix, self.matrix))
        if self.color_range is not None:
            object.__setattr__(self, "color_range", _member(ColorRange, self.color_range))
        for name, plane, (width, height) in (
            ("y", self.y, (self.width, self.height)),
            ("u", self.u, self.chroma_size),
            ("v", self.v, self.chroma_size),
        ):
            try:
                plane._check_size(width, height)
            except FrameError as error:
                raise FrameError(f"{name} {error}") from None
        _check_orientation(self.crop, self.rotation, self.width, self.height)

    @property
    def chroma_size(self) -> tuple[int, int]:
        """(width, height) of the U and V planes."""
        return (self.width + 1) // 2, (self.height + 1) // 2

    @property
    def rect(self) -> Rect:
        """The crop rectangle, or the whole frame."""
        return _rect(self.crop, self.width, self.height)

    @property
    def upright_size(self) -> tuple[int, int]:
        """(width, height) as shown, after crop rectangle and rotation."""
        return _upright_size(self.rect, self.rotation)


@dataclass(frozen=True, eq=False)
class DeepFrame:
    """A picture of 16-bit little-endian words as two frames over the same memory, so that nothing is rounded
    to 8 bits before it is asked for.

    ``low`` holds the low byte of each word and ``high`` the high byte; they differ in nothing else. A sample
    is ``(256 * high + low) >> drop``. Decoders give it; it never leaves the SDK.
    """

    low: Frame
    high: Frame
    drop: int

    @property
    def upright_size(self) -> tuple[int, int]:
        """(width, height) as shown, after crop rectangle and rotation."""
        return self.low.upright_size


@dataclass(frozen=True, eq=False)
class RgbFrame:
    """A bitmap: uint8 [height, width, 3], RGB, as stored; cameras often hand it out turned.

    ``time_s`` is the presentation time in seconds. ``crop``, ``rotation`` and ``mirrored`` mean what they
    mean in a ``Frame``.

    Raises:
        FrameError: ``pixels`` has another shape or type, or its crop rectangle, rotation or time isn't valid.
    """

    pixels: Pixels
    time_s: float
    crop: Rect | None = None
    rotation: int = 0
    mirrored: bool = False

    def __post_init__(self) -> None:
        _check_time(self.time_s)
        pixels = self.pixels
        is_array = isinstance(pixels, np.ndarray) and pixels.dtype == np.uint8 and pixels.ndim == 3
        if not is_array or pixels.shape[2] != 3 or 0 in pixels.shape:
            raise FrameError(f"RGB pixels must be a uint8 array [height, width, 3], not {_describe(pixels)}")
        _check_orientation(self.crop, self.rotation, self.width, self.height)

    @property
    def width(self) -> int:
        """Stored pixels per row."""
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        """Stored rows."""
        return int(self.pixels.shape[0])

    @property
    def rect(self) -> Rect:
        """The crop rectangle, or the whole bitmap."""
        return _rect(self.crop, self.width, self.height)

    @property
    def upright_size(self) -> tuple[int, int]:
        """(width, height) as shown, after crop rectangle and rotation."""
        return _upright_size(self.rect, self.rotation)


@dataclass(frozen=True, eq=False)
class Clip:
    """A model's input: uint8 [T, H, W, 3], RGB, C-contiguous, with the presentation time of each frame.

    Raises:
        FrameError: ``pixels`` has another shape or type, or the number of times differs from T.
    """

    pixels: Pixels
    time_s: tuple[float, ...]

    def __post_init__(self) -> None:
        pixels = self.pixels
        is_array = isinstance(pixels, np.ndarray) and pixels.dtype == np.uint8 and pixels.ndim == 4
        if not is_array or pixels.shape[3] != 3 or 0 in pixels.shape:
            raise FrameError(f"clip pixels must be a uint8 array [T, H, W, 3], not {_describe(pixels)}")
        if not pixels.flags.c_contiguous:
            raise FrameError("clip pixels must be C-contiguous; use numpy.ascontiguousarray")
        object.__setattr__(self, "time_s", tuple(float(time) for time in self.time_s))
        if len(self.time_s) != pixels.shape[0]:
            raise FrameError(f"clip has {pixels.shape[0]} frames but {len(self.time_s)} times")
        for time in self.time_s:
            _check_time(time)

    @property
    def frames(self) -> int:
        """T, the number of frames."""
        return int(self.pixels.shape[0])

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        return self.pixels.shape[2], self.pixels.shape[1]


def to_byte(values: npt.NDArray[np.int32]) -> Pixels:
    """Integers clamped to 0..255, as uint8."""
    clamped: npt.NDArray[np.int32] = np.clip(values, 0, 255)
    return clamped.astype(np.uint8)


def _check_time(time_s: float) -> None:
    if not (math.isfinite(time_s) and time_s >= 0):
        raise FrameError(f"presentation time must be finite and 0 s or more, not {time_s} s")


def _check_orientation(crop: Rect | None, rotation: int, width: int, height: int) -> None:
    if rotation not in (0, 90, 180, 270):
        raise FrameError(f"rotation must be 0, 90, 180 or 270 degrees, not {rotation}")
    rect = _rect(crop, width, height)
    inside = rect.left >= 0 and rect.top >= 0 and rect.left + rect.width <= width
    if not inside or rect.top + rect.height > height or rect.width < 1 or rect.height < 1:
        raise FrameError(f"crop {tuple(rect)} does not lie inside the {width}x{height} frame")


def _rect(crop: Rect | None, width: int, height: int) -> Rect:
    return Rect(0, 0, width, height) if crop is None else Rect(*crop)


def _upright_size(rect: Rect, rotation: int) -> tuple[int, int]:
    return (rect.width, rect.height) if rotation % 180 == 0 else (rect.height, rect.width)


def _member(names: type[_Name], value: str) -> _Name:
    try:
        return names(value)
    except ValueError as error:
        raise FrameError(f"{error}; choices: {', '.join(names)}") from None


def _describe(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"{value.dtype} {list(value.shape)}"
    return type(value).__name__
