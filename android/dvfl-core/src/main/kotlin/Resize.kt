package io.github.dvfl

import kotlin.math.floor
import kotlin.math.max
import kotlin.math.min
import kotlin.math.round

/**
 * Two source positions and two integer weights per output position of one axis.
 *
 * @property both all first positions, then all second positions: length 2n.
 * @property firstWeight n weights of the first positions, in units of 2^-coefficient_bits.
 * @property secondWeight n weights of the second positions.
 */
internal class Taps(
    val both: IntArray,
    val firstWeight: IntArray,
    val secondWeight: IntArray,
)

/** A side after the short side of the frame became `short_side`: `int(side * scale + 0.5)` in double precision. */
internal fun resizedSide(
    side: Int,
    shortSide: Int,
    rule: ResizeSpec,
): Int = (side * (rule.shortSide.toDouble() / shortSide) + 0.5).toInt()

/** Where a centred crop of [size] starts on an axis of [length]: half of the rest, rounded down. */
internal fun centreCropOffset(
    length: Int,
    size: Int,
): Int = Math.floorDiv(length - size, 2)

/**
 * Taps of the columns of the centre crop, for an upright frame of [width] x [height]. A position outside the
 * image moves to its edge with the fraction 0.
 */
internal fun columnTaps(
    width: Int,
    height: Int,
    spec: PreprocessingSpec,
): Taps =
    axisTaps(width, resizedSide(width, min(width, height), spec.resize), spec) { position, fraction ->
        if (position < 0 || position >= width - 1) 0f else fraction
    }

/** The same for rows: the two rows are clamped into the image and keep their weights. */
internal fun rowTaps(
    width: Int,
    height: Int,
    spec: PreprocessingSpec,
): Taps =
    axisTaps(height, resizedSide(height, min(width, height), spec.resize), spec) { _, fraction -> fraction }

/**
 * Taps of the centre crop of one axis on which [source] pixels become [target].
 *
 * `f = float32((d + 0.5) * s - 0.5)` with `s = 1 / (target / source)` in double precision, position `floor(f)`,
 * weights `rint(fraction * 2^bits)` with the fraction in float32 (half to even). This is OpenCV's `resize` with
 * `INTER_LINEAR` for 8-bit images.
 */
private inline fun axisTaps(
    source: Int,
    target: Int,
    spec: PreprocessingSpec,
    edgeRule: (Int, Float) -> Float,
): Taps {
    val size = spec.crop.size
    val start = centreCropOffset(target, size)
    val step = 1.0 / (target.toDouble() / source)
    val one = (1 shl spec.resize.coefficientBits).toFloat()
    val taps = Taps(IntArray(2 * size), IntArray(size), IntArray(size))
    for (output in 0 until size) {
        val exact = ((start + output + 0.5) * step - 0.5).toFloat()
        val position = floor(exact).toInt()
        val fraction = edgeRule(position, exact - position)
        taps.both[output] = position.coerceIn(0, source - 1)
        taps.both[size + output] = (position + 1).coerceIn(0, source - 1)
        taps.firstWeight[output] = round((1f - fraction) * one).toInt()
        taps.secondWeight[output] = round(fraction * one).toInt()
    }
    return taps
}

/**
 * Interpolates one channel along a row.
 *
 * @param samples 2n source samples, 0..255: those at the first positions, then those at the second.
 * @param across receives n sums `(p0 * w0 + p1 * w1) >> horizontal_shift`.
 */
internal fun blendAcross(
    samples: IntArray,
    taps: Taps,
    shift: Int,
    across: IntArray,
) {
    val firstWeight = taps.firstWeight
    val secondWeight = taps.secondWeight
    val size = across.size
    for (x in 0 until size) {
        across[x] = (samples[x] * firstWeight[x] + samples[size + x] * secondWeight[x]) shr shift
    }
}

/**
 * Interpolates one channel between two rows, in place:
 * `(((v0 * above) >> vertical_shift) + ((v1 * below) >> vertical_shift) + final_rounding) >> final_shift`,
 * clamped to 0..255.
 *
 * @param above n sums of the upper row; receives the result.
 */
internal fun blendDown(
    above: IntArray,
    below: IntArray,
    aboveWeight: Int,
    belowWeight: Int,
    rule: ResizeSpec,
) {
    val verticalShift = rule.verticalShift
    val finalRounding = rule.finalRounding
    val finalShift = rule.finalShift
    for (x in above.indices) {
        val upper = (above[x] * aboveWeight) shr verticalShift
        val lower = (below[x] * belowWeight) shr verticalShift
        above[x] = toByteRange((upper + lower + finalRounding) shr finalShift)
    }
}

/** 0..255; written so that a loop of it is compiled to vector instructions. */
internal fun toByteRange(value: Int): Int = min(max(value, 0), BYTE_MASK)

internal const val BYTE_MASK = 0xFF
