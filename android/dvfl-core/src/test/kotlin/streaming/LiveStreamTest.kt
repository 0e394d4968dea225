package io.github.dvfl.streaming

import io.github.dvfl.ClosedException
import io.github.dvfl.EngineException
import io.github.dvfl.Entered
import io.github.dvfl.Left
import io.github.dvfl.Result
import io.github.dvfl.StreamingActionRecognizer
import io.github.dvfl.StreamingOptions
import io.github.dvfl.Update
import io.github.dvfl.fakes.FakeEngine
import io.github.dvfl.fakes.grey
import io.github.dvfl.fakes.recognizer
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.ExperimentalCoroutinesApi
import kotlinx.coroutines.async
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.flow.toList
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.test.runCurrent
import kotlinx.coroutines.test.runTest
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.Timeout
import org.junit.jupiter.api.assertThrows
import org.junit.jupiter.api.io.TempDir
import java.io.File
import java.util.concurrent.CountDownLatch
import kotlin.concurrent.thread

/** What only a live stream does; the golden streams hold the rest. */
@OptIn(ExperimentalCoroutinesApi::class)
// In a thread of its own: runBlocking does not end when it is interrupted, so a hang would not become a failure.
@Timeout(60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class LiveStreamTest {
    @TempDir
    lateinit var folder: File

    /** Frames come at 10 fps; the first inference is due at frame 5, then one every second frame. */
    private val options =
        StreamingOptions(windowS = 0.5, strideS = 0.2, smoothingHalfLifeS = 0.0, enterThreshold = 0.6)
    private val walking = floatArrayOf(4f, 0f, 0f)

    private fun stream(engine: FakeEngine) = StreamingActionRecognizer(recognizer(folder, engine), options)

    private fun StreamingActionRecognizer.offerAll(indices: IntRange) = indices.map { offer(grey(it / 10.0)) }

    @Test
    fun `offer says which frames were dropped`() {
        stream(FakeEngine { walking }).use { stream ->
            assertTrue(stream.offer(grey(1.0)))
            assertFalse(stream.offer(grey(1.0)), "a repeated time")
            assertFalse(stream.offer(grey(0.9)), "late")
            assertTrue(stream.offer(grey(1.001)), "jitter")
            assertFalse(stream.offer(grey(1.002)), "faster than maxFps")
            stream.pause()
            assertFalse(stream.offer(grey(1.1)), "paused")
            stream.resume()
            assertTrue(stream.offer(grey(1.2)))
            val counters = stream.counters
            assertEquals(
                listOf(7L, 2L, 1L, 1L),
                counters.run {
                    listOf(received, droppedLate, droppedRate, droppedPaused)
                },
            )
        }
    }

    @Test
    fun `while nobody collects only the newest window waits`() =
        runTest {
            stream(FakeEngine { walking }).use { stream ->
                stream.offerAll(0..10)
                // Due at 0.5, 0.7 and 0.9 s.
                assertEquals(2, stream.counters.skippedBusy)
                val result = stream.updates.first() as Result
                assertEquals(1.0, result.timeS, "the newest frame, not the one at which it was due")
                assertEquals(listOf(1L, 2L), stream.counters.run { listOf(inferences, skippedBusy) })
            }
        }

    @Test
    fun `what waits is dropped by a gap longer than the window`() =
        runTest {
            stream(FakeEngine { walking }).use { stream ->
                stream.offerAll(0..5)
                stream.offerAll(20..20)
                assertEquals(1, stream.counters.skippedBusy, "dropped by the gap, not by the next due time")
                stream.offerAll(21..25)
                val result = stream.updates.first() as Result
                assertEquals(2.5, result.timeS, "one window after the gap")
                assertEquals(listOf(1L, 1L), stream.counters.run { listOf(inferences, skippedBusy) })
            }
        }

    @Test
    fun `updates that a cancelled collector left go to the next, once`() =
        runTest {
            stream(FakeEngine { walking }).use { stream ->
                stream.offerAll(0..5)
                assertEquals(0.5, (stream.updates.first() as Result).timeS)
                assertTrue(stream.updates.first() is Entered)
                assertEquals(emptyList<Update>(), stream.reset())
                assertTrue(stream.updates.first() is Left)
                assertEquals(1, stream.counters.inferences)
            }
        }

    @Test
    fun `a second collector is refused while the first collects`() =
        runTest {
            stream(FakeEngine { walking }).use { stream ->
                val first = launch { stream.updates.collect { } }
                runCurrent()
                assertThrows<IllegalStateException> { stream.updates.first() }
                first.cancelAndJoin()
                stream.offerAll(0..5)
                assertTrue(stream.updates.first() is Result)
            }
        }

    @Test
    fun `a stream is driven by push or live, not both`() =
        runTest {
            stream(FakeEngine { walking }).use { stream ->
                stream.push(grey(0.0))
                assertThrows<IllegalStateException> { stream.offer(grey(0.1)) }
                assertThrows<IllegalStateException> { stream.updates.first() }
            }
            stream(FakeEngine { walking }).use { stream ->
                stream.offer(grey(0.0))
                assertThrows<IllegalStateException> { stream.push(grey(0.1)) }
                assertEquals(1, stream.counters.received)
            }
        }

    @Test
    fun `a failed inference is thrown to the collector, and collecting again goes on`() =
        runTest {
            val answers = ArrayDeque(listOf(floatArrayOf(0f, Float.NaN, 0f), walking))
            stream(FakeEngine { answers.removeFirst() }).use { stream ->
                stream.offerAll(0..5)
                assertThrows<EngineException> { stream.updates.first() }
                assertEquals(listOf(0L, 0L), stream.counters.run { listOf(inferences, skippedBusy) })
                stream.offerAll(6..7)
                assertEquals(0.7, (stream.updates.first() as Result).timeS)
            }
        }

    @Test
    fun `a result from before a reset is counted and dropped`() =
        runTest {
            lateinit var stream: StreamingActionRecognizer
            var disturb: () -> Unit = {}
            val engine =
                FakeEngine {
                    disturb()
                    walking
                }
            stream = stream(engine)
            val updates = mutableListOf<Update>()
            val collector = launch { stream.updates.toList(updates) }
            stream.offerAll(0..5)
            runCurrent()
            assertEquals(listOf("Result", "Entered"), updates.map { it::class.simpleName })
            val disturbances =
                listOf<() -> Unit>(
                    { stream.reset() },
                    { stream.pause() },
                    { stream.offer(grey(0.0)) },
                )
            for ((round, disturbance) in disturbances.withIndex()) {
                stream.resume()
                disturb = disturbance
                val start = 100 * (round + 1)
                stream.offerAll(start..start + 5)
                runCurrent()
                disturb = {}
                assertEquals(round + 2L, stream.counters.inferences)
            }
            // The one Left is that of the first reset.
            assertEquals(listOf("Result", "Entered", "Left"), updates.map { it::class.simpleName })
            stream.close()
            collector.join()
        }

    @Test
    fun `offer and counters never wait for the model`() {
        val started = CountDownLatch(1)
        val finish = CountDownLatch(1)
        val engine =
            FakeEngine {
                started.countDown()
                finish.await()
                walking
            }
        stream(engine).use { stream ->
            stream.offerAll(0..5)
            runBlocking {
                val result = async(Dispatchers.IO) { stream.updates.first() }
                started.await()
                stream.offerAll(6..9)
                assertEquals(10, stream.counters.received)
                finish.countDown()
                assertEquals(0.5, (result.await() as Result).timeS)
                assertEquals(1, stream.counters.skippedBusy, "0.7 s gave way to 0.9 s")
            }
        }
    }

    @Test
    fun `reset and pause never wait for the model`() {
        val started = CountDownLatch(1)
        val finish = CountDownLatch(1)
        val engine =
            FakeEngine {
                started.countDown()
                finish.await()
                walking
            }
        val stream = stream(engine)
        stream.offerAll(0..5)
        runBlocking {
            val updates = async(Dispatchers.IO) { stream.updates.toList() }
            started.await()
            stream.reset()
            stream.pause()
            assertEquals(0, stream.counters.inferences)
            finish.countDown()
            stream.close()
            assertEquals(emptyList<Update>(), updates.await())
        }
        assertEquals(1, stream.counters.inferences)
        stream.recognizer.close()
    }

    @Test
    fun `a cancelled collector gives up an inference that waits for its turn`() =
        runBlocking {
            val started = CountDownLatch(1)
            val finish = CountDownLatch(1)
            var blocked = true
            val engine =
                FakeEngine {
                    started.countDown()
                    if (blocked) finish.await()
                    walking
                }
            val recognizer = recognizer(folder, engine)
            val stream = StreamingActionRecognizer(recognizer, options)
            val other = thread { recognizer.warmUp() }
            started.await()
            stream.offerAll(0..5)
            val worker = CompletableDeferred<Thread>()
            val collector =
                launch(Dispatchers.IO) {
                    worker.complete(Thread.currentThread())
                    stream.updates.collect { }
                }
            while (worker.await().state != Thread.State.WAITING) Thread.sleep(1)
            collector.cancelAndJoin()
            assertEquals(listOf(0L, 1L), stream.counters.run { listOf(inferences, skippedBusy) })
            blocked = false
            finish.countDown()
            other.join()
            stream.offerAll(6..7)
            assertEquals(0.7, (stream.updates.first() as Result).timeS)
            stream.close()
            recognizer.close()
        }

    @Test
    fun `closing completes the updates and refuses frames`() =
        runTest {
            val engine = FakeEngine { walking }
            val stream = stream(engine)
            val updates = mutableListOf<Update>()
            val collector = launch { stream.updates.toList(updates) }
            stream.offerAll(0..5)
            runCurrent()
            stream.close()
            stream.close()
            collector.join()
            assertEquals(2, updates.size, "close emits nothing")
            assertEquals(emptyList<Update>(), stream.updates.toList())
            assertThrows<ClosedException> { stream.offer(grey(9.0)) }
            assertThrows<ClosedException> { stream.push(grey(9.0)) }
            assertEquals(emptyList<Update>(), stream.reset())
            assertEquals(emptyList<Update>(), stream.pause())
            stream.resume()
            assertEquals(0, engine.closes, "the recognizer is the caller's")
            stream.recognizer.close()
        }

    @Test
    fun `closing waits for the inference that runs, and its result is dropped`() =
        runBlocking {
            val started = CountDownLatch(1)
            val finish = CountDownLatch(1)
            val engine =
                FakeEngine {
                    started.countDown()
                    finish.await()
                    walking
                }
            val stream = stream(engine)
            stream.offerAll(0..5)
            val updates = async(Dispatchers.IO) { stream.updates.toList() }
            started.await()
            val closing = thread { stream.close() }
            while (closing.state != Thread.State.WAITING) Thread.sleep(1)
            finish.countDown()
            closing.join()
            assertEquals(emptyList<Update>(), updates.await())
            assertEquals(1, stream.counters.inferences)
            stream.recognizer.close()
        }

    @Test
    fun `a recognizer that someone else closed is a typed error everywhere`() =
        runTest {
            val stream = stream(FakeEngine { walking })
            stream.offerAll(0..5)
            stream.recognizer.close()
            assertThrows<ClosedException> { stream.offer(grey(0.6)) }
            assertThrows<ClosedException> { stream.updates.first() }
            assertEquals(1, stream.counters.skippedBusy)
            stream.close()
        }
}
