package io.github.dvfl

import kotlin.math.abs
import kotlin.math.ceil
import kotlin.math.floor

/** A whole picture; pixel (x, y) has channel c at (y * width + x) * 3 + c. */
class Picture(
    val width: Int,
    val height: Int,
    val values: IntArray = IntArray(width * height * 3),
) {
    operator fun get(
        x: Int,
        y: Int,
        channel: Int,
    ): Int = values[(y * width + x) * 3 + channel]

    fun bytes(): ByteArray = ByteArray(values.size) { values[it].toByte() }
}

private inline fun picture(
    width: Int,
    height: Int,
    value: (x: Int, y: Int, channel: Int) -> Int,
): Picture {
    val picture = Picture(width, height)
    for (y in 0 until height) {
        for (x in 0 until width) {
            for (channel in 0 until 3) picture.values[(y * width + x) * 3 + channel] = value(x, y, channel)
        }
    }
    return picture
}

/**
 * The preprocessing as `spec/README.md` words it, step by step on whole pictures: slow, obvious, and sharing
 * nothing with the code under test but the spec's numbers.
 */
fun slowReference(
    frame: VideoFrame,
    spec: PreprocessingSpec,
): ByteArray {
    val upright = uprightPicture(frame, spec)
    val shortest = minOf(upright.width, upright.height)
    val scale = spec.resize.shortSide.toDouble() / shortest
    val width = (upright.width * scale + 0.5).toInt()
    val height = (upright.height * scale + 0.5).toInt()
    return centreCut(slowResize(upright, width, height, spec.resize), spec.crop.size).bytes()
}

fun uprightPicture(
    frame: VideoFrame,
    spec: PreprocessingSpec,
): Picture {
    val stored = if (frame is Frame) convertedWhole(frame, spec.color) else copiedWhole(frame as RgbFrame)
    val cut =
        picture(frame.crop.width, frame.crop.height) { x, y, c ->
            stored[frame.crop.left + x, frame.crop.top + y, c]
        }
    var turned = cut
    repeat(frame.rotation / 90) { turned = quarterTurn(turned) }
    if (!frame.mirrored) return turned
    return picture(turned.width, turned.height) { x, y, c -> turned[turned.width - 1 - x, y, c] }
}

/** Clockwise: what was the left column, read upwards, becomes the top row. */
private fun quarterTurn(from: Picture) =
    picture(from.height, from.width) { x, y, c -> from[y, from.height - 1 - x, c] }

private fun convertedWhole(
    frame: Frame,
    color: ColorSpec,
): Picture {
    val matrix = frame.matrix ?: color.untaggedMatrix
    val range = frame.range ?: color.untaggedRange
    val k = color.conversions.single { it.matrix == matrix && it.range == range }

    fun Plane.sample(
        x: Int,
        y: Int,
    ) = data.get(offset + y * rowStride + x * pixelStride).toInt() and 0xFF
    return picture(frame.width, frame.height) { x, y, channel ->
        val luma = (frame.y.sample(x, y) - k.lumaOffset) * k.y + color.rounding
        val u = frame.u.sample(x / 2, y / 2) - k.chromaOffset
        val v = frame.v.sample(x / 2, y / 2) - k.chromaOffset
        val sum =
            when (channel) {
                0 -> luma + k.rV * v
                1 -> luma + k.gU * u + k.gV * v
                else -> luma + k.bU * u
            }
        (sum shr color.shift).coerceIn(0, 255)
    }
}

private fun copiedWhole(frame: RgbFrame): Picture {
    val order = if (frame.format == RgbFormat.BGRA) intArrayOf(2, 1, 0) else intArrayOf(0, 1, 2)
    val step = if (frame.format == RgbFormat.RGB) 3 else 4
    return picture(frame.width, frame.height) { x, y, c ->
        frame.pixels.get(y * frame.rowStride + x * step + order[c]).toInt() and 0xFF
    }
}

fun slowResize(
    from: Picture,
    width: Int,
    height: Int,
    rule: ResizeSpec,
): Picture {
    val unit = (1 shl rule.coefficientBits).toFloat()

    fun position(
        d: Int,
        source: Int,
        target: Int,
    ): Float = ((d + 0.5) * (1.0 / (target.toDouble() / source.toDouble())) - 0.5).toFloat()

    return picture(width, height) { x, y, c ->
        val atX = position(x, from.width, width)
        var column = floor(atX).toInt()
        var alongX = atX - column.toFloat()
        if (column < 0) {
            column = 0
            alongX = 0f
        }
        if (column >= from.width - 1) {
            column = from.width - 1
            alongX = 0f
        }
        val nextColumn = minOf(column + 1, from.width - 1)
        val atY = position(y, from.height, height)
        val row = floor(atY).toInt()
        val alongY = atY - row.toFloat()
        val upperRow = row.coerceIn(0, from.height - 1)
        val lowerRow = (row + 1).coerceIn(0, from.height - 1)

        fun weight(fraction: Float) = Math.rint((fraction * unit).toDouble()).toInt()
        val upper =
            from[column, upperRow, c] * weight(1f - alongX) + from[nextColumn, upperRow, c] * weight(alongX)
        val lower =
            from[column, lowerRow, c] * weight(1f - alongX) + from[nextColumn, lowerRow, c] * weight(alongX)
        val sum =
            ((weight(1f - alongY) * (upper shr rule.horizontalShift)) shr rule.verticalShift) +
                ((weight(alongY) * (lower shr rule.horizontalShift)) shr rule.verticalShift)
        ((sum + rule.finalRounding) shr rule.finalShift).coerceIn(0, 255)
    }
}

/** A triangle as wide as the reduction, as Pillow and torchvision take by default; the fault `antialias`. */
fun antialiasedResize(
    from: Picture,
    width: Int,
    height: Int,
): Picture {
    fun weights(
        d: Int,
        source: Int,
        target: Int,
    ): Map<Int, Double> {
        val step = source.toDouble() / target
        val reach = maxOf(step, 1.0)
        val centre = (d + 0.5) * step
        val inside = floor(centre - reach).toInt()..ceil(centre + reach).toInt()
        val raw =
            inside
                .filter { it in 0 until source }
                .associateWith { maxOf(0.0, 1 - abs(it + 0.5 - centre) / reach) }
        return raw.mapValues { it.value / raw.values.sum() }
    }
    val columns = List(width) { weights(it, from.width, width) }
    val rows = List(height) { weights(it, from.height, height) }
    return picture(width, height) { x, y, c ->
        Math
            .rint(
                rows[y].entries.sumOf { (row, b) ->
                    columns[x].entries.sumOf { (column, a) ->
                        a * b *
                            from[column, row, c]
                    }
                },
            ).toInt()
            .coerceIn(0, 255)
    }
}

fun centreCut(
    from: Picture,
    size: Int,
): Picture {
    val left = Math.floorDiv(from.width - size, 2)
    val top = Math.floorDiv(from.height - size, 2)
    return picture(size, size) { x, y, c -> from[left + x, top + y, c] }
}
