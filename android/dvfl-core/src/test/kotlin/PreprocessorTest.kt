package io.github.dvfl

import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows
import java.lang.management.ManagementFactory
import java.nio.ByteBuffer

class PreprocessorTest {
    private val spec = PreprocessingSpec.default().withClip(frames = 2, size = 16)
    private val preprocessor = Preprocessor(spec)

    @Test
    fun `an output that is too short is refused`() {
        val out = ByteBuffer.allocate(preprocessor.frameBytes)
        val short = ByteBuffer.allocate(preprocessor.frameBytes - 1)
        assertMessage("output of 768 bytes at offset 0 does not fit a buffer of 767 bytes") {
            preprocessor.preprocess(frame(), short)
        }
        assertMessage("output of 768 bytes at offset 1 does not fit a buffer of 768 bytes") {
            preprocessor.preprocess(frame(), out, 1)
        }
        assertMessage("output of 768 bytes at offset -1 does not fit a buffer of 768 bytes") {
            preprocessor.preprocess(frame(), out, -1)
        }
        assertMessage("output of 768 bytes at offset 2147483647 does not fit a buffer of 768 bytes") {
            preprocessor.preprocess(frame(), out, Int.MAX_VALUE)
        }
    }

    @Test
    fun `a read-only output is refused`() {
        val out = ByteBuffer.allocate(preprocessor.frameBytes).asReadOnlyBuffer()
        assertMessage("the output buffer is read-only; give a writable one") {
            preprocessor.preprocess(frame(), out)
        }
    }

    @Test
    fun `a clip of another number of frames is refused`() {
        assertMessage("the model takes 2 frames, not 1") { preprocessor.clip(listOf(frame())) }
        assertMessage("the model takes 2 frames, not 3") { preprocessor.clip(List(3) { frame() }) }
        assertMessage("the model takes 2 frames, not 0") { preprocessor.clip(emptyList()) }
    }

    @Test
    fun `a clip keeps the times, and a repeated frame has the same bytes twice`() {
        val frame = frame(timeS = 1.5)
        val twice = preprocessor.clip(listOf(frame, frame))
        assertEquals(listOf(1.5, 1.5), twice.timesS)
        val once = preprocessed(frame, spec)
        assertArrayEquals(once + once, twice.pixels.bytes())
    }

    @Test
    fun `a frame of no or an absurd size is refused`() {
        for ((width, height) in listOf(0 to 8, 8 to 0, -1 to 8, 8 to 16_385, Int.MAX_VALUE to 8)) {
            assertMessage("frame size must be 1..16384 per side, not ${width}x$height") {
                frame(width = width, height = height)
            }
            assertMessage("frame size must be 1..16384 per side, not ${width}x$height") {
                RgbFrame(0.0, ByteBuffer.allocate(64), width, height, rowStride = 32)
            }
        }
    }

    @Test
    fun `a rotation by no quarter turn is refused`() {
        for (rotation in listOf(45, -90, 360)) {
            assertMessage("rotation must be 0, 90, 180 or 270 degrees, not $rotation") {
                frame(rotation = rotation)
            }
        }
    }

    @Test
    fun `a crop rectangle that leaves the frame is refused`() {
        val outside =
            listOf(
                Rect(-1, 0, 4, 4),
                Rect(0, -1, 4, 4),
                Rect(5, 0, 4, 4),
                Rect(0, 5, 4, 4),
                Rect(0, 0, 0, 4),
                Rect(0, 0, 4, 0),
                Rect(4, 4, Int.MAX_VALUE, 1),
            )
        for (crop in outside) {
            assertMessage("crop $crop does not lie inside the 8x8 frame") { frame(crop = crop) }
        }
    }

    @Test
    fun `a time that is no time is refused`() {
        for (time in listOf(Double.NaN, -0.1, Double.POSITIVE_INFINITY)) {
            assertMessage(
                "presentation time must be finite and 0 s or more, not $time",
            ) { frame(timeS = time) }
        }
    }

    @Test
    fun `strides and offsets that make no sense are refused`() {
        val data = ByteBuffer.allocate(64)
        assertMessage("strides must be positive, not 0 and 1") { Plane(data, 0) }
        assertMessage("strides must be positive, not 8 and -1") { Plane(data, 8, -1) }
        assertMessage("plane offset must be 0 or more, not -1") { Plane(data, 8, 1, -1) }
        assertMessage("row stride must be positive, not 0") { RgbFrame(0.0, data, 2, 2, rowStride = 0) }
    }

    @Test
    fun `a plane that is too short names itself and what it needs`() {
        assertMessage(
            "y plane of 8x8 samples with row stride 9, pixel stride 1 and offset 0 needs 71 bytes, " +
                "the buffer has 64",
        ) { frame(luma = Plane(ByteBuffer.allocate(64), 9)) }
        assertMessage("RGBA picture of 2x2 with row stride 8 needs 16 bytes, the buffer has 15") {
            RgbFrame(0.0, ByteBuffer.allocate(15), 2, 2)
        }
    }

    @Test
    fun `a matrix that the spec lacks is refused`() {
        val conversions = spec.color.conversions.filter { it.matrix == ColorMatrix.BT601 }
        val lacking = Preprocessor(spec.copy(color = spec.color.copy(conversions = conversions)))
        assertThrows<SpecException> {
            lacking.preprocess(frame(matrix = ColorMatrix.BT709), ByteBuffer.allocate(lacking.frameBytes))
        }
    }

    @Test
    fun `frames of one geometry allocate nothing`() {
        val threads = ManagementFactory.getThreadMXBean() as com.sun.management.ThreadMXBean
        val out = ByteBuffer.allocateDirect(preprocessor.frameBytes)
        val rgb = RgbFrame(0.0, ByteBuffer.allocateDirect(256), 8, 8)
        for (frame in listOf(frame(), rgb)) {
            repeat(100) { preprocessor.preprocess(frame, out) }
            val thread = Thread.currentThread().id
            // The JVM itself may allocate once, when it compiles; what a frame allocates is in every round.
            val perFrame =
                List(ROUNDS) {
                    val before = threads.getThreadAllocatedBytes(thread)
                    repeat(FRAMES) { preprocessor.preprocess(frame, out) }
                    (threads.getThreadAllocatedBytes(thread) - before).toDouble() / FRAMES
                }.min()
            assertTrue(perFrame < 1, "$perFrame bytes per frame")
        }
    }

    @Test
    fun `ten-bit samples of P010 lie at the top of 16 bits`() {
        val samples = buffer(byteArrayOf(0, 0, 0x40, 0, 0x80.toByte(), 0, 0xC0.toByte(), -1), direct = true)
        val out = ByteBuffer.allocate(4)
        tenToEightBits(samples, 4, out, spec.color, unusedLowBits = 6)
        assertArrayEquals(byteArrayOf(0, 0, 1, -1), out.bytes())
    }

    @Test
    fun `ten-bit buffers that are too short or read-only are refused`() {
        val out = ByteBuffer.allocate(2)
        assertMessage("2 10-bit samples need 4 bytes, the buffer has 3") {
            tenToEightBits(ByteBuffer.allocate(3), 2, out, spec.color)
        }
        assertMessage("output of 3 bytes at offset 0 does not fit a buffer of 2 bytes") {
            tenToEightBits(ByteBuffer.allocate(6), 3, out, spec.color)
        }
        assertMessage("the output buffer is read-only; give a writable one") {
            tenToEightBits(ByteBuffer.allocate(6), 2, out.asReadOnlyBuffer(), spec.color)
        }
        assertThrows<IllegalArgumentException> { tenToEightBits(out, -1, out, spec.color) }
        assertThrows<IllegalArgumentException> { tenToEightBits(out, 1, out, spec.color, unusedLowBits = 7) }
    }

    private fun frame(
        timeS: Double = 0.0,
        width: Int = 8,
        height: Int = 8,
        luma: Plane = Plane(ByteBuffer.allocate(64), 8),
        crop: Rect = Rect(0, 0, width, height),
        rotation: Int = 0,
        matrix: ColorMatrix? = null,
    ): Frame {
        val chroma = Plane(ByteBuffer.allocate(16), 4)
        return Frame(timeS, luma, chroma, chroma, width, height, crop, rotation, matrix = matrix)
    }

    private fun assertMessage(
        message: String,
        program: () -> Unit,
    ) = assertEquals(message, assertThrows<FrameException> { program() }.message)

    private companion object {
        const val FRAMES = 300
        const val ROUNDS = 3
    }
}
