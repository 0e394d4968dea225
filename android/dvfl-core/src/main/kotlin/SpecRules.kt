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

@Serializable
public enum class TemporalRule {
    @SerialName("segment_centres_of_clip")
    SEGMENT_CENTRES_OF_CLIP,
}

@Serializable
public enum class WindowRule {
    @SerialName("clip_rule_on_even_time_grid")
    CLIP_RULE_ON_EVEN_TIME_GRID,
}

@Serializable
public enum class WindowInterval {
    @SerialName("start_excluded_end_included")
    START_EXCLUDED_END_INCLUDED,
}

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

@Serializable
public enum class SizeRounding {
    @SerialName("floor_of_plus_half")
    FLOOR_OF_PLUS_HALF,
}

@Serializable
public enum class ResizeFilter {
    @SerialName("bilinear")
    BILINEAR,
}

@Serializable
public enum class PixelCentres {
    @SerialName("half_pixel")
    HALF_PIXEL,
}

@Serializable
public enum class PositionType {
    @SerialName("float32")
    FLOAT32,
}

@Serializable
public enum class EdgeX {
    @SerialName("clamp_position")
    CLAMP_POSITION,
}

@Serializable
public enum class EdgeY {
    @SerialName("clamp_rows_keep_weights")
    CLAMP_ROWS_KEEP_WEIGHTS,
}

@Serializable
public enum class CoefficientRounding {
    @SerialName("half_to_even")
    HALF_TO_EVEN,
}

@Serializable
public enum class CropPosition {
    @SerialName("centre")
    CENTRE,
}

@Serializable
public enum class OffsetRounding {
    @SerialName("floor")
    FLOOR,
}

@Serializable
public enum class ChromaUpsampling {
    @SerialName("nearest")
    NEAREST,
}

@Serializable
public enum class TenBitRule {
    @SerialName("round_each_sample_to_eight_bits")
    ROUND_EACH_SAMPLE_TO_EIGHT_BITS,
}

@Serializable
public enum class ChannelOrder { RGB, }

@Serializable
public enum class ClipLayout { THWC, }

@Serializable
public enum class ClipType {
    @SerialName("uint8")
    UINT8,
}

@Serializable
public enum class NormalizationPlace {
    @SerialName("graph")
    GRAPH,
}
