package io.github.dvfl.streaming

import io.github.dvfl.EngineException
import io.github.dvfl.Result
import io.github.dvfl.StreamingActionRecognizer
import io.github.dvfl.StreamingOptions
import io.github.dvfl.fakes.FakeEngine
import io.github.dvfl.fakes.grey
import io.github.dvfl.fakes.makeBundle
import io.github.dvfl.fakes.recognizer
import io.github.dvfl.fakes.shades
import io.github.dvfl.fakes.with
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows
import org.junit.jupiter.api.io.TempDir
import java.io.File

class StreamingActionRecognizerTest {
    @TempDir
    lateinit var folder: File

    @Test
    fun `every option out of its range is refused by name`() {
        val bad =
            mapOf<String, List<() -> StreamingOptions>>(
                "windowS" to numbers(0.0, -1.0) { StreamingOptions(windowS = it) },
                "strideS" to numbers(0.0, -1.0) { StreamingOptions(strideS = it) },
                "smoothingHalfLifeS" to numbers(-1.0) { StreamingOptions(smoothingHalfLifeS = it) },
                "enterThreshold" to
                    numbers(0.0, 1.1) { StreamingOptions(enterThreshold = it, leaveThreshold = 0.0) },
                "leaveThreshold" to numbers(-0.1, 0.6, 0.7) { StreamingOptions(leaveThreshold = it) },
                "minHoldS" to numbers(-1.0) { StreamingOptions(minHoldS = it) },
                "maxLateS" to numbers(-1.0) { StreamingOptions(maxLateS = it) },
                "maxFps" to numbers(0.0, -30.0) { StreamingOptions(maxFps = it) },
                "top" to listOf({ StreamingOptions(top = 0) }, { StreamingOptions(top = -1) }),
            )
        for ((name, makers) in bad) {
            for (make in makers) {
                val error = assertThrows<IllegalArgumentException> { make() }
                assertTrue(error.message.orEmpty().startsWith("$name must be "), "${error.message}")
            }
        }
    }

    private fun numbers(
        vararg values: Double,
        make: (Double) -> StreamingOptions,
    ): List<() -> StreamingOptions> =
        (values.toList() + listOf(Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY)).map {
            { make(it) }
        }

    @Test
    fun `options at the ends of their ranges are taken`() {
        StreamingOptions(enterThreshold = 1.0, leaveThreshold = 0.0, minHoldS = 0.0, maxLateS = 0.0, top = 1)
        StreamingOptions(smoothingHalfLifeS = 0.0, top = null)
    }

    @Test
    fun `a window shorter than a tick is refused, and the opened engine closed`() {
        val engine = FakeEngine { floatArrayOf(0f, 0f, 0f) }
        makeBundle(folder)
        assertThrows<IllegalArgumentException> {
            StreamingActionRecognizer.open(folder, StreamingOptions(windowS = 1e-9), with(engine))
        }
        assertEquals(1, engine.closes)
    }

    @Test
    fun `a stream closes the recognizer that it opened`() {
        val engine = FakeEngine { floatArrayOf(0f, 0f, 0f) }
        makeBundle(folder)
        StreamingActionRecognizer.open(folder, recognizerOptions = with(engine)).use { stream ->
            for (index in 0..60) stream.push(grey(index / 30.0))
        }
        assertEquals(listOf(1, 1), listOf(engine.runs, engine.closes))
    }

    @Test
    fun `after a failed inference the stream goes on with the next stride`() {
        val answers = ArrayDeque(listOf(floatArrayOf(0f, 0f), floatArrayOf(0f, 0f, 9f)))
        val options = StreamingOptions(windowS = 0.5, strideS = 0.2)
        recognizer(folder, FakeEngine { answers.removeFirst() }).use { recognizer ->
            val stream = StreamingActionRecognizer(recognizer, options)
            for (index in 0..4) stream.push(grey(index / 10.0))
            assertThrows<EngineException> { stream.push(grey(0.5)) }
            assertEquals(0, stream.push(grey(0.6)).size)
            assertEquals(0.7, (stream.push(grey(0.7)).first() as Result).timeS)
            assertEquals(listOf(1L, 0L), stream.counters.run { listOf(inferences, skippedBusy) })
        }
    }

    @Test
    fun `the model sees the pixels of the frames it is said to see, although their memory is used again`() {
        var clips = 0
        val engine =
            FakeEngine { clip ->
                assertEquals(clip.timesS.map { Math.round(it * 30).toInt() % 256 }, shades(clip))
                clips++
                floatArrayOf(0f, 0f, 0f)
            }
        recognizer(folder, engine).use { recognizer ->
            val stream = StreamingActionRecognizer(recognizer, StreamingOptions(windowS = 1.0, strideS = 0.1))
            for (index in 0 until 1000) stream.push(grey(index / 30.0, shade = index % 256))
            assertTrue(clips > 300, "$clips clips")
            assertTrue(stream.framesMade <= 33, "${stream.framesMade} buffers")
        }
    }

    @Test
    fun `a reset by the engine voids the result that push would have returned`() {
        lateinit var stream: StreamingActionRecognizer
        val engine =
            FakeEngine {
                stream.reset()
                floatArrayOf(9f, 0f, 0f)
            }
        recognizer(folder, engine).use { recognizer ->
            stream = StreamingActionRecognizer(recognizer, StreamingOptions(windowS = 0.1))
            assertEquals(0, (0..1).sumOf { stream.push(grey(it / 10.0)).size })
            assertEquals(1, stream.counters.inferences)
        }
    }

    @Test
    fun `times of any size do not break a stream`() {
        recognizer(folder, FakeEngine { floatArrayOf(0f, 0f, 0f) }).use { recognizer ->
            val options =
                StreamingOptions(windowS = 1e300, minHoldS = 1e300, maxLateS = 1e300, strideS = 1e300)
            val stream = StreamingActionRecognizer(recognizer, options)
            for (time in listOf(0.0, 1e9, 1e300, 1e308, 0.0)) stream.push(grey(time))
            assertEquals(listOf(5L, 2L), stream.counters.run { listOf(received, droppedLate) })
        }
    }
}
