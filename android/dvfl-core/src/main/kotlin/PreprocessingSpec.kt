package io.github.dvfl

import kotlinx.serialization.Serializable
import kotlinx.serialization.SerializationException
import java.io.File
import java.io.IOException

/**
 * The whole contract from decoded frames to the model's uint8 input: `spec/preprocessing.json` as data.
 *
 * Every field is explained in `spec/README.md`. The arithmetic reads its numbers from here and holds none of
 * its own. A rule with one defined behaviour is an enum of one value, so that a file which asks for another
 * behaviour is refused instead of ignored.
 *
 * @throws SpecException from the constructor, if the fields contradict each other.
 */
@Serializable
public data class PreprocessingSpec(
    val schemaVersion: Int,
    val temporal: TemporalSpec,
    val window: WindowSpec,
    val orientation: OrientationSpec,
    val resize: ResizeSpec,
    val crop: CropSpec,
    val color: ColorSpec,
    val output: OutputSpec,
    val normalization: NormalizationSpec,
) {
    init {
        check("schema_version", schemaVersion == SCHEMA_VERSION) {
            "is $schemaVersion, this SDK reads $SCHEMA_VERSION"
        }
        check("crop.size", crop.size <= resize.shortSide) {
            "${crop.size} is larger than short_side ${resize.shortSide}"
        }
    }

    /**
     * The same contract for another clip length or crop size. The short side keeps this spec's proportion to
     * the crop: `int(size * short_side / crop + 0.5)`.
     *
     * @throws SpecException if [frames] or [size] is less than 1.
     */
    public fun withClip(
        frames: Int = temporal.frames,
        size: Int = crop.size,
    ): PreprocessingSpec =
        copy(
            temporal = temporal.copy(frames = frames),
            crop = crop.copy(size = size),
            resize = resize.copy(shortSide = (size.toDouble() * resize.shortSide / crop.size + 0.5).toInt()),
        )

    public companion object {
        /** The version of the contract that this SDK reads. */
        public const val SCHEMA_VERSION: Int = 1

        // Absolute, so that a shrinker may move the class.
        private const val RESOURCE = "/io/github/dvfl/preprocessing.json"
        private val shipped: PreprocessingSpec by lazy {
            val stream =
                PreprocessingSpec::class.java.getResourceAsStream(RESOURCE)
                    ?: throw SpecException(
                        "$RESOURCE is not in the SDK's jar; keep its resources when shrinking",
                    )
            fromJson(stream.use { it.readBytes() }.decodeToString(), RESOURCE)
        }

        /** The contract of the released students: 8 frames of 224 x 224. */
        public fun default(): PreprocessingSpec = shipped

        /**
         * Parses and checks a spec. [source] is named in errors.
         *
         * @throws SpecException naming [source] and the first thing that is wrong.
         */
        public fun fromJson(
            text: String,
            source: String = "preprocessing spec",
        ): PreprocessingSpec =
            try {
                strictJson.decodeStrictly(serializer(), strictJson.parseToJsonElement(text))
            } catch (error: SerializationException) {
                throw SpecException("$source: ${error.firstLine()}", error)
            } catch (error: SpecException) {
                throw SpecException("$source: ${error.message}", error)
            }

        /**
         * Reads a spec file.
         *
         * @throws SpecException if it cannot be read or is not a valid spec.
         */
        public fun read(file: File): PreprocessingSpec {
            val text =
                try {
                    file.readText()
                } catch (error: IOException) {
                    throw SpecException("$file: cannot read the preprocessing spec (${error.message})", error)
                }
            return fromJson(text, file.path)
        }
    }
}

/** Which frames of a whole clip form the input: the centres of [frames] equal segments. */
@Serializable
public data class TemporalSpec(
    val rule: TemporalRule,
    /** T, the number of frames of the model's input. */
    val frames: Int,
    /** Frames left out of N before it is cut into segments. */
    val excludedFrames: Int,
    /** A clip with fewer frames repeats its frame 0. */
    val minimumFrames: Int,
) {
    init {
        check("temporal.frames", frames >= 1) { "must be at least 1, not $frames" }
        check("temporal.excluded_frames", excludedFrames >= 0) { "must be 0 or more, not $excludedFrames" }
        check("temporal.minimum_frames", minimumFrames > excludedFrames) {
            "must be greater than excluded_frames"
        }
    }
}

/** Which frames of a live window of seconds form the input. */
@Serializable
public data class WindowSpec(
    val rule: WindowRule,
    /** Time stamps are rounded to integer ticks first. */
    val ticksPerSecond: Int,
    val interval: WindowInterval,
    val tie: WindowTie,
) {
    init {
        check("window.ticks_per_second", ticksPerSecond >= 1) { "must be at least 1, not $ticksPerSecond" }
    }
}

/** The order of the geometric steps, from stored pixels to the model's input. */
@Serializable
public data class OrientationSpec(
    val order: List<OrientationStep>,
    /** Allowed clockwise rotations, in degrees. */
    val rotations: List<Int>,
) {
    init {
        check("orientation.order", order == OrientationStep.entries) {
            "must be ${OrientationStep.entries}, not $order"
        }
        check(
            "orientation.rotations",
            rotations == QUARTER_TURNS,
        ) { "must be $QUARTER_TURNS, not $rotations" }
    }
}

/** Short-side resize with 8-bit bilinear interpolation in integer arithmetic. */
@Serializable
public data class ResizeSpec(
    val shortSide: Int,
    val sizeRounding: SizeRounding,
    val filter: ResizeFilter,
    val antialias: Boolean,
    val pixelCentres: PixelCentres,
    val positionType: PositionType,
    val edgeX: EdgeX,
    val edgeY: EdgeY,
    /** Weights are integers of 2^bits. */
    val coefficientBits: Int,
    val coefficientRounding: CoefficientRounding,
    val horizontalShift: Int,
    val verticalShift: Int,
    val finalShift: Int,
    val finalRounding: Int,
) {
    init {
        check("resize.short_side", shortSide >= 1) { "must be at least 1, not $shortSide" }
        check("resize.antialias", !antialias) { "must be false" }
        check("resize.coefficient_bits", coefficientBits in 1..MOST_COEFFICIENT_BITS) {
            "must be 1..$MOST_COEFFICIENT_BITS, not $coefficientBits"
        }
        checkShift("resize.horizontal_shift", horizontalShift)
        checkShift("resize.vertical_shift", verticalShift)
        checkShift("resize.final_shift", finalShift)
        check("resize.final_rounding", finalRounding >= 0) { "must be 0 or more, not $finalRounding" }
        check("resize", horizontalShift + verticalShift + finalShift == 2 * coefficientBits) {
            "the three shifts must add up to twice coefficient_bits"
        }
    }

    private companion object {
        const val MOST_COEFFICIENT_BITS = 11
    }
}

/** The square crop after the resize. */
@Serializable
public data class CropSpec(
    val size: Int,
    val position: CropPosition,
    val offsetRounding: OffsetRounding,
) {
    init {
        check("crop.size", size >= 1) { "must be at least 1, not $size" }
    }
}

/** Integer coefficients of one YUV -> RGB conversion, in units of 2^-shift. */
@Serializable
public data class ColorConversion(
    val matrix: ColorMatrix,
    val range: ColorRange,
    val lumaOffset: Int,
    val chromaOffset: Int,
    val y: Int,
    val rV: Int,
    val gU: Int,
    val gV: Int,
    val bU: Int,
) {
    init {
        check("color.conversions.luma_offset", lumaOffset >= 0) { "must be 0 or more, not $lumaOffset" }
        check("color.conversions.chroma_offset", chromaOffset >= 0) { "must be 0 or more, not $chromaOffset" }
    }
}

/** How a 10-bit sample becomes an 8-bit one: `min(255, (sample + rounding) >> shift)`. */
@Serializable
public data class TenBitSpec(
    val rule: TenBitRule,
    val rounding: Int,
    val shift: Int,
) {
    init {
        check("color.ten_bit.rounding", rounding >= 0) { "must be 0 or more, not $rounding" }
        checkShift("color.ten_bit.shift", shift)
    }
}

/** YUV 4:2:0 -> RGB, and what to do with a stream's colour tags (code points of ITU-T H.273). */
@Serializable
public data class ColorSpec(
    val chromaUpsampling: ChromaUpsampling,
    val chromaShiftX: Int,
    val chromaShiftY: Int,
    val shift: Int,
    val rounding: Int,
    val conversions: List<ColorConversion>,
    val untaggedMatrix: ColorMatrix,
    val untaggedRange: ColorRange,
    /** The code point that means: not specified. */
    val untaggedCode: Int,
    val matrixCodes: Map<ColorMatrix, List<Int>>,
    val refusedTransferCodes: Map<String, Int>,
    val refusedPrimariesCodes: Map<String, Int>,
    val tenBit: TenBitSpec,
) {
    init {
        check("color.chroma_shift_x", chromaShiftX == 1) { "must be 1, not $chromaShiftX" }
        check("color.chroma_shift_y", chromaShiftY == 1) { "must be 1, not $chromaShiftY" }
        checkShift("color.shift", shift)
        check("color.rounding", rounding >= 0) { "must be 0 or more, not $rounding" }
        check("color.untagged_code", untaggedCode >= 0) { "must be 0 or more, not $untaggedCode" }
        val pairs = conversions.map { it.matrix to it.range }
        check("color.conversions", pairs.distinct() == pairs) { "holds the same matrix and range twice" }
        check("color.conversions", untaggedMatrix to untaggedRange in pairs) {
            "lacks the one for untagged streams"
        }
    }

    /**
     * The coefficients for a matrix and a range; null stands for the spec's choice for untagged streams.
     *
     * @throws SpecException if the spec defines no such conversion.
     */
    public fun conversion(
        matrix: ColorMatrix?,
        range: ColorRange?,
    ): ColorConversion {
        val wantedMatrix = matrix ?: untaggedMatrix
        val wantedRange = range ?: untaggedRange
        for (index in conversions.indices) {
            val conversion = conversions[index]
            if (conversion.matrix == wantedMatrix && conversion.range == wantedRange) return conversion
        }
        throw SpecException(
            "the preprocessing spec has no conversion for matrix $wantedMatrix, range $wantedRange; " +
                "convert the bundle again",
        )
    }
}

/** What preprocessing hands to an engine. */
@Serializable
public data class OutputSpec(
    val channelOrder: ChannelOrder,
    val layout: ClipLayout,
    val dtype: ClipType,
)

/** `(x - mean) / std` per channel, part of the model's graph and never of an app. */
@Serializable
public data class NormalizationSpec(
    val appliedIn: NormalizationPlace,
    val mean: List<Double>,
    val std: List<Double>,
) {
    init {
        check("normalization.mean", mean.size == CHANNELS) { "must have $CHANNELS numbers" }
        check("normalization.std", std.size == CHANNELS && std.all { it > 0 }) {
            "must have $CHANNELS positive numbers"
        }
    }
}

internal const val CHANNELS = 3
internal val QUARTER_TURNS = listOf(0, 90, 180, 270)
private const val MOST_SHIFT = 30

private inline fun check(
    field: String,
    holds: Boolean,
    problem: () -> String,
) {
    if (!holds) throw SpecException("$field: ${problem()}")
}

private fun checkShift(
    field: String,
    shift: Int,
) {
    check(field, shift in 0..MOST_SHIFT) { "must be 0..$MOST_SHIFT, not $shift" }
}
