package io.github.dvfl

/**
 * Where the needed samples of one plane lie: the one at column `c` and row `r` of the needed grid is byte
 * `columns[c] + rows[r]`. Rotation only exchanges which stride goes to which of the two.
 */
internal class PlaneOffsets(
    private val rowStride: Int,
    private val pixelStride: Int,
    private val start: Int,
    val columns: IntArray,
    val rows: IntArray,
) {
    fun fits(plane: Plane): Boolean = fits(plane.rowStride, plane.pixelStride, plane.offset)

    fun fits(
        rowStride: Int,
        pixelStride: Int,
        start: Int,
    ): Boolean = this.rowStride == rowStride && this.pixelStride == pixelStride && this.start == start
}

/** What is the same for all frames of one geometry: weights, and the stored positions behind the output. */
internal class SourcePlan(
    frame: VideoFrame,
    spec: PreprocessingSpec,
) {
    private val width = frame.width
    private val height = frame.height
    private val crop = frame.crop
    private val rotation = frame.rotation
    private val mirrored = frame.mirrored

    /** Whether a stored row is an upright column. */
    private val transposed = rotation % 180 != 0

    val columnTaps: Taps = columnTaps(frame.uprightWidth, frame.uprightHeight, spec)
    val rowTaps: Taps = rowTaps(frame.uprightWidth, frame.uprightHeight, spec)

    // Undoes the mirroring, then the clockwise rotation, then the crop rectangle: see the table in spec/README.md.
    private val columnPositions =
        stored(
            columnTaps.both,
            start = if (transposed) crop.top else crop.left,
            length = frame.uprightWidth,
            reversed = mirrored != (rotation == 90 || rotation == 180),
        )
    private val rowPositions =
        stored(
            rowTaps.both,
            start = if (transposed) crop.left else crop.top,
            length = frame.uprightHeight,
            reversed = rotation >= 180,
        )

    fun fits(frame: VideoFrame): Boolean =
        width == frame.width && height == frame.height && crop == frame.crop &&
            rotation == frame.rotation && mirrored == frame.mirrored

    fun offsets(
        plane: Plane,
        shiftX: Int = 0,
        shiftY: Int = 0,
    ): PlaneOffsets = offsets(plane.rowStride, plane.pixelStride, plane.offset, shiftX, shiftY)

    /** @param shiftX a plane of half the width has 1, one of full width 0; [shiftY] likewise. */
    fun offsets(
        rowStride: Int,
        pixelStride: Int,
        start: Int,
        shiftX: Int = 0,
        shiftY: Int = 0,
    ): PlaneOffsets {
        val alongRow = { position: Int -> (position shr shiftX) * pixelStride }
        val alongColumn = { position: Int -> (position shr shiftY) * rowStride }
        val ofColumns = if (transposed) alongColumn else alongRow
        val ofRows = if (transposed) alongRow else alongColumn
        return PlaneOffsets(
            rowStride,
            pixelStride,
            start,
            columns = columnPositions.mapped(ofColumns),
            rows = rowPositions.mapped { start + ofRows(it) },
        )
    }
}

private inline fun IntArray.mapped(transform: (Int) -> Int) = IntArray(size) { transform(this[it]) }

private fun stored(
    upright: IntArray,
    start: Int,
    length: Int,
    reversed: Boolean,
) = upright.mapped { start + if (reversed) length - 1 - it else it }
