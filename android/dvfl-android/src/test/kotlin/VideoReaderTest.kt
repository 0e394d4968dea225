package io.github.dvfl.android

import io.github.dvfl.Clip
import io.github.dvfl.FrameException
import io.github.dvfl.PreprocessingSpec
import io.github.dvfl.RgbFormat
import io.github.dvfl.RgbFrame
import io.github.dvfl.VideoException
import io.github.dvfl.VideoFrame
import io.github.dvfl.clipFrameIndices
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Test
import java.nio.ByteBuffer

class VideoReaderTest {
    private val spec = PreprocessingSpec.default().withClip(frames = 4, size = 2)

    @Test
    fun `frames are those of the rule, in presentation order`() {
        val clip = read(FakeVideo(times(23)))
        val indices = clipFrameIndices(23, spec).toList()
        assertEquals(indices, clip.shades())
        assertEquals(indices.map { it * STEP / 1e6 }, clip.timesS)
    }

    @Test
    fun `a decoder that gives B-frames in the file's order changes nothing`() {
        val stored = times(23).toList().chunked(3).flatMap { it.reversed() }
        assertFalse(stored == stored.sorted())
        val video = FakeVideo(stored.toLongArray(), shade = { (it / STEP).toInt() })
        assertEquals(clipFrameIndices(23, spec).toList(), read(video).shades())
        assertEquals(1, video.decodings)
    }

    @Test
    fun `samples that show nothing don't count`() {
        val video = FakeVideo(times(40), decoded = times(40).filter { it % (2 * STEP) == 0L }.toLongArray())
        // Every second frame decodes: the n-th of those is frame 2n of the file.
        assertEquals(clipFrameIndices(20, spec).map { 2 * it }, read(video).shades())
        assertEquals(2, video.decodings)
    }

    @Test
    fun `a decoder that gives more frames than samples is counted by its frames`() {
        val video = FakeVideo(times(20), decoded = times(31))
        assertEquals(clipFrameIndices(31, spec).toList(), read(video).shades())
        assertEquals(2, video.decodings)
    }

    @Test
    fun `frames before time 0 are hidden by an edit list`() {
        val video = FakeVideo(LongArray(25) { (it - 5) * STEP }, shade = { (it / STEP).toInt() })
        assertEquals(clipFrameIndices(20, spec).toList(), read(video).shades())
        assertEquals(1, video.decodings)
    }

    @Test
    fun `frames of one presentation time keep their order and all count`() {
        // Pairs of equal times; the shade is the position among all frames.
        val times = LongArray(24) { it / 2 * STEP }
        assertEquals(
            clipFrameIndices(24, spec).toList(),
            read(FakeVideo(times, shadeByOrder = true)).shades(),
        )
    }

    @Test
    fun `a short video repeats its first frame`() {
        val clip = read(FakeVideo(times(2), shade = { 7 + (it / STEP).toInt() }))
        assertEquals(listOf(7, 7, 7, 7), clip.shades())
        assertEquals(listOf(0.0, 0.0, 0.0, 0.0), clip.timesS)
    }

    @Test
    fun `a frame that is asked for more than once is converted once`() {
        val wide = PreprocessingSpec.default().withClip(frames = 12, size = 2)
        val video = FakeVideo(times(9))
        val expected = clipFrameIndices(9, wide).toList()
        assertEquals(expected, VideoReader(wide).read(video).shades())
        assertEquals(expected.distinct().size, video.converted)
    }

    @Test
    fun `only the chosen frames are converted`() {
        val video = FakeVideo(times(1000), shade = { 0 })
        read(video)
        assertEquals(4, video.converted)
    }

    @Test
    fun `no frame and one frame are refused`() {
        refused("has no frame that decodes", FakeVideo(times(0)))
        refused("has no frame that decodes", FakeVideo(times(9), decoded = times(0)))
        refused("has only one frame; give a video of at least 2 frames", FakeVideo(times(1)))
    }

    @Test
    fun `a decoder that gives other frames each time is refused`() {
        val video = FakeVideo(times(20)).apply { dropMore = true }
        refused("decodes to other frames each time", video)
    }

    @Test
    fun `a frame that cannot be used is named by its position`() {
        val position = clipFrameIndices(20, spec)[0]
        val video = FakeVideo(times(20), broken = true)
        refused("frame $position: image is HDR (PQ)", video)
    }

    @Test
    fun `an interrupted thread stops`() {
        Thread.currentThread().interrupt()
        assertThrows(InterruptedException::class.java) { read(FakeVideo(times(20))) }
        assertFalse(Thread.interrupted(), "the interruption is taken")
    }

    private fun read(video: VideoSource) = VideoReader(spec).read(video)

    private fun refused(
        message: String,
        video: VideoSource,
    ) {
        val error = assertThrows(VideoException::class.java) { read(video) }
        assertEquals(message, error.message!!.take(message.length))
        assertFalse('\n' in error.message!!)
    }

    private fun times(count: Int) = LongArray(count) { it * STEP }

    private fun Clip.shades(): List<Int> =
        List(frames) { frame ->
            val size = height * width * 3
            val bytes = List(size) { pixels.get(frame * size + it).toInt() and 0xFF }
            assertEquals(1, bytes.distinct().size, "a frame of one shade")
            bytes.first()
        }
}

private const val STEP = 33_333L

/** A video of frames of one shade each. */
private class FakeVideo(
    private val stored: LongArray,
    private val decoded: LongArray = stored,
    private val shadeByOrder: Boolean = false,
    private val broken: Boolean = false,
    private val shade: (Long) -> Int = { (it / STEP).toInt() },
) : VideoSource {
    var decodings = 0
    var converted = 0
    var dropMore = false

    override fun sampleTimesUs() = stored

    override fun decode(visit: (DecodedPicture) -> Unit) {
        decodings++
        val given = if (dropMore) decoded.dropLast(decodings) else decoded.toList()
        given.forEachIndexed { order, time ->
            visit(Picture(time, if (shadeByOrder) order else shade(time)))
        }
    }

    private inner class Picture(
        override val timeUs: Long,
        private val value: Int,
    ) : DecodedPicture {
        override fun frame(timeS: Double): VideoFrame {
            if (broken) throw FrameException("image is HDR (PQ)")
            converted++
            val pixels = ByteBuffer.wrap(ByteArray(6 * 5 * 3) { value.toByte() })
            return RgbFrame(timeS, pixels, 6, 5, RgbFormat.RGB)
        }
    }
}
