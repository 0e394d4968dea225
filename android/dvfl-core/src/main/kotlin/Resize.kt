package io.github.dvfl

import kotlin.math.floor
import kotlin.math.min
import kotlin.math.round

/**
 * One of the two source pixels behind each output position of one axis; the second tap follows the first.
 *
 * @property positions n source positions.
 * @property weights n weights in units of 2^-coefficient_bits.
 */
internal class Tap(
    val positions: IntArray,
    val weights: IntArray,
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
 * Both taps of the columns of the centre crop, for an upright frame of [width] x [height]. A position outside the
 * image moves to its edge with the fraction 0.
 */
internal fun columnTaps(
    width: Int,
    height: Int,
    spec: PreprocessingSpec,
): List<Tap> =
    axisTaps(width, resizedSide(width, min(width, height), spec.resize), spec) { position, fraction ->
        if (position < 0 || position >= width - 1) 0f else fraction
    }

/** The same for rows: the two rows are clamped into the image and keep their weights. */
internal fun rowTaps(
    width: Int,
    height: Int,
    spec: PreprocessingSpec,
): List<Tap> =
    axisTaps(height, resizedSide(height, min(width, height), spec.resize), spec) { _, fraction -> fraction }

/**
 * Both taps of the centre crop of one axis on which [source] pixels become [target].
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
): List<Tap> {
    val size = spec.crop.size
    val start = centreCropOffset(target, size)
    val step = 1.0 / (target.toDouble() / source)
    val one = (1 shl spec.resize.coefficientBits).toFloat()
    val first = Tap(IntArray(size), IntArray(size))
    val second = Tap(IntArray(size), IntArray(size))
    for (output in 0 until size) {
        val exact = ((start + output + 0.5) * step - 0.5).toFloat()
        val position = floor(exact).toInt()
        val fraction = edgeRule(position, exact - position)
        first.positions[output] = position.coerceIn(0, source - 1)
        second.positions[output] = (position + 1).coerceIn(0, source - 1)
        first.weights[output] = round((1f - fraction) * one).toInt()
        second.weights[output] = round(fraction * one).toInt()
    }
    return listOf(first, second)
}

/*
 * The loops below and in Color.kt have one result and no branch, and each array is read at the loop's index only:
 * that is what a JVM turns into vector instructions.
 */

/**
 * Interpolates one channel along a row: `(p0 * w0 + p1 * w1) >> horizontal_shift`.
 *
 * @param first n source samples, 0..255, at the first tap's positions.
 * @param second n source samples at the second tap's.
 * @param across receives n sums.
 */
internal fun blendAcross(
    first: IntArray,
    second: IntArray,
    firstWeights: IntArray,
    secondWeights: IntArray,
    shift: Int,
    across: IntArray,
) {
    for (x in across.indices) {
        across[x] = (first[x] * firstWeights[x] + second[x] * secondWeights[x]) shr shift
    }
}

/**
 * Interpolates one channel between two rows:
 * `(((v0 * H0) >> vertical_shift) + ((v1 * H1) >> vertical_shift) + final_rounding) >> final_shift`, clamped to
 * 0..255.
 *
 * @param above n sums of the upper row, H0; receives the result.
 * @param below n sums of the lower row, H1.
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
        above[x] = clampToByte((upper + lower + finalRounding) shr finalShift)
    }
}

/** Clamped to 0..255. `min` and `max` would be clearer, but they keep a JVM from using vector instructions. */
internal fun clampToByte(value: Int): Int =
    (value or ((BYTE_MASK - value) shr SIGN)) and (value shr SIGN).inv() and BYTE_MASK

internal const val BYTE_MASK = 0xFF
private const val SIGN = 31
