package io.github.dvfl

import java.nio.ByteBuffer

/**
 * Frames to the model's uint8 input, in one pass that reads and converts only the source pixels the crop needs:
 * four per output pixel.
 *
 * Not thread-safe: it keeps scratch memory, and the positions for the geometry of the last frame. While size, crop
 * rectangle, rotation, mirroring and strides stay the same, [preprocess] allocates nothing. Buffers of frames and
 * outputs may be direct or not; their position and limit are never changed, and no buffer is kept.
 */
public class Preprocessor(
    public val spec: PreprocessingSpec,
) {
    /** Bytes of one preprocessed frame: size * size * 3. */
    public val frameBytes: Int = spec.crop.size * spec.crop.size * CHANNELS

    private val size = spec.crop.size
    private val first = RgbRow(size)
    private val second = RgbRow(size)
    private val above = RgbRow(size)
    private val below = RgbRow(size)
    private var lastPlan: SourcePlan? = null
    private var lastYuvReader: YuvRowReader? = null
    private var lastRgbReader: RgbRowReader? = null

    /**
     * One frame through crop rectangle, rotation, mirroring, short-side resize and centre crop.
     *
     * @param out receives [frameBytes] bytes, `[size, size, 3]`, RGB, at [offset], counted from position 0.
     * @throws FrameException if [out] is too short or read-only, or a buffer of the frame became shorter.
     * @throws SpecException if the spec has no conversion for the frame's matrix and range.
     */
    public fun preprocess(
        frame: VideoFrame,
        out: ByteBuffer,
        offset: Int = 0,
    ) {
        requireWritable(out, offset, frameBytes)
        val plan = planFor(frame)
        when (frame) {
            is Frame -> {
                frame.requireSamples()
                val reader = readerFor(frame, plan)
                reader.begin()
                val conversion = spec.color.conversion(frame.matrix, frame.range)
                eachRow(plan, out, offset) { columnTap, rowTap, row, into ->
                    reader.read(frame, conversion, columnTap, rowTap, row, into)
                }
            }

            is RgbFrame -> {
                frame.requirePixels()
                val reader = readerFor(frame, plan)
                eachRow(plan, out, offset) { columnTap, rowTap, row, into ->
                    reader.read(frame, columnTap, rowTap, row, into)
                }
            }
        }
    }

    /**
     * Already sampled frames, in order, as a clip in a new direct buffer.
     *
     * @throws FrameException if the number of frames is not the spec's, or a buffer of a frame became shorter.
     * @throws SpecException if the spec has no conversion for a frame's matrix and range.
     */
    public fun clip(frames: List<VideoFrame>): Clip {
        if (frames.size != spec.temporal.frames) {
            throw FrameException("the model takes ${spec.temporal.frames} frames, not ${frames.size}")
        }
        val pixels = ByteBuffer.allocateDirect(frames.size * frameBytes)
        frames.forEachIndexed { index, frame ->
            // A short clip repeats frames; each is converted once.
            if (index > 0 && frame === frames[index - 1]) {
                repeatFrame(pixels, index)
            } else {
                preprocess(frame, pixels, index * frameBytes)
            }
        }
        return Clip(pixels, frames.size, size, size, frames.map { it.timeS })
    }

    private inline fun eachRow(
        plan: SourcePlan,
        out: ByteBuffer,
        offset: Int,
        read: (columnTap: Int, rowTap: Int, row: Int, into: RgbRow) -> Unit,
    ) {
        for (row in 0 until size) {
            read(FIRST, FIRST, row, first)
            read(SECOND, FIRST, row, second)
            blendAcross(plan.columnTaps, above)
            read(FIRST, SECOND, row, first)
            read(SECOND, SECOND, row, second)
            blendAcross(plan.columnTaps, below)
            blendDown(plan.rowTaps[FIRST].weights[row], plan.rowTaps[SECOND].weights[row])
            store(out, offset + row * size * CHANNELS)
        }
    }

    private fun blendAcross(
        taps: List<Tap>,
        across: RgbRow,
    ) {
        val firstWeights = taps[FIRST].weights
        val secondWeights = taps[SECOND].weights
        val shift = spec.resize.horizontalShift
        blendAcross(first.red, second.red, firstWeights, secondWeights, shift, across.red)
        blendAcross(first.green, second.green, firstWeights, secondWeights, shift, across.green)
        blendAcross(first.blue, second.blue, firstWeights, secondWeights, shift, across.blue)
    }

    private fun blendDown(
        aboveWeight: Int,
        belowWeight: Int,
    ) {
        blendDown(above.red, below.red, aboveWeight, belowWeight, spec.resize)
        blendDown(above.green, below.green, aboveWeight, belowWeight, spec.resize)
        blendDown(above.blue, below.blue, aboveWeight, belowWeight, spec.resize)
    }

    private fun store(
        out: ByteBuffer,
        start: Int,
    ) {
        val red = above.red
        val green = above.green
        val blue = above.blue
        var position = start
        for (x in 0 until size) {
            out.put(position, red[x].toByte())
            out.put(position + 1, green[x].toByte())
            out.put(position + 2, blue[x].toByte())
            position += CHANNELS
        }
    }

    private fun planFor(frame: VideoFrame): SourcePlan {
        lastPlan?.let { if (it.fits(frame)) return it }
        lastYuvReader = null
        lastRgbReader = null
        return SourcePlan(frame, spec).also { lastPlan = it }
    }

    private fun readerFor(
        frame: Frame,
        plan: SourcePlan,
    ): YuvRowReader {
        lastYuvReader?.let { if (it.fits(frame)) return it }
        return YuvRowReader(frame, plan, spec.color).also { lastYuvReader = it }
    }

    private fun readerFor(
        frame: RgbFrame,
        plan: SourcePlan,
    ): RgbRowReader {
        lastRgbReader?.let { if (it.fits(frame)) return it }
        return RgbRowReader(frame, plan).also { lastRgbReader = it }
    }

    private fun repeatFrame(
        pixels: ByteBuffer,
        index: Int,
    ) {
        val start = index * frameBytes
        for (position in start until start + frameBytes) {
            pixels.put(position, pixels.get(position - frameBytes))
        }
    }
}

/** Places in a list of two taps. */
private const val FIRST = 0
private const val SECOND = 1
