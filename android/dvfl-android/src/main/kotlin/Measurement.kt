package io.github.dvfl.android

import io.github.dvfl.Artifact
import io.github.dvfl.Bundle
import io.github.dvfl.BundleException
import io.github.dvfl.Clip
import io.github.dvfl.DvflException
import io.github.dvfl.ReferenceVector
import io.github.dvfl.engine.Engine
import io.github.dvfl.engine.EngineProvider
import io.github.dvfl.engine.checkedLogits
import java.io.File
import java.io.IOException
import kotlin.math.abs
import kotlin.math.ceil

/** How an artifact is measured. */
public data class MeasureOptions(
    /** What [DeviceRun.accelerator] says; the provider that is given must mean the same. */
    val accelerator: String = "cpu",
    /** CPU threads; null leaves it to the engine. */
    val threads: Int? = null,
    /** Timed runs; 0 leaves the latency out. */
    val runs: Int = 50,
    /** Runs before those, besides one per reference clip. */
    val warmUps: Int = 5,
) {
    init {
        require(Regex("[a-z0-9_]+").matches(accelerator)) {
            "accelerator must consist of a-z, 0-9 and _, not '$accelerator'"
        }
        require(threads == null || threads >= 1) { "threads must be at least 1, not $threads" }
        require(runs >= 0) { "runs must be 0 or more, not $runs" }
        require(warmUps >= 0) { "warmUps must be 0 or more, not $warmUps" }
    }
}

/** The state of the device, as far as it can be read; null where it can't. */
public interface DeviceProbe {
    /** The system's word for its thermal state, such as `none` or `light`. */
    public fun thermal(): String?

    /** Memory of this process in bytes. */
    public fun memoryBytes(): Long?
}

/**
 * Runs every reference vector of [bundle] through an artifact, then times it. A failure is a result: it never
 * throws what the runtime throws.
 *
 * Blocks for all of it, in the caller's thread, which must not be the main one. Needs no Android.
 *
 * @param provider the engine, on the accelerator that [options] name.
 * @param runtime its name and version, such as `LiteRT 2.16.1`.
 * @throws InterruptedException if the thread is interrupted between two runs.
 */
@Throws(InterruptedException::class)
public fun measure(
    bundle: Bundle,
    artifact: Artifact,
    provider: EngineProvider,
    runtime: String,
    options: MeasureOptions,
    probe: DeviceProbe,
): DeviceRun = Measurement(bundle, artifact, provider, runtime, options, probe).run()

/**
 * sha256 of a bundle's `manifest.json`, which ties a report to it.
 *
 * @throws BundleException if the file cannot be read.
 */
public fun manifestSha256(bundle: Bundle): String {
    val file = File(bundle.root, Bundle.MANIFEST_FILE)
    return try {
        sha256(file.readBytes())
    } catch (error: IOException) {
        throw BundleException("$file: unreadable: ${error.message}", error)
    }
}

private class Measurement(
    private val bundle: Bundle,
    private val artifact: Artifact,
    private val provider: EngineProvider,
    private val runtime: String,
    private val options: MeasureOptions,
    private val probe: DeviceProbe,
) {
    private val clips = ArrayList<ClipRun>()
    private var loadMs: Double? = null
    private var firstMs: Double? = null
    private var latency: Latency? = null
    private var memoryBytes: Long? = null

    fun run(): DeviceRun {
        val before = probe.thermal()
        val failure =
            try {
                runAll()
                null
            } catch (error: InterruptedException) {
                throw error
            } catch (error: DvflException) {
                oneLine(error.message)
            } catch (
                @Suppress("TooGenericExceptionCaught") error: RuntimeException,
            ) {
                oneLine("the runtime throws $error")
            } catch (error: LinkageError) {
                oneLine("the runtime's library cannot be loaded: $error")
            } catch (error: OutOfMemoryError) {
                oneLine("out of memory: ${error.message}")
            }
        return result(failure, before)
    }

    private fun runAll() {
        val vectors = bundle.manifest.referenceVectors
        if (vectors.isEmpty()) {
            throw BundleException(
                "${bundle.root}: holds no reference vectors; copy the folder 'vectors' as well",
            )
        }
        provider.obstacle()?.let { throw BundleException("${provider.target} cannot run here: $it") }
        val started = System.nanoTime()
        provider.load(bundle, artifact, options.threads).use { engine ->
            loadMs = millisecondsSince(started)
            for (vector in vectors) clips += runClip(engine, vector, bundle.referenceClip(vector))
            if (options.runs > 0) latency = timed(engine, bundle.referenceClip(vectors.first()))
            sampleMemory()
        }
    }

    private fun runClip(
        engine: Engine,
        vector: ReferenceVector,
        clip: Clip,
    ): ClipRun {
        if (Thread.interrupted()) throw InterruptedException("interrupted between two clips")
        val started = System.nanoTime()
        val output = engine.run(clip)
        if (firstMs == null) firstMs = millisecondsSince(started)
        val logits = checkedLogits(output, bundle.manifest.labels.size, provider.target)
        sampleMemory()
        return compare(vector, logits)
    }

    private fun timed(
        engine: Engine,
        clip: Clip,
    ): Latency {
        repeat(options.warmUps) { engine.run(clip) }
        val times =
            DoubleArray(options.runs) {
                if (Thread.interrupted()) throw InterruptedException("interrupted between two runs")
                val started = System.nanoTime()
                engine.run(clip)
                millisecondsSince(started)
            }
        return latencyOf(times)
    }

    private fun sampleMemory() {
        val now = probe.memoryBytes() ?: return
        memoryBytes = maxOf(memoryBytes ?: 0, now)
    }

    private fun result(
        failure: String?,
        thermalBefore: String?,
    ): DeviceRun =
        DeviceRun(
            target = artifact.target,
            precision = artifact.precision.id,
            artifactSha256 = artifact.sha256,
            accelerator = options.accelerator,
            threads = options.threads,
            runtime = runtime,
            status = if (failure == null) RunStatus.RAN else RunStatus.FAILED,
            reason = failure,
            loadMs = loadMs,
            firstMs = firstMs,
            clips = clips,
            latencyMs = latency,
            memoryBytes = memoryBytes,
            thermalBefore = thermalBefore,
            thermalAfter = probe.thermal(),
        )
}

internal fun compare(
    vector: ReferenceVector,
    logits: FloatArray,
): ClipRun =
    ClipRun(
        clip = vector.name,
        logits = logits.toList(),
        maxAbsError = logits.indices.maxOf { abs(logits[it].toDouble() - vector.logits[it]) },
        top1Agrees =
            logits.indices.maxBy { logits[it] } == vector.logits.indices.maxBy { vector.logits[it] },
    )

internal fun latencyOf(times: DoubleArray): Latency {
    val sorted = times.sortedArray()

    fun rank(share: Double) = sorted[ceil(share * sorted.size).toInt() - 1]
    return Latency(sorted.size, sorted.first(), rank(MEDIAN), rank(NINE_TENTHS))
}

private fun oneLine(message: String?): String =
    message
        .orEmpty()
        .lines()
        .joinToString(" ") { it.trim() }
        .trim()
        .ifEmpty { "failed without a message" }

private fun millisecondsSince(started: Long): Double = (System.nanoTime() - started) / NANOSECONDS_PER_MS

private const val NANOSECONDS_PER_MS = 1e6
private const val MEDIAN = 0.5
private const val NINE_TENTHS = 0.9
