package io.github.dvfl

import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows
import java.nio.ByteBuffer
import kotlin.random.Random

class PreprocessorPropertyTest {
    private val random = Random(20_260_101)
    private val frames = RandomFrames(random)
    private val preprocessors = mutableMapOf<Int, Preprocessor>()

    @Test
    fun `random frames give the bytes of the slow reference, at any offset of the output`() {
        val distinct = mutableSetOf<String>()
        repeat(CASES) {
            val case = frames.next()
            val preprocessor = preprocessorOf(random.nextInt(8, 65))
            val expected = slowReference(case.frame, preprocessor.spec)
            val before = random.nextInt(0, 9)
            val out =
                buffer(ByteArray(before + expected.size + AFTER) { MARK }, direct = random.nextBoolean())
            out.position(before / 2)
            preprocessor.preprocess(case.frame, out, before)
            val written = out.bytes()
            assertArrayEquals(expected, written.copyOfRange(before, before + expected.size), case.name)
            assertTrue((written.take(before) + written.takeLast(AFTER)).all { it == MARK }, case.name)
            assertEquals(before / 2, out.position())
            distinct += case.name
        }
        assertTrue(distinct.size > CASES - 10)
    }

    @Test
    fun `the next frames of a geometry give the bytes of the slow reference`() {
        repeat(200) {
            val case = frames.next()
            val preprocessor = preprocessorOf(random.nextInt(8, 33))
            val out = ByteBuffer.allocateDirect(preprocessor.frameBytes)
            preprocessor.preprocess(case.frame, out)
            val next = case.build(0, 0)
            val changed = if (next is Frame) next.y.data else (next as RgbFrame).pixels
            for (index in 0 until changed.limit()) changed.put(index, random.nextInt().toByte())
            preprocessor.preprocess(next, out)
            assertArrayEquals(slowReference(next, preprocessor.spec), out.bytes(), case.name)
        }
    }

    @Test
    fun `a buffer one byte too short is refused, when the frame is made and when it is read`() {
        repeat(300) {
            val case = frames.next()
            for (plane in 0 until case.planes) {
                assertThrows<FrameException>(case.name) { case.build(plane, 1) }
                val frame = case.build(0, 0)
                val data = frame.buffers()[plane]
                data.limit(data.limit() - 1)
                val preprocessor = preprocessorOf(8)
                assertThrows<FrameException>(case.name) {
                    preprocessor.preprocess(frame, ByteBuffer.allocate(preprocessor.frameBytes))
                }
            }
        }
    }

    @Test
    fun `camera frames at the full input size give the bytes of the slow reference`() {
        val spec = PreprocessingSpec.default()
        for ((width, height) in listOf(1920 to 1080, 479 to 639)) {
            val luma = buffer(random.nextBytes(width * height), direct = true)
            val chroma = buffer(random.nextBytes((width + 1) / 2 * ((height + 1) / 2)), direct = true)
            val y = Plane(luma, width)
            val uv = Plane(chroma, (width + 1) / 2)
            for (rotation in listOf(0, 90)) {
                val frame = Frame(0.0, y, uv, uv, width, height, rotation = rotation)
                assertArrayEquals(slowReference(frame, spec), preprocessed(frame, spec))
            }
        }
    }

    private fun preprocessorOf(size: Int) =
        preprocessors.getOrPut(size) { Preprocessor(PreprocessingSpec.default().withClip(size = size)) }

    private fun VideoFrame.buffers() =
        when (this) {
            is Frame -> listOf(y.data, u.data, v.data)
            is RgbFrame -> listOf(pixels)
        }

    private companion object {
        const val CASES = 3_200
        const val AFTER = 5
        const val MARK: Byte = 77
    }
}
