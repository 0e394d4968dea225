package io.github.dvfl.android

import android.graphics.Bitmap
import io.github.dvfl.FrameException
import io.github.dvfl.RgbFormat
import io.github.dvfl.RgbFrame
import java.nio.Buffer
import java.nio.ByteBuffer

/**
 * A copy of this bitmap's pixels as a frame; the bitmap may be changed or recycled afterwards. For many bitmaps
 * of one size, [BitmapFrames] copies into the same memory.
 *
 * @param timeS presentation time in seconds.
 * @param rotation clockwise degrees that show it upright: 0, 90, 180 or 270.
 * @param mirrored whether to flip it left-right after that.
 * @throws FrameException if the bitmap is recycled, or a value is not valid.
 */
public fun Bitmap.toFrame(
    timeS: Double,
    rotation: Int = 0,
    mirrored: Boolean = false,
): RgbFrame = BitmapFrames().frame(this, timeS, rotation, mirrored)

/**
 * Turns bitmaps into frames through one buffer that is kept: a frame is valid until the next call.
 *
 * `ARGB_8888` is copied as it is, R, G, B, A in memory; every other kind, `HARDWARE` too, is first drawn into one. Alpha is ignored,
 * and Android stores colours multiplied by it: give opaque bitmaps. Not thread-safe.
 */
public class BitmapFrames {
    private var buffer: ByteBuffer = ByteBuffer.allocateDirect(0)

    /**
     * [bitmap] as a frame whose pixels lie in this object's buffer.
     *
     * @throws FrameException as [toFrame].
     */
    public fun frame(
        bitmap: Bitmap,
        timeS: Double,
        rotation: Int = 0,
        mirrored: Boolean = false,
    ): RgbFrame {
        if (bitmap.isRecycled) throw FrameException("bitmap is recycled; make the frame before recycle()")
        if (bitmap.config == Bitmap.Config.ARGB_8888) return copy(bitmap, timeS, rotation, mirrored)
        // Null for a bitmap without memory for a copy, whatever the annotation says.
        val drawn: Bitmap? = bitmap.copy(Bitmap.Config.ARGB_8888, false)
        if (drawn == null) {
            throw FrameException(
                "bitmap of ${bitmap.config} cannot be copied to ARGB_8888: too little memory",
            )
        }
        try {
            return copy(drawn, timeS, rotation, mirrored)
        } finally {
            drawn.recycle()
        }
    }

    private fun copy(
        bitmap: Bitmap,
        timeS: Double,
        rotation: Int,
        mirrored: Boolean,
    ): RgbFrame {
        val needed = bitmap.rowBytes * bitmap.height
        if (buffer.capacity() < needed) buffer = ByteBuffer.allocateDirect(needed)
        whole(buffer)
        bitmap.copyPixelsToBuffer(buffer)
        whole(buffer)
        return RgbFrame(
            timeS = timeS,
            pixels = buffer,
            width = bitmap.width,
            height = bitmap.height,
            format = RgbFormat.RGBA,
            rowStride = bitmap.rowBytes,
            rotation = rotation,
            mirrored = mirrored,
        )
    }
}

/** Typed as a Buffer: below API 28 a ByteBuffer has no `clear` of its own. */
private fun whole(buffer: Buffer) {
    buffer.clear()
}
