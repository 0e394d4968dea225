package io.github.dvfl

import io.github.dvfl.engine.Engine
import io.github.dvfl.fakes.FakeEngine
import io.github.dvfl.fakes.grey
import io.github.dvfl.fakes.recognizer
import io.github.dvfl.fakes.shades
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.runInterruptible
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertSame
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.Timeout
import org.junit.jupiter.api.assertThrows
import org.junit.jupiter.api.io.TempDir
import java.io.File
import java.nio.ByteBuffer
import java.util.concurrent.CountDownLatch
import kotlin.concurrent.thread

// In a thread of its own: runBlocking does not end when it is interrupted, so a hang would not become a failure.
@Timeout(60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ActionRecognizerTest {
    @TempDir
    lateinit var folder: File

    private fun opened(engine: Engine) = recognizer(folder, engine)

    private fun blackClip(
        frames: Int = 4,
        size: Int = 4,
    ) = Clip(
        ByteBuffer.allocateDirect(frames * size * size * 3),
        frames,
        size,
        size,
        List(frames) {
            it.toDouble()
        },
    )

    @Test
    fun `the best classes come first, as many as asked for`() {
        opened(FakeEngine { floatArrayOf(1f, 3f, 2f) }).use { recognizer ->
            assertEquals(listOf("run", "sit", "walk"), recognizer.recognize(blackClip()).map { it.label })
            assertEquals(listOf("run"), recognizer.recognize(blackClip(), top = 1).map { it.label })
            assertEquals(3, recognizer.recognize(blackClip(), top = null).size)
            assertEquals(listOf(1f, 3f, 2f), recognizer.logits(blackClip()).toList())
        }
    }

    @Test
    fun `top is refused before any work`() {
        val engine = FakeEngine { floatArrayOf(1f, 3f, 2f) }
        opened(engine).use { recognizer ->
            assertThrows<IllegalArgumentException> { recognizer.recognize(blackClip(), top = 0) }
            assertThrows<IllegalArgumentException> { recognizer.recognize(listOf(grey(0.0)), top = 0) }
        }
        assertEquals(0, engine.runs)
    }

    @Test
    fun `frames are sampled by the spec's rule`() {
        var seen = emptyList<Int>()
        var times = emptyList<Double>()
        val engine =
            FakeEngine { clip ->
                seen = shades(clip)
                times = clip.timesS
                floatArrayOf(0f, 0f, 0f)
            }
        opened(engine).use { recognizer ->
            for (count in listOf(1, 3, 5, 40)) {
                recognizer.recognize(List(count) { grey(it / 30.0, shade = 5 * it) })
                val expected = clipFrameIndices(count, recognizer.spec).toList()
                assertEquals(expected.map { 5 * it }, seen)
                assertEquals(expected.map { it / 30.0 }, times)
            }
        }
    }

    @Test
    fun `a clip's frames are given in order, and there are some`() {
        opened(FakeEngine { floatArrayOf(0f, 0f, 0f) }).use { recognizer ->
            assertThrows<FrameException> { recognizer.recognize(emptyList()) }
            val message =
                assertThrows<FrameException> {
                    recognizer.recognize(listOf(grey(0.1), grey(0.15), grey(0.2), grey(0.2)))
                }.message
            assertEquals(
                "frame 3 (0.2 s) is not newer than frame 2 (0.2 s); " +
                    "give every frame of the clip, in order, with its presentation time",
                message,
            )
            assertThrows<FrameException> { recognizer.recognize(listOf(grey(0.1), grey(0.0))) }
        }
        for (time in listOf(
            -0.1,
            Double.NaN,
            Double.POSITIVE_INFINITY,
        )) {
            assertThrows<FrameException> { grey(time) }
        }
    }

    @Test
    fun `warming up runs the model once, on black`() {
        var seen = emptyList<Int>()
        val engine =
            FakeEngine { clip ->
                seen = shades(clip)
                floatArrayOf(0f, 0f, 0f)
            }
        opened(engine).use { it.warmUp() }
        assertEquals(1, engine.runs)
        assertEquals(listOf(0, 0, 0, 0), seen)
    }

    @Test
    fun `a clip of another shape never reaches the engine`() {
        val engine = FakeEngine { floatArrayOf(0f, 0f, 0f) }
        opened(engine).use { recognizer ->
            assertThrows<EngineException> { recognizer.recognize(blackClip(frames = 5)) }
            assertThrows<EngineException> { recognizer.recognize(blackClip(size = 5)) }
        }
        assertEquals(0, engine.runs)
    }

    @Test
    fun `what is no logits vector is refused, for any engine`() {
        val outputs =
            listOf(
                floatArrayOf(),
                floatArrayOf(1f, 2f),
                floatArrayOf(1f, 2f, 3f, 4f),
                floatArrayOf(1f, Float.NaN, 3f),
                floatArrayOf(1f, Float.NEGATIVE_INFINITY, 3f),
            )
        for (output in outputs) {
            opened(FakeEngine { output }).use { assertThrows<EngineException> { it.recognize(blackClip()) } }
        }
    }

    @Test
    fun `a failing engine is an engine error, and the recognizer stays usable`() {
        val fault = IllegalStateException("out of delegates\nand more")
        var fails = true
        opened(FakeEngine { if (fails) throw fault else floatArrayOf(0f, 0f, 0f) }).use { recognizer ->
            val error = assertThrows<EngineException> { recognizer.recognize(blackClip()) }
            assertEquals("litert failed: IllegalStateException out of delegates", error.message)
            assertSame(fault, error.cause)
            fails = false
            assertEquals(3, recognizer.recognize(blackClip()).size)
        }
    }

    @Test
    fun `after close every use is refused, and closing again does nothing`() {
        val engine = FakeEngine { floatArrayOf(0f, 0f, 0f) }
        val recognizer = opened(engine)
        assertFalse(recognizer.isClosed)
        recognizer.close()
        recognizer.close()
        assertTrue(recognizer.isClosed)
        assertEquals(1, engine.closes)
        assertThrows<ClosedException> { recognizer.recognize(blackClip()) }
        assertThrows<ClosedException> { recognizer.recognize(listOf(grey(0.0))) }
        assertThrows<ClosedException> { recognizer.warmUp() }
    }

    @Test
    fun `closing during a run waits for it, and refuses those who wait`() {
        val started = CountDownLatch(1)
        val finish = CountDownLatch(1)
        val engine =
            FakeEngine {
                started.countDown()
                finish.await()
                floatArrayOf(0f, 0f, 0f)
            }
        val recognizer = opened(engine)
        var answers = 0
        val running = thread { answers = recognizer.recognize(blackClip()).size }
        started.await()
        var refused: Throwable? = null
        val waiting = thread { refused = runCatching { recognizer.recognize(blackClip()) }.exceptionOrNull() }
        waiting.awaitState(Thread.State.WAITING)
        val closing = thread { recognizer.close() }
        closing.awaitState(Thread.State.WAITING)
        assertEquals(0, engine.closes)
        finish.countDown()
        listOf(running, waiting, closing).forEach(Thread::join)
        assertEquals(3, answers)
        assertTrue(refused is ClosedException, "$refused")
        assertEquals(1, engine.closes)
        assertEquals(emptyList<String>(), engine.crimes)
    }

    @Test
    fun `the engine itself may close the recognizer, and must not call it`() {
        lateinit var recognizer: ActionRecognizer
        var inside: Throwable? = null
        val engine =
            FakeEngine {
                recognizer.close()
                recognizer.close()
                inside = runCatching { recognizer.logits(blackClip()) }.exceptionOrNull()
                floatArrayOf(0f, 0f, 0f)
            }
        recognizer = opened(engine)
        assertEquals(3, recognizer.recognize(blackClip()).size)
        assertTrue(inside is ClosedException, "$inside")
        assertEquals(1, engine.closes)
        assertEquals(emptyList<String>(), engine.crimes)

        val nested = FakeEngine { recognizer.logits(blackClip()) }
        recognizer = opened(nested)
        recognizer.use { assertThrows<EngineException> { it.logits(blackClip()) } }
        assertEquals(emptyList<String>(), nested.crimes)
    }

    @Test
    fun `a cancelled coroutine stops waiting for its turn`() =
        runBlocking {
            val started = CountDownLatch(1)
            val finish = CountDownLatch(1)
            val engine =
                FakeEngine {
                    started.countDown()
                    finish.await()
                    floatArrayOf(0f, 0f, 0f)
                }
            val recognizer = opened(engine)
            val running = thread { recognizer.recognize(blackClip()) }
            started.await()
            lateinit var waiter: Thread
            val entered = CountDownLatch(1)
            val waiting =
                launch(Dispatchers.IO) {
                    runInterruptible {
                        waiter = Thread.currentThread()
                        entered.countDown()
                        recognizer.recognize(blackClip())
                    }
                }
            entered.await()
            waiter.awaitState(Thread.State.WAITING)
            // Returns although the model still runs.
            waiting.cancelAndJoin()
            assertEquals(1, engine.runs)
            finish.countDown()
            running.join()
            recognizer.close()
        }

    private fun Thread.awaitState(wanted: Thread.State) {
        while (state != wanted) Thread.sleep(1)
    }
}
