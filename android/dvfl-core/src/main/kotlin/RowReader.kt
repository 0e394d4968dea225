package io.github.dvfl

import java.nio.ByteBuffer

/** R, G and B of the source pixels behind one output row, 0..255, in the order of [Taps.both]. */
internal class RgbRow(
    columns: Int,
) {
    val red: IntArray = IntArray(columns)
    val green: IntArray = IntArray(columns)
    val blue: IntArray = IntArray(columns)
}

/** Reads and converts the needed pixels of YUV frames of one geometry. */
internal class YuvRowReader(
    frame: Frame,
    plan: SourcePlan,
    private val color: ColorSpec,
) {
    private val lumaAt = plan.offsets(frame.y)
    private val uAt = plan.offsets(frame.u, color.chromaShiftX, color.chromaShiftY)
    private val vAt = plan.offsets(frame.v, color.chromaShiftX, color.chromaShiftY)
    private val luma = IntArray(lumaAt.columns.size)
    private val u = IntArray(luma.size)
    private val v = IntArray(luma.size)

    fun fits(frame: Frame): Boolean = lumaAt.fits(frame.y) && uAt.fits(frame.u) && vAt.fits(frame.v)

    /** Row [row] of the needed grid, counted as in [Taps.both] of the rows. */
    fun read(
        frame: Frame,
        conversion: ColorConversion,
        row: Int,
        into: RgbRow,
    ) {
        gather(frame.y.data, lumaAt.columns, lumaAt.rows[row], luma)
        gather(frame.u.data, uAt.columns, uAt.rows[row], u)
        gather(frame.v.data, vAt.columns, vAt.rows[row], v)
        yuvToRgb(luma, u, v, conversion, color, into.red, into.green, into.blue)
    }
}

/** Reads the needed pixels of RGB pictures of one geometry. */
internal class RgbRowReader(
    frame: RgbFrame,
    plan: SourcePlan,
) {
    private val format = frame.format
    private val pixelsAt = plan.offsets(frame.rowStride, format.pixelBytes, start = 0)

    fun fits(frame: RgbFrame): Boolean =
        format == frame.format && pixelsAt.fits(frame.rowStride, format.pixelBytes, start = 0)

    /** Row [row] of the needed grid, counted as in [Taps.both] of the rows. */
    fun read(
        frame: RgbFrame,
        row: Int,
        into: RgbRow,
    ) {
        val start = pixelsAt.rows[row]
        gather(frame.pixels, pixelsAt.columns, start + format.red, into.red)
        gather(frame.pixels, pixelsAt.columns, start + format.green, into.green)
        gather(frame.pixels, pixelsAt.columns, start + format.blue, into.blue)
    }
}

/** The unsigned bytes at [positions], each counted from [start]. */
private fun gather(
    data: ByteBuffer,
    positions: IntArray,
    start: Int,
    samples: IntArray,
) {
    for (index in samples.indices) {
        samples[index] = data.get(start + positions[index]).toInt() and BYTE_MASK
    }
}
