package io.github.dvfl

import java.nio.ByteBuffer

/** R, G and B of a row of n pixels. */
internal class RgbRow(
    size: Int,
) {
    val red: IntArray = IntArray(size)
    val green: IntArray = IntArray(size)
    val blue: IntArray = IntArray(size)
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
    private val luma = IntArray(lumaAt.columns[0].size)
    private val chroma = lumaAt.columns.map { ChromaRow(luma.size) }

    fun fits(frame: Frame): Boolean = lumaAt.fits(frame.y) && uAt.fits(frame.u) && vAt.fits(frame.v)

    /** To be called before the first [read] of each frame. */
    fun begin() {
        chroma[0].uStart = NOTHING
        chroma[1].uStart = NOTHING
    }

    /** The source pixels at a column tap and a row tap of output row [row]. */
    fun read(
        frame: Frame,
        conversion: ColorConversion,
        columnTap: Int,
        rowTap: Int,
        row: Int,
        into: RgbRow,
    ) {
        val chroma = chroma[columnTap]
        val uStart = uAt.rows[rowTap][row]
        // Two luma rows share a chroma row, so half of the time it is here already; U's row implies V's.
        if (chroma.uStart != uStart) {
            gather(frame.u.data, uAt.columns[columnTap], uStart, chroma.u)
            gather(frame.v.data, vAt.columns[columnTap], vAt.rows[rowTap][row], chroma.v)
            chroma.uStart = uStart
        }
        gather(frame.y.data, lumaAt.columns[columnTap], lumaAt.rows[rowTap][row], luma)
        yuvToRgb(luma, chroma.u, chroma.v, conversion, color, into)
    }

    /** U and V of n pixels, and the byte position that says which row of the plane they are of. */
    private class ChromaRow(
        size: Int,
    ) {
        val u = IntArray(size)
        val v = IntArray(size)
        var uStart = NOTHING
    }

    private companion object {
        const val NOTHING = -1
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

    /** The source pixels at a column tap and a row tap of output row [row]. */
    fun read(
        frame: RgbFrame,
        columnTap: Int,
        rowTap: Int,
        row: Int,
        into: RgbRow,
    ) {
        val columns = pixelsAt.columns[columnTap]
        val start = pixelsAt.rows[rowTap][row]
        gather(frame.pixels, columns, start + format.red, into.red)
        gather(frame.pixels, columns, start + format.green, into.green)
        gather(frame.pixels, columns, start + format.blue, into.blue)
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
