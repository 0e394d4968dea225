package io.github.dvfl

/**
 * Where the needed samples of one plane lie: the one for column tap a and row tap b of output pixel (x, y) is byte
 * `columns[a][x] + rows[b][y]`. Rotation only exchanges which stride goes to columns and which to rows.
 */
internal class PlaneOffsets(
    private val rowStride: Int,
    private val pixelStride: Int,
    private val start: Int,
    val columns: List<IntArray>,
    val rows: List<IntArray>,
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

    val columnTaps: List<Tap> = columnTaps(frame.uprightWidth, frame.uprightHeight, spec)
    val rowTaps: List<Tap> = rowTaps(frame.uprightWidth, frame.uprightHeight, spec)

    // Undo the mirroring, then the clockwise rotation, then the crop rectangle: the table in spec/README.md.
    private val uprightWidth = frame.uprightWidth
    private val uprightHeight = frame.uprightHeight
    private val columnsReversed = mirrored != (rotation == 90 || rotation == 180)
    private val rowsReversed = rotation >= 180
    private val columnsStart = if (transposed) crop.top else crop.left
    private val rowsStart = if (transposed) crop.left else crop.top

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
        val columnShift = if (transposed) shiftY else shiftX
        val columnStride = if (transposed) rowStride else pixelStride
        val rowShift = if (transposed) shiftX else shiftY
        val downStride = if (transposed) pixelStride else rowStride

        return PlaneOffsets(
            rowStride,
            pixelStride,
            start,
            columnTaps.map { tap ->
                tap.positions.mapped { (storedColumn(it) shr columnShift) * columnStride }
            },
            rowTaps.map { tap -> tap.positions.mapped { start + (storedRow(it) shr rowShift) * downStride } },
        )
    }

    /** Along upright columns: a stored column, or a stored row if [transposed]. */
    private fun storedColumn(x: Int) = columnsStart + if (columnsReversed) uprightWidth - 1 - x else x

    private fun storedRow(y: Int) = rowsStart + if (rowsReversed) uprightHeight - 1 - y else y
}

private inline fun IntArray.mapped(transform: (Int) -> Int) = IntArray(size) { transform(this[it]) }
