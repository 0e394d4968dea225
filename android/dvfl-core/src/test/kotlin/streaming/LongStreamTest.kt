package io.github.dvfl.streaming

import io.github.dvfl.Result
import io.github.dvfl.RgbFormat
import io.github.dvfl.RgbFrame
import io.github.dvfl.StreamingActionRecognizer
import io.github.dvfl.StreamingOptions
import io.github.dvfl.fakes.FakeEngine
import io.github.dvfl.fakes.grey
import io.github.dvfl.fakes.recognizer
import io.github.dvfl.fakes.shades
import kotlinx.coroutines.ExperimentalCoroutinesApi
import kotlinx.coroutines.launch
import kotlinx.coroutines.test.runCurrent
import kotlinx.coroutines.test.runTest
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import java.io.File
import java.lang.management.BufferPoolMXBean
import java.lang.management.ManagementFactory
import kotlin.math.ceil

/**
 * A camera of [FPS] frames per second and a model of [MODEL_S] seconds, on a clock that only the two of them move:
 * while the model "runs", the camera goes on offering. Exact, and the same on every machine.
 */
@OptIn(ExperimentalCoroutinesApi::class)
class LongStreamTest {
    @TempDir
    lateinit var folder: File

    private val pixels = List(256) { grey(0.0, it).pixels }

    private inner class Camera {
        lateinit var stream: StreamingActionRecognizer
        var nowS = 0.0
        var next = 0
        var kept = 0L

        fun offerNext() {
            nowS = next / FPS
            if (stream.offer(RgbFrame(nowS, pixels[next % 256], 4, 4, RgbFormat.RGB))) kept++
            next++
        }

        /** What the camera does while the model runs. */
        fun advance(seconds: Double) {
            val end = nowS + seconds
            while (next < FRAMES && next / FPS <= end) offerNext()
            nowS = end
        }
    }

    @Test
    fun `ten thousand frames with a model slower than the stride`() =
        runTest {
            val camera = Camera()
            var wrongPixels = 0
            val engine =
                FakeEngine { clip ->
                    if (shades(clip) != clip.timesS.map { Math.round(it * FPS).toInt() % 256 }) wrongPixels++
                    camera.advance(MODEL_S)
                    floatArrayOf(0f, 1f, 2f)
                }
            val options = StreamingOptions(windowS = 2.0, strideS = 0.1)
            recognizer(folder, engine).use { recognizer ->
                val stream = StreamingActionRecognizer(recognizer, options)
                camera.stream = stream
                var worstS = 0.0
                var results = 0L
                var newestS = -1.0
                val collector =
                    launch {
                        stream.updates.collect {
                            if (it !is Result) return@collect
                            results++
                            // After the camera's last frame the newest one only ages.
                            if (camera.next < FRAMES) worstS = maxOf(worstS, camera.nowS - it.timeS)
                            assertTrue(it.timeS > newestS, "a window was run twice at ${it.timeS} s")
                            newestS = it.timeS
                        }
                    }
                runCurrent()
                var early: Memory? = null
                while (camera.next < FRAMES) {
                    // The clock moves to the next frame; the camera never waits for the model.
                    camera.offerNext()
                    runCurrent()
                    if (early == null && camera.next > FRAMES / 10) early = memory()
                }
                val late = memory()

                val counters = stream.counters
                println(
                    "$counters; ${stream.framesMade} frame buffers; newest result at most " +
                        "${"%.1f".format(
                            worstS * 1000,
                        )} ms old; heap ${early?.heap} -> ${late.heap} bytes, " +
                        "direct buffers ${early?.buffers} -> ${late.buffers}",
                )
                assertEquals(0, wrongPixels)
                assertEquals(FRAMES.toLong(), counters.received)
                assertEquals(counters.received - counters.droppedLate - counters.droppedRate, camera.kept)
                assertEquals(dueInferences(options), counters.inferences + counters.skippedBusy)
                assertEquals(results, counters.inferences)
                assertTrue(
                    counters.skippedBusy > counters.inferences / 4,
                    "the model must have been too slow",
                )
                assertTrue(worstS <= MODEL_S + 1 / FPS + 1e-9, "a result was $worstS s old")
                assertTrue(
                    stream.framesMade <= ceil(options.windowS * options.maxFps) + 3,
                    "${stream.framesMade}",
                )
                assertTrue(
                    late.heap <= early!!.heap + 512 * 1024,
                    "heap grew from ${early.heap} to ${late.heap}",
                )
                assertTrue(late.buffers <= early.buffers, "direct buffers grew from $early to $late")
                stream.close()
                collector.join()
            }
        }

    /** How often an inference is due when all frames are kept: at the first frame at or after each time of the grid. */
    private fun dueInferences(options: StreamingOptions): Long {
        val ticks = List(FRAMES) { Math.round(it / FPS * 1e6) }
        val window = Math.round(options.windowS * 1e6)
        val stride = Math.round(options.strideS * 1e6)
        val grid = generateSequence(ticks.first() + window) { it + stride }.takeWhile { it <= ticks.last() }
        return grid
            .map { due -> ticks.binarySearch(due).let { if (it < 0) -it - 1 else it } }
            .distinct()
            .count()
            .toLong()
    }

    private data class Memory(
        val heap: Long,
        val buffers: Long,
    )

    private fun memory(): Memory {
        repeat(3) {
            System.gc()
            Thread.sleep(50)
        }
        val runtime = Runtime.getRuntime()
        val direct =
            ManagementFactory.getPlatformMXBeans(BufferPoolMXBean::class.java).first { it.name == "direct" }
        return Memory(runtime.totalMemory() - runtime.freeMemory(), direct.count)
    }

    private companion object {
        const val FPS = 30.0
        const val FRAMES = 10_000
        const val MODEL_S = 0.150
    }
}
