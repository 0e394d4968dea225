package io.github.dvfl

import java.nio.ByteBuffer

/** A rectangle in stored pixels. */
public data class Rect(
    val left: Int,
    val top: Int,
    val width: Int,
    val height: Int,
)

/**
 * One plane of 8-bit samples. Sample (x, y) is the byte at [offset] + y * [rowStride] + x * [pixelStride] of
 * [data], counted from position 0; the buffer's position is neither read nor changed. The buffer may end right
 * after the last sample, as the last row of an `android.media.Image` does. Two planes may share one
 * interleaved buffer: for NV21 with its V, U pairs in `vu`, `Plane(vu, stride, 2)` is V and
 * `Plane(vu, stride, 2, offset = 1)` is U.
 *
 * @throws FrameException from the constructor, if a stride is less than 1 or the offset is negative.
 */
public class Plane(
    public val data: ByteBuffer,
    public val rowStride: Int,
    public val pixelStride: Int = 1,
    public val offset: Int = 0,
) {
    init {
        if (rowStride < 1 || pixelStride < 1) {
            throw FrameException("strides must be positive, not $rowStride and $pixelStride")
        }
        if (offset < 0) throw FrameException("plane offset must be 0 or more, not $offset")
    }

    internal fun requireSamples(
        name: String,
        width: Int,
        height: Int,
    ) {
        val needed = offset + (height - 1L) * rowStride + (width - 1L) * pixelStride + 1
        if (data.limit() < needed) {
            throw FrameException(
                "$name plane of ${width}x$height samples with row stride $rowStride, pixel stride " +
                    "$pixelStride and offset $offset needs $needed bytes, the buffer has ${data.limit()}",
            )
        }
    }
}

/**
 * A picture as a camera or decoder gives it, with everything needed to show it upright: [crop] (stored pixels)
 * is cut out first, then turned clockwise by [rotation] degrees, then, if [mirrored], flipped left-right.
 *
 * Pixels are read by the call that takes the frame and not kept, so the buffers may be reused after it.
 */
public sealed interface VideoFrame {
    /** Presentation time in seconds; finite, 0 or more. */
    public val timeS: Double

    /** Stored width in pixels. */
    public val width: Int

    /** Stored height in pixels. */
    public val height: Int

    /** The part to use, in stored pixels; the whole frame unless said otherwise. */
    public val crop: Rect

    /** Clockwise, in degrees: 0, 90, 180 or 270. */
    public val rotation: Int

    /** Whether to flip left-right, as for a front camera; after the rotation. */
    public val mirrored: Boolean
}

/** Width as shown, after crop rectangle and rotation. */
internal val VideoFrame.uprightWidth: Int get() = if (rotation % 180 == 0) crop.width else crop.height

/** Height as shown, after crop rectangle and rotation. */
internal val VideoFrame.uprightHeight: Int get() = if (rotation % 180 == 0) crop.height else crop.width

/**
 * A YUV 4:2:0 frame. [width] and [height] count luma samples; chroma planes have `(n + 1) / 2` samples per side.
 *
 * @property matrix null if the source doesn't say; preprocessing then takes the spec's default.
 * @property range null if the source doesn't say.
 * @throws FrameException from the constructor, if a plane is too short, or the size, crop rectangle, rotation or
 *   time is not valid.
 */
public class Frame(
    override val timeS: Double,
    public val y: Plane,
    public val u: Plane,
    public val v: Plane,
    override val width: Int,
    override val height: Int,
    override val crop: Rect = Rect(0, 0, width, height),
    override val rotation: Int = 0,
    override val mirrored: Boolean = false,
    public val matrix: ColorMatrix? = null,
    public val range: ColorRange? = null,
) : VideoFrame {
    init {
        checkGeometry()
        requireSamples()
    }

    /** Also before reading: a buffer's limit can change after the frame was made. */
    internal fun requireSamples() {
        y.requireSamples("y", width, height)
        u.requireSamples("u", (width + 1) / 2, (height + 1) / 2)
        v.requireSamples("v", (width + 1) / 2, (height + 1) / 2)
    }
}

/** Where the channels of one stored RGB pixel lie, in bytes in memory order. */
public enum class RgbFormat(
    /** Bytes of one pixel. */
    public val pixelBytes: Int,
    internal val red: Int,
    internal val green: Int,
    internal val blue: Int,
) {
    /** R, G, B. */
    RGB(3, 0, 1, 2),

    /** R, G, B, A: what `Bitmap.copyPixelsToBuffer` writes for `ARGB_8888`. */
    RGBA(4, 0, 1, 2),

    /** B, G, R, A: packed `0xAARRGGBB` ints in a little-endian buffer, as `Bitmap.getPixels` gives them. */
    BGRA(4, 2, 1, 0),
}

/**
 * An RGB picture. Pixel (x, y) begins at byte y * [rowStride] + x * [RgbFormat.pixelBytes] of [pixels], counted
 * from position 0. Alpha is ignored.
 *
 * @throws FrameException from the constructor, if the buffer is too short, or the size, crop rectangle, rotation
 *   or time is not valid.
 */
public class RgbFrame(
    override val timeS: Double,
    public val pixels: ByteBuffer,
    override val width: Int,
    override val height: Int,
    public val format: RgbFormat = RgbFormat.RGBA,
    public val rowStride: Int = width * format.pixelBytes,
    override val crop: Rect = Rect(0, 0, width, height),
    override val rotation: Int = 0,
    override val mirrored: Boolean = false,
) : VideoFrame {
    init {
        checkGeometry()
        if (rowStride < 1) throw FrameException("row stride must be positive, not $rowStride")
        requirePixels()
    }

    /** Also before reading: the buffer's limit can change after the frame was made. */
    internal fun requirePixels() {
        val needed = (height - 1L) * rowStride + width.toLong() * format.pixelBytes
        if (pixels.limit() < needed) {
            throw FrameException(
                "$format picture of ${width}x$height with row stride $rowStride needs $needed bytes, " +
                    "the buffer has ${pixels.limit()}",
            )
        }
    }
}

/** A larger frame is a mistake, and its byte positions may not fit an Int. */
private const val MOST_PIXELS_PER_SIDE = 1 shl 14

private fun VideoFrame.checkGeometry() {
    checkTime(timeS)
    if (width !in 1..MOST_PIXELS_PER_SIDE || height !in 1..MOST_PIXELS_PER_SIDE) {
        throw FrameException("frame size must be 1..$MOST_PIXELS_PER_SIDE per side, not ${width}x$height")
    }
    if (rotation !in QUARTER_TURNS) {
        throw FrameException("rotation must be 0, 90, 180 or 270 degrees, not $rotation")
    }
    val inside =
        crop.left >= 0 && crop.top >= 0 && crop.width >= 1 && crop.height >= 1 &&
            crop.left.toLong() + crop.width <= width && crop.top.toLong() + crop.height <= height
    if (!inside) throw FrameException("crop $crop does not lie inside the ${width}x$height frame")
}

internal fun checkTime(timeS: Double) {
    if (!timeS.isFinite() || timeS < 0) {
        throw FrameException("presentation time must be finite and 0 s or more, not $timeS")
    }
}
