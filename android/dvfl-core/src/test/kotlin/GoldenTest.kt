package io.github.dvfl

import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.DynamicTest
import org.junit.jupiter.api.DynamicTest.dynamicTest
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.TestFactory
import java.nio.ByteBuffer
import java.util.zip.GZIPInputStream

class GoldenTest {
    private val index = Golden.index
    private val spec = PreprocessingSpec.default()

    @Test
    fun `the index names the spec and the binary files it was made with`() {
        assertEquals(1, index.format)
        assertEquals(index.specSha256, sha256(root.resolve("spec/preprocessing.json")))
        assertEquals(index.inputsSha256, sha256(Golden.folder.resolve(index.inputs)))
        assertEquals(index.expectedSha256, sha256(Golden.folder.resolve(index.expected)))
    }

    @Test
    fun `no list of the index is empty, and both kinds of frames occur`() {
        assertEquals(FrameCase.Kind.entries.toSet(), index.frameCases.map { it.kind }.toSet())
        val lists = listOf(index.clipCases, index.clipIndexCases, index.windowIndexCases, index.colorCases)
        assertTrue(lists.all { it.isNotEmpty() })
    }

    @TestFactory
    fun `a frame equals its golden vector`(): List<DynamicTest> =
        index.frameCases.flatMap { case ->
            Storage.entries.map { storage ->
                dynamicTest("${case.name} $storage") {
                    assertEquals(case.shortSide, case.spec.resize.shortSide)
                    for (direct in listOf(false, true)) {
                        assertArrayEquals(
                            case.expectedBytes(),
                            preprocessed(case.frame(storage), case.spec, direct),
                        )
                    }
                }
            }
        }

    @Test
    fun `one preprocessor gives every golden vector, whatever frame came before`() {
        for ((size, cases) in index.frameCases.groupBy { it.size }) {
            val preprocessor = Preprocessor(spec.withClip(size = size))
            val out = ByteBuffer.allocateDirect(preprocessor.frameBytes)
            for (case in cases + cases.reversed()) {
                preprocessor.preprocess(case.frame(), out)
                assertArrayEquals(case.expectedBytes(), out.bytes(), case.name)
            }
        }
    }

    @TestFactory
    fun `a clip equals its golden vector`(): List<DynamicTest> =
        index.clipCases.map { case ->
            dynamicTest(case.name) {
                val preprocessor = Preprocessor(spec.withClip(frames = case.frames.size, size = case.size))
                val clip = preprocessor.clip(case.frames.map { Golden.frameCase(it).frame() })
                assertEquals(case.shape, listOf(clip.frames, clip.height, clip.width, CHANNELS))
                assertTrue(clip.pixels.isDirect)
                assertArrayEquals(case.expected.of(Golden.expected), clip.pixels.bytes())
            }
        }

    @Test
    fun `clip indices equal their golden vectors`() {
        for (case in index.clipIndexCases) {
            val indices = clipFrameIndices(case.frameCount, spec.withClip(frames = case.frames))
            assertEquals(case.indices, indices.toList(), "$case")
        }
    }

    @TestFactory
    fun `window indices equal their golden vectors`(): List<DynamicTest> =
        index.windowIndexCases.map { case ->
            dynamicTest(case.name) {
                val spec = spec.withClip(frames = case.frames)
                val times = case.timestamps.toDoubleArray()
                val indices = windowFrameIndices(times, case.windowEndS, case.windowS, spec)
                assertEquals(case.indices, indices.toList())
            }
        }

    @TestFactory
    fun `color points equal their golden vectors`(): List<DynamicTest> =
        index.colorCases.map { case ->
            dynamicTest("${case.matrix} ${case.range}") {
                val bytes = case.yuv.of(Golden.inputs)
                assertEquals(case.count * CHANNELS, bytes.size)

                fun channel(which: Int) =
                    IntArray(case.count) { bytes[it * CHANNELS + which].toInt() and 0xFF }
                val rgb = RgbRow(case.count)
                val conversion = spec.color.conversion(case.matrix, case.range)
                yuvToRgb(channel(0), channel(1), channel(2), conversion, spec.color, rgb)
                val result =
                    ByteArray(bytes.size) {
                        listOf(rgb.red, rgb.green, rgb.blue)[it % CHANNELS][it / CHANNELS].toByte()
                    }
                assertArrayEquals(case.expected.of(Golden.expected), result)
            }
        }

    @Test
    fun `ten bit samples equal their golden vector`() {
        val case = index.tenBitCase
        for (direct in listOf(false, true)) {
            val out = buffer(ByteArray(case.count), direct)
            tenToEightBits(buffer(case.samples.of(Golden.inputs), direct), case.count, out, spec.color)
            assertArrayEquals(case.expected.of(Golden.expected), out.bytes())
        }
    }

    @Test
    fun `the indices of the real clip are the golden ones`() {
        val real = index.realClip
        assertEquals(real.sha256, sha256(root.resolve(real.file)))
        assertEquals(real.indices, clipFrameIndices(real.frameCount, spec).toList())
        assertEquals(real.indices, real.decodedFrames.map { it.index })
    }

    @Test
    fun `the planes of the real clip become the golden tensor`() {
        val real = index.realClip
        val packed = root.resolve("spec/golden/${real.planes.file}")
        val raw = GZIPInputStream(packed.inputStream()).use { it.readBytes() }
        assertEquals(real.planes.length, raw.size)
        assertEquals(real.planes.sha256, sha256(raw))
        val planes = buffer(raw, direct = true)
        var offset = 0

        fun plane(
            width: Int,
            height: Int,
        ) = Plane(planes, rowStride = width, offset = offset).also { offset += width * height }

        val frames =
            real.decodedFrames.map {
                val y = plane(it.width, it.height)
                val u = plane((it.width + 1) / 2, (it.height + 1) / 2)
                val v = plane((it.width + 1) / 2, (it.height + 1) / 2)
                Frame(it.timeS, y, u, v, it.width, it.height, matrix = it.matrix, range = it.range)
            }
        assertEquals(raw.size, offset)
        assertEquals(real.tensor.sha256, sha256(Preprocessor(spec).clip(frames).pixels.bytes()))
    }
}
