package io.github.dvfl.streaming

import io.github.dvfl.ActionRecognizer
import io.github.dvfl.ClosedException
import io.github.dvfl.RecognizerOptions
import io.github.dvfl.Result
import io.github.dvfl.StreamingActionRecognizer
import io.github.dvfl.StreamingOptions
import io.github.dvfl.fakes.FakeEngine
import io.github.dvfl.fakes.FakeProvider
import io.github.dvfl.fakes.grey
import io.github.dvfl.fakes.makeBundle
import kotlinx.coroutines.CoroutineExceptionHandler
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.Job
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.runInterruptible
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Assertions.fail
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import java.io.File
import java.util.concurrent.ConcurrentHashMap
import java.util.concurrent.ConcurrentLinkedQueue
import java.util.concurrent.atomic.AtomicInteger
import java.util.concurrent.atomic.AtomicLong
import java.util.concurrent.atomic.AtomicReferenceArray
import kotlin.concurrent.thread
import kotlin.random.Random

/**
 * Many threads do anything at any time to a few recognizers and streams. For longer: `-Ddvfl.stress.seconds=60`.
 */
class StressTest {
    @TempDir
    lateinit var folder: File

    private val engines = ConcurrentLinkedQueue<FakeEngine>()
    private val live = AtomicInteger()
    private val unexpected = ConcurrentLinkedQueue<Throwable>()
    private val deeds = ConcurrentHashMap<String, AtomicLong>()
    private val results = AtomicLong()
    private val clock = AtomicLong()
    private val slots = AtomicReferenceArray<StreamingActionRecognizer>(SLOTS)
    private val collectors = AtomicReferenceArray<Job>(SLOTS)
    private val scope =
        CoroutineScope(
            SupervisorJob() + Dispatchers.IO +
                CoroutineExceptionHandler { _, error -> tolerate(error) },
        )

    private val options =
        RecognizerOptions(
            providers =
                listOf(
                    FakeProvider("litert") { _, _ ->
                        live.incrementAndGet()
                        FakeEngine(onClose = { live.decrementAndGet() }) {
                            if (Random.nextInt(4) == 0) Thread.sleep(Random.nextLong(3))
                            floatArrayOf(0f, 1f, 9f * Random.nextFloat())
                        }.also(engines::add)
                    },
                ),
        )

    /** What may be thrown when others close, cancel or collect at the same time. */
    private fun tolerate(error: Throwable) {
        val raced = error is ClosedException || error is InterruptedException
        val secondCollector = error is IllegalStateException && "collector" in error.message.orEmpty()
        if (!raced && !secondCollector) unexpected += error
    }

    @Test
    fun `eight threads that open, recognize, offer, pause, cancel and close`() {
        makeBundle(folder)
        val seconds = System.getProperty("dvfl.stress.seconds", "20").toDouble()
        val end = System.nanoTime() + (seconds * 1e9).toLong()
        val threads =
            List(THREADS) { index ->
                thread(name = "stress-$index") {
                    val random = Random(index)
                    while (System.nanoTime() < end) {
                        try {
                            act(random)
                        } catch (error: Throwable) {
                            tolerate(error)
                        }
                    }
                }
            }
        joinOrDump(threads, end)
        closeAll()

        println(
            "${deeds.values.sumOf { it.get() }} operations in $seconds s: ${deeds.toSortedMap()}; " +
                "${engines.size} engines, ${engines.sumOf { it.runs }} runs, $results live results",
        )
        assertEquals(emptyList<Throwable>(), unexpected.toList())
        assertEquals(emptyList<String>(), engines.flatMap { it.crimes })
        assertTrue(
            engines.all {
                it.closes == 1
            },
            "engines were closed ${engines.map { it.closes }.distinct()} times",
        )
        assertEquals(0, live.get())
        assertTrue(results.get() > 0, "no live inference came to its end")
        assertEquals(Deeds.entries.map { it.name }.toSet(), deeds.keys.toSet())
    }

    private enum class Deeds {
        OFFER,
        RECOGNIZE,
        RECOGNIZE_AND_CANCEL,
        COLLECT,
        CANCEL_COLLECTOR,
        RESET,
        PAUSE,
        RESUME,
        REOPEN,
        CLOSE,
        CLOSE_RECOGNIZER,
    }

    private fun act(random: Random) {
        val slot = random.nextInt(SLOTS)
        val stream = slots.get(slot) ?: return open(slot)
        val deed = if (random.nextInt(32) > 0) Deeds.OFFER else Deeds.entries.random(random)
        deeds.getOrPut(deed.name) { AtomicLong() }.incrementAndGet()
        when (deed) {
            Deeds.OFFER -> stream.offer(grey(clock.addAndGet(random.nextLong(60)) / 1000.0))
            Deeds.RECOGNIZE -> stream.recognizer.recognize(List(random.nextInt(1, 12)) { grey(it / 10.0) })
            Deeds.RECOGNIZE_AND_CANCEL -> recognizeAndCancel(stream.recognizer)
            Deeds.COLLECT -> collectors.getAndSet(slot, scope.launch { collect(stream) })?.cancel()
            Deeds.CANCEL_COLLECTOR -> runBlocking { collectors.getAndSet(slot, null)?.cancelAndJoin() }
            Deeds.RESET -> stream.reset()
            Deeds.PAUSE -> stream.pause()
            Deeds.RESUME -> stream.resume()
            Deeds.REOPEN -> open(slot)
            Deeds.CLOSE -> stream.close()
            Deeds.CLOSE_RECOGNIZER -> stream.recognizer.close()
        }
    }

    private suspend fun collect(stream: StreamingActionRecognizer) {
        stream.updates.collect { if (it is Result) results.incrementAndGet() }
    }

    private fun open(slot: Int) {
        val opened =
            StreamingActionRecognizer.open(folder, StreamingOptions(windowS = 0.5, strideS = 0.1), options)
        slots.getAndSet(slot, opened)?.close()
    }

    private fun recognizeAndCancel(recognizer: ActionRecognizer) =
        runBlocking {
            val job = scope.launch { runInterruptible { recognizer.warmUp() } }
            if (Random.nextBoolean()) Thread.yield()
            job.cancelAndJoin()
        }

    private fun closeAll() {
        val closing =
            thread {
                for (slot in 0 until SLOTS) slots.get(slot)?.close()
                // A closed stream completes its collectors.
                runBlocking { scope.coroutineContext[Job]!!.children.forEach { it.join() } }
            }
        joinOrDump(listOf(closing), System.nanoTime())
    }

    private fun joinOrDump(
        threads: List<Thread>,
        end: Long,
    ) {
        val patience = end + WATCHDOG_NANOS
        threads.forEach { it.join(maxOf(1, (patience - System.nanoTime()) / 1_000_000)) }
        if (threads.none { it.isAlive }) return
        val dump =
            Thread.getAllStackTraces().entries.joinToString("\n\n") { (thread, stack) ->
                "${thread.name} ${thread.state}\n" + stack.joinToString("\n") { "    at $it" }
            }
        fail<Unit>("a thread hangs:\n$dump")
    }

    private companion object {
        const val THREADS = 8
        const val SLOTS = 3
        const val WATCHDOG_NANOS = 60_000_000_000
    }
}
