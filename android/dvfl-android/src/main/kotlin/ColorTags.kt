package io.github.dvfl.android

import android.hardware.DataSpace
import android.media.MediaFormat
import io.github.dvfl.ColorMatrix
import io.github.dvfl.ColorRange

private const val SDR_ADVICE = "record with HDR switched off or convert it to SDR (BT.709) first"

/** What a source says of its colours; null where it doesn't. */
internal data class ColorTags(
    val matrix: ColorMatrix? = null,
    val range: ColorRange? = null,
    /** Why the spec defines no conversion, such as HDR, and what to do; null if it does. */
    val refusal: String? = null,
) {
    /** With what the caller knows better; a given matrix also lifts a refusal. */
    fun overriddenBy(
        matrix: ColorMatrix?,
        range: ColorRange?,
    ): ColorTags =
        ColorTags(matrix ?: this.matrix, range ?: this.range, if (matrix == null) refusal else null)
}

/**
 * `android.media.MediaFormat`'s codes. Null and 0, which is "not specified", mean that the source doesn't say.
 */
internal fun videoColorTags(
    standard: Int?,
    range: Int?,
    transfer: Int?,
): ColorTags {
    val matrix =
        when (standard) {
            MediaFormat.COLOR_STANDARD_BT709 -> ColorMatrix.BT709
            MediaFormat.COLOR_STANDARD_BT601_PAL, MediaFormat.COLOR_STANDARD_BT601_NTSC -> ColorMatrix.BT601
            else -> null
        }
    val refusal =
        when {
            transfer == MediaFormat.COLOR_TRANSFER_ST2084 -> {
                "is HDR (PQ); $SDR_ADVICE"
            }

            transfer == MediaFormat.COLOR_TRANSFER_HLG -> {
                "is HDR (HLG); $SDR_ADVICE"
            }

            standard == MediaFormat.COLOR_STANDARD_BT2020 -> {
                "has BT.2020 colours; $SDR_ADVICE"
            }

            matrix == null && standard != null && standard != 0 -> {
                "has the colour standard $standard, only BT.601 and BT.709 are defined; $SDR_ADVICE"
            }

            else -> {
                null
            }
        }
    val known =
        when (range) {
            MediaFormat.COLOR_RANGE_FULL -> ColorRange.FULL
            MediaFormat.COLOR_RANGE_LIMITED -> ColorRange.LIMITED
            else -> null
        }
    return ColorTags(matrix, known, refusal)
}

/** The codes of an `android.hardware.DataSpace`, which has them since API 33. */
@SinceApi(33)
internal fun imageColorTags(dataSpace: Int): ColorTags {
    val standard = DataSpace.getStandard(dataSpace)
    val transfer = DataSpace.getTransfer(dataSpace)
    val matrix =
        when (standard) {
            DataSpace.STANDARD_BT709 -> ColorMatrix.BT709

            DataSpace.STANDARD_BT601_525, DataSpace.STANDARD_BT601_525_UNADJUSTED,
            DataSpace.STANDARD_BT601_625, DataSpace.STANDARD_BT601_625_UNADJUSTED,
            -> ColorMatrix.BT601

            else -> null
        }
    val refusal =
        when {
            transfer == DataSpace.TRANSFER_ST2084 -> {
                "is HDR (PQ); $SESSION_ADVICE"
            }

            transfer == DataSpace.TRANSFER_HLG -> {
                "is HDR (HLG); $SESSION_ADVICE"
            }

            standard in BT2020_STANDARDS -> {
                "has BT.2020 colours; $SESSION_ADVICE"
            }

            matrix == null && standard != DataSpace.STANDARD_UNSPECIFIED -> {
                "has the colour standard ${standard shr STANDARD_SHIFT}, only BT.601 and BT.709 are defined"
            }

            else -> {
                null
            }
        }
    val range =
        when (DataSpace.getRange(dataSpace)) {
            DataSpace.RANGE_FULL -> ColorRange.FULL
            DataSpace.RANGE_LIMITED -> ColorRange.LIMITED
            else -> null
        }
    return ColorTags(matrix, range, refusal)
}

private const val SESSION_ADVICE = "configure the session for SDR"
private val BT2020_STANDARDS =
    setOf(DataSpace.STANDARD_BT2020, DataSpace.STANDARD_BT2020_CONSTANT_LUMINANCE)
private const val STANDARD_SHIFT = 16
