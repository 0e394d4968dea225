package io.github.dvfl.fakes

import io.github.dvfl.ActionRecognizer
import io.github.dvfl.Artifact
import io.github.dvfl.Bundle
import io.github.dvfl.Clip
import io.github.dvfl.Precision
import io.github.dvfl.RecognizerOptions
import io.github.dvfl.RgbFormat
import io.github.dvfl.RgbFrame
import io.github.dvfl.engine.Engine
import io.github.dvfl.engine.EngineProvider
import java.io.File
import java.nio.ByteBuffer
import java.util.concurrent.atomic.AtomicInteger

/** Runs a function in place of a model, and remembers what would be a crash in a real runtime. */
class FakeEngine(
    private val onClose: () -> Unit = {},
    private val model: (Clip) -> FloatArray,
) : Engine {
    private val running = AtomicInteger()

    @Volatile
    private var closed = false
    private val calls = AtomicInteger()
    private val closings = AtomicInteger()

    /** What a real runtime would have crashed of. */
    val crimes = mutableListOf<String>()

    val runs: Int get() = calls.get()
    val closes: Int get() = closings.get()

    override fun run(clip: Clip): FloatArray {
        if (closed) commit("run after close")
        if (running.incrementAndGet() != 1) commit("two runs at once")
        calls.incrementAndGet()
        try {
            return model(clip)
        } finally {
            if (closed) commit("closed during a run")
            running.decrementAndGet()
        }
    }

    override fun close() {
        if (running.get() != 0) commit("closed while it runs")
        closed = true
        closings.incrementAndGet()
        onClose()
    }

    private fun commit(crime: String) {
        synchronized(crimes) { crimes += crime }
    }
}

/** Makes engines of [target]; [make] throws what a real provider would. */
class FakeProvider(
    override val target: String,
    private val obstacle: () -> String? = { null },
    private val make: (Artifact, Int?) -> Engine = { _, _ -> FakeEngine { floatArrayOf(0f, 1f, 2f) } },
) : EngineProvider {
    override fun obstacle(): String? = obstacle.invoke()

    override fun load(
        bundle: Bundle,
        artifact: Artifact,
        threads: Int?,
    ): Engine {
        bundle.verified(artifact)
        return make(artifact, threads)
    }
}

/** What a provider was asked to load. */
data class Loaded(
    val target: String,
    val precision: Precision,
)

/** Options with just these engines, under the name that every made bundle has an artifact for. */
fun with(
    engine: Engine,
    target: String = "litert",
): RecognizerOptions = RecognizerOptions(providers = listOf(FakeProvider(target) { _, _ -> engine }))

/** A recognizer whose model is a function. */
fun recognizer(
    folder: File,
    engine: Engine,
): ActionRecognizer = ActionRecognizer.open(makeBundle(folder), with(engine))

/** A frame of one shade of grey, 4 x 4. */
fun grey(
    timeS: Double,
    shade: Int = 0,
): RgbFrame {
    val pixels = ByteBuffer.allocateDirect(GREY_BYTES)
    for (index in 0 until GREY_BYTES) pixels.put(index, shade.toByte())
    return RgbFrame(timeS, pixels, 4, 4, RgbFormat.RGB)
}

private const val GREY_BYTES = 4 * 4 * 3

/** The shade of each frame of a clip, after a look at all of its pixels. */
fun shades(clip: Clip): List<Int> {
    val bytes = clip.height * clip.width * 3
    return List(clip.frames) { frame ->
        val found = (0 until bytes).map { clip.pixels.get(frame * bytes + it).toInt() and 0xFF }.distinct()
        check(found.size == 1) { "frame $frame mixes the shades $found" }
        found.single()
    }
}
