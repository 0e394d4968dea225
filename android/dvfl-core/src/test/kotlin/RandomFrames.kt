package io.github.dvfl

import java.nio.ByteBuffer
import kotlin.random.Random

/** Random frames of every layout, and the same frames with one byte taken away. */
class RandomFrames(
    private val random: Random,
) {
    /** [build] makes the frame again, with some bytes missing at the end of one of its [planes]. */
    class Case(
        val name: String,
        val build: (missingIn: Int, missing: Int) -> VideoFrame,
        val planes: Int,
    ) {
        val frame: VideoFrame = build(0, 0)
    }

    fun next(): Case = if (random.nextInt(4) == 0) rgb() else yuv()

    fun size(): Int = if (random.nextInt(50) == 0) random.nextInt(200, 2001) else random.nextInt(1, 201)

    private class Geometry(
        val width: Int,
        val height: Int,
        val crop: Rect,
        val rotation: Int,
        val mirrored: Boolean,
    ) {
        override fun toString() = "${width}x$height $crop turned $rotation mirrored $mirrored"
    }

    private fun geometry(): Geometry {
        val height = size()
        // The whole-frame reference is slow for ribbons: at most 40 times longer than wide.
        val width = size().coerceIn((height + RIBBON - 1) / RIBBON, height * RIBBON)
        return Geometry(width, height, crop(width, height), 90 * random.nextInt(4), random.nextBoolean())
    }

    private fun crop(
        width: Int,
        height: Int,
    ): Rect {
        if (random.nextInt(3) == 0) return Rect(0, 0, width, height)
        val w = random.nextInt((width + 1) / 2, width + 1)
        val h = random.nextInt((height + 1) / 2, height + 1)
        return Rect(random.nextInt(width - w + 1), random.nextInt(height - h + 1), w, h)
    }

    private class Layout(
        val offset: Int,
        val rowStride: Int,
        val pixelStride: Int,
        val bytes: ByteArray,
        val direct: Boolean,
    ) {
        fun plane(missing: Int) = Plane(storage(missing), rowStride, pixelStride, offset)

        /** Position and byte order are nothing to go by. */
        fun storage(missing: Int): ByteBuffer =
            buffer(bytes.copyOf(bytes.size - missing), direct).apply { position(limit() / 2) }

        override fun toString() = "offset $offset rows $rowStride pixels $pixelStride direct $direct"
    }

    private fun layout(
        width: Int,
        height: Int,
        pixelStride: Int,
    ): Layout {
        val rowStride = (width - 1) * pixelStride + 1 + random.nextInt(0, 20)
        val offset = if (random.nextBoolean()) 0 else random.nextInt(1, 50)
        val bytes = ByteArray(offset + (height - 1) * rowStride + (width - 1) * pixelStride + 1)
        return Layout(offset, rowStride, pixelStride, noise(bytes), random.nextBoolean())
    }

    /** Half of the frames are of extreme values, where clamping matters. */
    private fun noise(bytes: ByteArray): ByteArray {
        random.nextBytes(bytes)
        if (random.nextBoolean()) for (index in bytes.indices) bytes[index] = if (bytes[index] < 0) 0 else -1
        return bytes
    }

    private fun yuv(): Case {
        val at = geometry()
        val width = (at.width + 1) / 2
        val height = (at.height + 1) / 2
        val y =
            layout(
                at.width,
                at.height,
                pixelStride =
                    if (random.nextInt(4) ==
                        0
                    ) {
                        random.nextInt(1, 4)
                    } else {
                        1
                    },
            )
        val u = layout(width, height, random.nextInt(1, 4))
        // Often unlike U's strides.
        val v = layout(width, height, random.nextInt(1, 4))
        val matrix = (ColorMatrix.entries + null).random(random)
        val range = (ColorRange.entries + null).random(random)
        return Case("YUV $at y[$y] u[$u] v[$v] $matrix $range", planes = 3, build = { plane, missing ->
            fun missing(which: Int) = if (which == plane) missing else 0
            Frame(
                0.0,
                y.plane(missing(0)),
                u.plane(missing(1)),
                v.plane(missing(2)),
                at.width,
                at.height,
                at.crop,
                at.rotation,
                at.mirrored,
                matrix,
                range,
            )
        })
    }

    private fun rgb(): Case {
        val at = geometry()
        val format = RgbFormat.entries.random(random)
        val rowStride = at.width * format.pixelBytes + random.nextInt(0, 20)
        val bytes = noise(ByteArray((at.height - 1) * rowStride + at.width * format.pixelBytes))
        val pixels = Layout(0, rowStride, format.pixelBytes, bytes, random.nextBoolean())
        return Case("$format $at [$pixels]", planes = 1, build = { _, missing ->
            RgbFrame(
                0.0,
                pixels.storage(missing),
                at.width,
                at.height,
                format,
                rowStride,
                at.crop,
                at.rotation,
                at.mirrored,
            )
        })
    }

    private companion object {
        const val RIBBON = 40
    }
}
