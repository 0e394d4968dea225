package io.github.dvfl.android

import android.graphics.ImageFormat
import android.graphics.Rect
import android.hardware.DataSpace
import android.media.Image
import java.nio.ByteBuffer

/** A camera's image of 8 x 6 with padded rows and U, V in pairs; its buffers don't begin at position 0. */
internal class FakeImage(
    private val format: Int = ImageFormat.YUV_420_888,
    private val dataSpace: Int = DataSpace.DATASPACE_UNKNOWN,
    private val timestampNs: Long = 2_500_000_000,
) : Image() {
    var closed = false

    init {
        mIsImageValid = true
    }

    override fun getFormat() = format

    override fun getWidth() = 8

    override fun getHeight() = 6

    override fun getTimestamp() = timestampNs

    override fun getTransform() = 0

    override fun getScalingMode() = 0

    override fun getDataSpace() = dataSpace

    override fun getCropRect() = Rect(2, 1, 7, 5)

    override fun getPlanes(): Array<Plane> {
        val luma = ByteBuffer.allocateDirect(3 + 60).put(3, 11)
        val pairs = ByteBuffer.allocateDirect(3 + 37).put(3, 77).put(4, 88)
        return arrayOf(
            FakePlane(luma.from(3), 10, 1),
            FakePlane(pairs.from(3), 12, 2),
            FakePlane(pairs.duplicate().from(4), 12, 2),
        )
    }

    override fun close() {
        closed = true
    }

    private fun ByteBuffer.from(position: Int): ByteBuffer = apply { position(position) }

    private class FakePlane(
        private val data: ByteBuffer,
        private val rows: Int,
        private val pixels: Int,
    ) : Plane() {
        override fun getRowStride() = rows

        override fun getPixelStride() = pixels

        override fun getBuffer() = data
    }
}
