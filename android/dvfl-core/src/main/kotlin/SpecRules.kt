package io.github.dvfl

import kotlinx.serialization.SerialName
import kotlinx.serialization.Serializable

// A rule with one defined behaviour has one value: a spec that asks for another is refused.

/** The matrix that made Y, U and V. */
@Serializable
public enum class ColorMatrix { BT601, BT709 }

/** [LIMITED]: Y in 16..235, U and V in 16..240. [FULL]: all in 0..255. */
@Serializable
public enum class ColorRange {
    @SerialName("limited")
    LIMITED,

    @SerialName("full")
    FULL,
}

/** How the frames of a whole clip are chosen. */
@Serializable
public enum class TemporalRule {
    @SerialName("segment_centres_of_clip")
    SEGMENT_CENTRES_OF_CLIP,
}

/** How the frames of a live window are chosen. */
@Serializable
public enum class WindowRule {
    @SerialName("clip_rule_on_even_time_grid")
    CLIP_RULE_ON_EVEN_TIME_GRID,
}

/** Which ends belong to a live window. */
@Serializable
public enum class WindowInterval {
    @SerialName("start_excluded_end_included")
    START_EXCLUDED_END_INCLUDED,
}

/** Which of two equally near frames is taken. */
@Serializable
public enum class WindowTie {
    @SerialName("earlier_frame")
    EARLIER_FRAME,
}

/** In the only defined order. */
@Serializable
public enum class OrientationStep {
    @SerialName("crop_rectangle")
    CROP_RECTANGLE,

    @SerialName("rotate_clockwise")
    ROTATE_CLOCKWISE,

    @SerialName("mirror_left_right")
    MIRROR_LEFT_RIGHT,

    @SerialName("resize")
    RESIZE,

    @SerialName("centre_crop")
    CENTRE_CROP,
}

/** How a resized side becomes a whole number of pixels. */
@Serializable
public enum class SizeRounding {
    @SerialName("floor_of_plus_half")
    FLOOR_OF_PLUS_HALF,
}

/** How source pixels are weighted. */
@Serializable
public enum class ResizeFilter {
    @SerialName("bilinear")
    BILINEAR,
}

/** Where a pixel lies in its coordinate system. */
@Serializable
public enum class PixelCentres {
    @SerialName("half_pixel")
    HALF_PIXEL,
}

/** Number type in which source positions are computed. */
@Serializable
public enum class PositionType {
    @SerialName("float32")
    FLOAT32,
}

/** What happens left and right of the first and last column. */
@Serializable
public enum class EdgeX {
    @SerialName("clamp_position")
    CLAMP_POSITION,
}

/** What happens above and below the first and last row. */
@Serializable
public enum class EdgeY {
    @SerialName("clamp_rows_keep_weights")
    CLAMP_ROWS_KEEP_WEIGHTS,
}

/** How a weight becomes an integer. */
@Serializable
public enum class CoefficientRounding {
    @SerialName("half_to_even")
    HALF_TO_EVEN,
}

/** Where the crop lies in the resized frame. */
@Serializable
public enum class CropPosition {
    @SerialName("centre")
    CENTRE,
}

/** How the crop's offset becomes a whole number of pixels. */
@Serializable
public enum class OffsetRounding {
    @SerialName("floor")
    FLOOR,
}

/** Which chroma sample a luma sample takes. */
@Serializable
public enum class ChromaUpsampling {
    @SerialName("nearest")
    NEAREST,
}

/** How a 10-bit sample becomes an 8-bit one. */
@Serializable
public enum class TenBitRule {
    @SerialName("round_each_sample_to_eight_bits")
    ROUND_EACH_SAMPLE_TO_EIGHT_BITS,
}

/** Order of the channels of a pixel. */
@Serializable
public enum class ChannelOrder { RGB, }

/** Axes of a clip in memory order: T frames, H rows, W columns, C channels. */
@Serializable
public enum class ClipLayout { THWC, }

/** Number type of a clip's values. */
@Serializable
public enum class ClipType {
    @SerialName("uint8")
    UINT8,
}

/** Where mean and standard deviation are applied. */
@Serializable
public enum class NormalizationPlace {
    @SerialName("graph")
    GRAPH,
}
