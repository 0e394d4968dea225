package io.github.dvfl.android

import android.graphics.ImageFormat
import android.media.Image
import android.os.Build
import io.github.dvfl.ColorMatrix
import io.github.dvfl.ColorRange
import io.github.dvfl.Frame
import io.github.dvfl.FrameException
import io.github.dvfl.Plane
import io.github.dvfl.Rect
import java.nio.ByteBuffer

internal const val NANOSECONDS: Double = 1e9

/**
 * This `YUV_420_888` image as a frame, without a copy: the frame reads the image's memory, so use it before
 * `Image.close()`. Strides, crop rectangle and orientation are taken as they are; nothing is converted.
 *
 * Colour: an argument wins; else the image's own data space (Android 13, API 33, and later); else the spec's
 * default, BT.601 limited. Android hands camera images over as JFIF, BT.601 in the *full* range, so below
 * API 33 pass [ColorRange.FULL] for a camera, as [CameraFrames] does.
 *
 * May be called on any thread; the image must stay open and on one thread meanwhile.
 *
 * @param rotation clockwise degrees that show it upright: 0, 90, 180 or 270; see [cameraOrientation].
 * @param mirrored whether to flip it left-right after that.
 * @param timeS presentation time in seconds; the image's own time stamp unless given.
 * @throws FrameException for another format, HDR or BT.2020 colours, or sizes that contradict each other.
 */
public fun Image.toFrame(
    rotation: Int = 0,
    mirrored: Boolean = false,
    matrix: ColorMatrix? = null,
    range: ColorRange? = null,
    timeS: Double = timestamp / NANOSECONDS,
): Frame = frameOf(rotation, mirrored, colorTags().overriddenBy(matrix, range), timeS)

/** What the image says of its colours, which it can since API 33. */
internal fun Image.colorTags(): ColorTags =
    if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.TIRAMISU) dataSpaceTags() else ColorTags()

/** The image as a frame with [tags], whatever it says itself. */
internal fun Image.frameOf(
    rotation: Int,
    mirrored: Boolean,
    tags: ColorTags,
    timeS: Double,
): Frame {
    if (tags.refusal != null) throw FrameException("image ${tags.refusal}")
    if (format != ImageFormat.YUV_420_888) {
        throw FrameException(
            "image has the format 0x${format.toString(16)}, only 8-bit YUV_420_888 is defined; " +
                "ask the camera or decoder for it",
        )
    }
    val (y, u, v) = planes.map { Plane(it.buffer.fromStart(), it.rowStride, it.pixelStride) }
    val crop = cropRect
    return Frame(
        timeS = timeS,
        y = y,
        u = u,
        v = v,
        width = width,
        height = height,
        crop = Rect(crop.left, crop.top, crop.width(), crop.height()),
        rotation = rotation,
        mirrored = mirrored,
        matrix = tags.matrix,
        range = tags.range,
    )
}

/** Android gives the plane from the buffer's position, a [Plane] counts from 0. */
private fun ByteBuffer.fromStart(): ByteBuffer = if (position() == 0) this else slice()

@SinceApi(33)
private fun Image.dataSpaceTags(): ColorTags = imageColorTags(dataSpace)
