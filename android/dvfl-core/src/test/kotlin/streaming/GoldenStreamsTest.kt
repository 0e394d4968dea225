package io.github.dvfl.streaming

import io.github.dvfl.Result
import io.github.dvfl.StreamingActionRecognizer
import io.github.dvfl.Update
import io.github.dvfl.fakes.grey
import kotlinx.coroutines.ExperimentalCoroutinesApi
import kotlinx.coroutines.launch
import kotlinx.coroutines.test.runCurrent
import kotlinx.coroutines.test.runTest
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows
import org.junit.jupiter.api.io.TempDir
import org.junit.jupiter.params.ParameterizedTest
import org.junit.jupiter.params.provider.MethodSource
import java.io.File

@OptIn(ExperimentalCoroutinesApi::class)
class GoldenStreamsTest {
    @TempDir
    lateinit var folder: File

    @ParameterizedTest
    @MethodSource("cases")
    fun `push gives the golden updates, clips and counters`(case: StreamCase) {
        val model = CaseModel(case)
        model.recognizer(folder).use { recognizer ->
            val stream = StreamingActionRecognizer(recognizer, case.options.options())
            case.steps.forEachIndexed { index, step ->
                val updates =
                    when (step.deed) {
                        Deed.PUSH -> stream.push(grey(step.timeS!!))
                        Deed.RESET -> stream.reset()
                        Deed.PAUSE -> stream.pause()
                        Deed.RESUME -> emptyList<Update>().also { stream.resume() }
                    }
                assertSameUpdates(case.expected[index], updates, "${case.name}, step $index")
            }
            assertEquals(case.clipTimes, model.clipTimes)
            assertEquals(case.counters.counters(), stream.counters)
        }
    }

    @ParameterizedTest
    @MethodSource("cases")
    fun `a live stream whose model takes no time gives the same`(case: StreamCase) =
        runTest {
            val model = CaseModel(case)
            model.recognizer(folder).use { recognizer ->
                val stream = StreamingActionRecognizer(recognizer, case.options.options())
                val updates = mutableListOf<Update>()
                val collector = launch { stream.updates.collect(updates::add) }
                runCurrent()
                case.steps.forEachIndexed { index, step ->
                    when (step.deed) {
                        Deed.PUSH -> stream.offer(grey(step.timeS!!))
                        Deed.RESET -> assertEquals(emptyList<Update>(), stream.reset())
                        Deed.PAUSE -> assertEquals(emptyList<Update>(), stream.pause())
                        Deed.RESUME -> stream.resume()
                    }
                    runCurrent()
                    assertSameUpdates(case.expected[index], updates, "${case.name}, step $index")
                    updates.clear()
                }
                stream.close()
                collector.join()
                assertEquals(case.clipTimes, model.clipTimes)
                assertEquals(case.counters.counters(), stream.counters)
            }
        }

    @Test
    fun `the golden cases reach every kind of step, update and counter`() {
        assertEquals(Deed.entries.toSet(), streamCases.flatMap { it.steps }.map { it.deed }.toSet())
        val kinds = streamCases.flatMap { it.expected.flatten() }.map { it::class }.toSet()
        assertEquals(3, kinds.size)
        val counters = streamCases.map { it.counters }
        assertTrue(counters.any { it.droppedLate > 0 } && counters.any { it.droppedRate > 0 })
        assertTrue(counters.any { it.droppedPaused > 0 } && counters.any { it.restarts > 0 })
    }

    @Test
    fun `the comparison notices another score, label, time and order`() {
        val case = streamCases.first { it.expected.any { updates -> updates.size > 1 } }
        val golden = case.expected.first { it.size > 1 }
        val updates = replay(case).first { it.size > 1 }
        assertSameUpdates(golden, updates, "unchanged")
        val result = updates[0] as Result
        val best = result.predictions[0]
        val otherScore = listOf(best.copy(score = best.score + 2e-9)) + result.predictions.drop(1)
        val otherResults =
            listOf(
                result.copy(timeS = result.timeS + 1e-6),
                result.copy(predictions = otherScore),
                result.copy(active = "another"),
            )
        val changed =
            otherResults.map { listOf(it) + updates.drop(1) } +
                listOf(updates.reversed(), updates.dropLast(1))
        changed.forEach { assertThrows<AssertionError> { assertSameUpdates(golden, it, "changed") } }
    }

    private fun replay(case: StreamCase): List<List<Update>> =
        CaseModel(case).recognizer(folder).use { recognizer ->
            val stream = StreamingActionRecognizer(recognizer, case.options.options())
            case.steps.filter { it.deed == Deed.PUSH }.map { stream.push(grey(it.timeS!!)) }
        }

    companion object {
        @JvmStatic
        fun cases() = streamCases
    }
}
