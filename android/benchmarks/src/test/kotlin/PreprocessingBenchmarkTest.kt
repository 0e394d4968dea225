package io.github.dvfl.benchmarks

import io.github.dvfl.Preprocessor
import io.github.dvfl.benchmarks.PreprocessingBenchmark.ChromaLayout
import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.openjdk.jmh.profile.GCProfiler
import org.openjdk.jmh.results.RunResult
import org.openjdk.jmh.runner.Runner
import org.openjdk.jmh.runner.options.OptionsBuilder
import org.openjdk.jmh.runner.options.TimeValue
import org.openjdk.jmh.runner.options.VerboseMode
import java.lang.management.ManagementFactory
import java.nio.ByteBuffer

/** A longer, steadier run: `mvn -pl benchmarks -am verify -Dbenchmark.milliseconds=5000`. */
class PreprocessingBenchmarkTest {
    @Test
    fun `both programs give the same bytes`() {
        for (layout in ChromaLayout.entries) {
            val frame = PreprocessingBenchmark.noise(layout)
            val preprocessor = Preprocessor(PreprocessingBenchmark.shippedSpec())
            val fused = ByteBuffer.allocateDirect(preprocessor.frameBytes)
            preprocessor.preprocess(frame, fused)
            val whole = ByteArray(preprocessor.frameBytes)
            WholeFrame(preprocessor.spec, frame.width, frame.height).preprocess(frame, whole)
            assertArrayEquals(whole, ByteArray(whole.size) { fused.get(it) })
        }
    }

    @Test
    fun `the fused pass allocates nothing`() {
        // Exact, which JMH's profiler is not: it counts what JMH itself allocates in an iteration.
        val threads = ManagementFactory.getThreadMXBean() as com.sun.management.ThreadMXBean
        val preprocessor = Preprocessor(PreprocessingBenchmark.shippedSpec())
        val out = ByteBuffer.allocateDirect(preprocessor.frameBytes)
        for (layout in ChromaLayout.entries) {
            val frame = PreprocessingBenchmark.noise(layout)
            preprocessor.preprocess(frame, out)
            val thread = Thread.currentThread().id
            // The JVM itself may allocate once, when it compiles; what a frame allocates is in every round.
            val perFrame =
                List(ROUNDS) {
                    val before = threads.getThreadAllocatedBytes(thread)
                    repeat(FRAMES) { preprocessor.preprocess(frame, out) }
                    (threads.getThreadAllocatedBytes(thread) - before).toDouble() / FRAMES
                }.min()
            assertTrue(perFrame < 1, "$layout: $perFrame bytes per frame")
        }
    }

    @Test
    fun `the fused pass is many times as fast as the whole frame`() {
        // A machine that is busy with something else spoils one run, hardly three.
        val ratios = generateSequence { ratios(measured()) }.take(RUNS)
        assertTrue(ratios.any { it.min() >= LEAST_RATIO }, "less than $LEAST_RATIO in each of $RUNS runs")
    }

    private fun ratios(results: Collection<RunResult>): List<Double> {
        println("1920x1080 -> 224x224  fused ms  whole frame ms  ratio  fused B/op with JMH's own")
        return ChromaLayout.entries.map { layout ->
            val fused = results.of("fused", layout)
            val whole = results.of("wholeFrame", layout)
            val bytes = fused.secondaryResults.getValue(ALLOCATED).score
            (whole.fastest / fused.fastest).also {
                println(ROW.format(layout, fused.fastest, whole.fastest, it, bytes))
            }
        }
    }

    private fun measured(): Collection<RunResult> {
        val iteration = TimeValue.milliseconds(Integer.getInteger("benchmark.milliseconds", 500).toLong())
        val options =
            OptionsBuilder()
                .include(PreprocessingBenchmark::class.java.name)
                .forks(1)
                .warmupIterations(6)
                .warmupTime(iteration)
                .measurementIterations(10)
                .measurementTime(iteration)
                .addProfiler(GCProfiler::class.java)
                .verbosity(VerboseMode.SILENT)
                .shouldFailOnError(true)
                .build()
        return Runner(options).run()
    }

    private fun Collection<RunResult>.of(
        benchmark: String,
        layout: ChromaLayout,
    ) = first {
        it.params.benchmark.endsWith(".$benchmark") && it.params.getParam("layout") == layout.name
    }

    /** The fastest iteration: other programs of the machine can only slow one down. */
    private val RunResult.fastest: Double get() = primaryResult.statistics.min

    private companion object {
        // The processor decides: 26 on one server, 18 to 20 on its successor. Touching every source pixel of the
        // crop, 4.5 times as many as the output needs, would fall below.
        const val LEAST_RATIO = 12.0
        const val RUNS = 3
        const val ROW = "%-21s %9.3f %15.3f %6.1f %10.1f"
        const val FRAMES = 300
        const val ROUNDS = 3
        const val ALLOCATED = "gc.alloc.rate.norm"
    }
}
