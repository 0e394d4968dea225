package io.github.dvfl

import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows

class SamplingErrorsTest {
    private val spec = PreprocessingSpec.default()

    @Test
    fun `a clip without frames is refused`() {
        for (count in listOf(0, -1)) {
            val error = assertThrows<FrameException> { clipFrameIndices(count, spec) }
            assertEquals("a clip needs at least one frame, not $count", oneLine(error))
        }
    }

    @Test
    fun `a window without frames is refused`() {
        val reason = "no frame lies in the 2.0 s that end at 9.0 s"
        assertEquals(reason, refusal(doubleArrayOf(), 9.0, 2.0))
        // The start does not belong to the window, and the future doesn't either.
        assertEquals(reason, refusal(doubleArrayOf(0.0, 7.0), 9.0, 2.0))
        assertEquals(reason, refusal(doubleArrayOf(9.1), 9.0, 2.0))
        assertEquals(reason, refusal(doubleArrayOf(1.0, 10.0), 9.0, 2.0))
    }

    @Test
    fun `a window needs a length of at least a tick`() {
        for (length in listOf(0.0, -1.0, 4e-7)) {
            assertEquals(
                "the window must have a positive length, not $length s",
                refusal(doubleArrayOf(1.0), 1.0, length),
            )
        }
    }

    @Test
    fun `times that decrease or are not finite are refused`() {
        assertEquals("time stamps must never decrease", refusal(doubleArrayOf(0.0, 1.0, 0.5), 1.0, 2.0))
        for (time in listOf(Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY)) {
            assertEquals("times must be finite, not $time", refusal(doubleArrayOf(time), 1.0, 2.0))
            assertEquals("times must be finite, not $time", refusal(doubleArrayOf(1.0), time, 2.0))
            assertEquals("times must be finite, not $time", refusal(doubleArrayOf(1.0), 1.0, time))
        }
    }

    private fun refusal(
        times: DoubleArray,
        endS: Double,
        windowS: Double,
    ): String = oneLine(assertThrows<FrameException> { windowFrameIndices(times, endS, windowS, spec) })
}
