"""The preprocessing contract as data: typed models of ``spec/preprocessing.json``.

Every field is explained in ``spec/README.md``. The arithmetic modules (``sampling``, ``resize``, ``color``,
``preprocess``, ``video``) read their numbers from here and hold none of their own. A rule that has one
defined behaviour is a ``Literal``: a file that asks for another behaviour is refused instead of ignored.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from dvfl.errors import SpecError

SCHEMA_VERSION: Literal[1] = 1

MatrixName = Literal["BT601", "BT709"]
RangeName = Literal["limited", "full"]
PositiveInt = Annotated[int, Field(ge=1)]
NonNegativeInt = Annotated[int, Field(ge=0)]
PositiveFloat = Annotated[float, Field(gt=0)]
Shift = Annotated[int, Field(ge=0, le=30)]
# JSON has arrays only, so a list is accepted where the frozen model keeps a tuple.
RgbVector = Annotated[tuple[float, float, float], Field(strict=False)]
RgbScale = Annotated[tuple[PositiveFloat, PositiveFloat, PositiveFloat], Field(strict=False)]
Codes = Annotated[tuple[int, ...], Field(strict=False)]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class TemporalSpec(_Model):
    """Which frames of a whole clip form the input: the centres of ``frames`` equal segments."""

    rule: Literal["segment_centres_of_clip"]
    frames: PositiveInt = Field(description="T, the number of frames of the model's input")
    excluded_frames: NonNegativeInt = Field(description="frames left out of N before it is cut into segments")
    minimum_frames: PositiveInt = Field(description="a clip with fewer frames repeats its frame 0")

    @model_validator(mode="after")
    def _segments_are_not_empty(self) -> TemporalSpec:
        if self.minimum_frames <= self.excluded_frames:
            raise ValueError("minimum_frames must be greater than excluded_frames")
        return self


class WindowSpec(_Model):
    """Which frames of a live window of seconds form the input."""

    rule: Literal["clip_rule_on_even_time_grid"]
    ticks_per_second: PositiveInt = Field(description="time stamps are rounded to integer ticks first")
    interval: Literal["start_excluded_end_included"]
    tie: Literal["earlier_frame"]


class OrientationSpec(_Model):
    """The order of the geometric steps, from stored pixels to the model's input."""

    order: Annotated[
        tuple[
            Literal["crop_rectangle"],
            Literal["rotate_clockwise"],
            Literal["mirror_left_right"],
            Literal["resize"],
            Literal["centre_crop"],
        ],
        Field(strict=False),
    ]
    rotations: Annotated[
        tuple[Literal[0], Literal[90], Literal[180], Literal[270]],
        Field(strict=False, description="allowed clockwise rotations, in degrees"),
    ]


class ResizeSpec(_Model):
    """Short-side resize with 8-bit bilinear interpolation in integer arithmetic."""

    short_side: PositiveInt
    size_rounding: Literal["floor_of_plus_half"]
    filter: Literal["bilinear"]
    antialias: Literal[False]
    pixel_centres: Literal["half_pixel"]
    position_type: Literal["float32"]
    edge_x: Literal["clamp_position"]
    edge_y: Literal["clamp_rows_keep_weights"]
    coefficient_bits: Annotated[int, Field(ge=1, le=11, description="weights are integers of 2**bits")]
    coefficient_rounding: Literal["half_to_even"]
    horizontal_shift: Shift
    vertical_shift: Shift
    final_shift: Shift
    final_rounding: NonNegativeInt

    @model_validator(mode="after")
    def _shifts_undo_the_weights(self) -> ResizeSpec:
        if self.horizontal_shift + self.vertical_shift + self.final_shift != 2 * self.coefficient_bits:
            raise ValueError("the three shifts must add up to twice coefficient_bits")
        return self


class CropSpec(_Model):
    """The square crop after the resize."""

    size: PositiveInt
    position: Literal["centre"]
    offset_rounding: Literal["floor"]


class ColorConversion(_Model):
    """Integer coefficients of one YUV -> RGB conversion, in units of 2**-shift."""

    matrix: MatrixName
    range: RangeName
    luma_offset: NonNegativeInt
    chroma_offset: NonNegativeInt
    y: int
    r_v: int
    g_u: int
    g_v: int
    b_u: int


class TenBitSpec(_Model):
    """How a 10-bit sample becomes an 8-bit one: min(255, (sample + rounding) >> shift)."""

    rule: Literal["round_each_sample_to_eight_bits"]
    rounding: NonNegativeInt
    shift: Shift


class ColorSpec(_Model):
    """YUV 4:2:0 -> RGB, and what to do with a stream's colour tags (code points of ITU-T H.273)."""

    chroma_upsampling: Literal["nearest"]
    chroma_shift_x: Literal[1]
    chroma_shift_y: Literal[1]
    shift: Shift
    rounding: NonNegativeInt
    conversions: Annotated[tuple[ColorConversion, ...], Field(strict=False, min_length=1)]
    untagged_matrix: MatrixName
    untagged_range: RangeName
    untagged_code: NonNegativeInt = Field(description="the code point that means: not specified")
    matrix_codes: dict[MatrixName, Codes]
    refused_transfer_codes: dict[str, int]
    refused_primaries_codes: dict[str, int]
    ten_bit: TenBitSpec

    @model_validator(mode="after")
    def _each_conversion_once(self) -> ColorSpec:
        pairs = [(conversion.matrix, conversion.range) for conversion in self.conversions]
        if len(set(pairs)) != len(pairs):
            raise ValueError("conversions holds the same matrix and range twice")
        if (self.untagged_matrix, self.untagged_range) not in pairs:
            raise ValueError("conversions lacks the one for untagged streams")
        return self

    def conversion(self, matrix: str, color_range: str) -> ColorConversion:
        """The coefficients for a matrix name and a range name.

        Raises:
            SpecError: the spec defines no such conversion.
        """
        for conversion in self.conversions:
            if (conversion.matrix, conversion.range) == (matrix, color_range):
                return conversion
        raise SpecError(f"the preprocessing spec has no conversion for matrix {matrix}, range {color_range}")


class OutputSpec(_Model):
    """What preprocessing hands to an engine."""

    channel_order: Literal["RGB"]
    layout: Literal["THWC"]
    dtype: Literal["uint8"]


class NormalizationSpec(_Model):
    """(x - mean) / std per channel, part of the model's graph and never of an app."""

    applied_in: Literal["graph"]
    mean: RgbVector
    std: RgbScale


class PreprocessingSpec(_Model):
    """The whole contract from decoded frames to the model's uint8 input."""

    schema_version: Literal[1]
    temporal: TemporalSpec
    window: WindowSpec
    orientation: OrientationSpec
    resize: ResizeSpec
    crop: CropSpec
    color: ColorSpec
    output: OutputSpec
    normalization: NormalizationSpec

    @model_validator(mode="after")
    def _crop_fits(self) -> PreprocessingSpec:
        if self.crop.size > self.resize.short_side:
            raise ValueError(f"crop.size {self.crop.size} is larger than short_side {self.resize.short_side}")
        return self

    @classmethod
    def default(cls) -> PreprocessingSpec:
        """The contract of the released students: 8 frames of 224 x 224."""
        return _default_spec()

    @classmethod
    def from_json(cls, text: str | bytes, source: str = "preprocessing spec") -> PreprocessingSpec:
        """Parse and check a spec.

        Raises:
            SpecError: one line naming ``source``, the first wrong field and what is wrong with it.
        """
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            raise SpecError(f"{source}: {_first_problem(error)}") from None

    @classmethod
    def read(cls, path: str | Path) -> PreprocessingSpec:
        """Read a spec file. Raises SpecError when it cannot be read or is not a valid spec."""
        try:
            text = Path(path).read_bytes()
        except OSError as error:
            raise SpecError(f"{path}: cannot read the preprocessing spec ({error.strerror})") from None
        return cls.from_json(text, str(path))

    def with_clip(
        self, frames: int | None = None, size: int | None = None, short_side: int | None = None
    ) -> PreprocessingSpec:
        """The same contract for another clip length, crop size or short side.

        Unless it is given, the short side keeps this spec's proportion to the crop:
        ``int(size * short_side / crop + 0.5)``; that is ``int(size * 256 / 224 + 0.5)`` for the default spec.

        Raises:
            SpecError: a number is not a positive integer, or ``short_side`` is less than ``size``.
        """
        frames = self.temporal.frames if frames is None else frames
        size = self.crop.size if size is None else size
        given = (("frames", frames), ("size", size), ("short_side", 1 if short_side is None else short_side))
        for name, value in given:
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise SpecError(f"{name} must be a positive integer, not {value!r}")
        if short_side is None:
            short_side = int(size * self.resize.short_side / self.crop.size + 0.5)
        elif short_side < size:
            raise SpecError(f"short_side {short_side} is less than size {size}")
        return self.model_copy(
            update={
                "temporal": self.temporal.model_copy(update={"frames": frames}),
                "resize": self.resize.model_copy(update={"short_side": short_side}),
                "crop": self.crop.model_copy(update={"size": size}),
            }
        )


def spec_json_schema() -> Mapping[str, Any]:
    """The JSON Schema of ``PreprocessingSpec``; ``spec/preprocessing.schema.json`` is this, written out."""
    schema = PreprocessingSpec.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


@functools.cache
def _default_spec() -> PreprocessingSpec:
    text = resources.files("dvfl").joinpath("preprocessing.json").read_bytes()
    return PreprocessingSpec.from_json(text, "dvfl/preprocessing.json")


def _first_problem(error: ValidationError) -> str:
    problem = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part) for part in problem["loc"])
    message = problem["msg"].removeprefix("Value error, ")
    return f"{where}: {message}" if where else message
