package io.github.dvfl

import io.github.dvfl.engine.Engine
import io.github.dvfl.engine.checkShape
import io.github.dvfl.engine.checkedLogits
import io.github.dvfl.engine.load
import io.github.dvfl.engine.selectEngine
import io.github.dvfl.engine.typed
import java.io.File
import java.nio.ByteBuffer
import java.util.concurrent.locks.ReentrantLock
import kotlin.concurrent.withLock

/**
 * Recognises whole clips with one engine of a bundle:
 *
 * ```
 * ActionRecognizer.open(File(filesDir, "bundle")).use { recognizer ->
 *     val best = recognizer.recognize(frames).first()
 * }
 * ```
 *
 * Any method may be called from any thread, but takes as long as the model: not from the main thread. One inference
 * runs at a time, in the order of the calls; preprocessing of several callers overlaps. A call that waits for its turn
 * can be interrupted: inside `runInterruptible` a cancelled coroutine stops waiting, without it the call throws
 * [InterruptedException]. An inference that runs is never broken off.
 *
 * @property bundle where the artifact came from.
 */
public class ActionRecognizer internal constructor(
    public val bundle: Bundle,
    private val artifact: Artifact,
    private val runtime: Engine,
) : AutoCloseable {
    // Fair, so that a stream and a clip that share a recognizer take turns.
    private val turn = ReentrantLock(true)
    private val scratch = Spare { ClipScratch(spec) }

    /** Guarded by [turn]. */
    private var running = false

    /** Guarded by [turn]. */
    private var freed = false

    /** Whether [close] was called. */
    @Volatile
    public var isClosed: Boolean = false
        private set

    /** The engine's name: the artifact's target, such as `litert`. */
    public val engine: String get() = artifact.target

    /** The artifact's precision. */
    public val precision: Precision get() = artifact.precision

    /** The class names, in the order of the logits. */
    public val labels: List<String> get() = bundle.manifest.labels

    /** The preprocessing contract of the bundle. */
    public val spec: PreprocessingSpec get() = bundle.manifest.preprocessing

    /**
     * The best classes of a preprocessed clip, best first.
     *
     * @param clip of the bundle's shape; its buffer must not change during the call.
     * @param top how many predictions; null for every class.
     * @throws IllegalArgumentException if [top] is less than 1.
     * @throws ClosedException if the recognizer was closed.
     * @throws EngineException if the clip has another shape, the runtime fails, or the model returned NaN.
     */
    public fun recognize(
        clip: Clip,
        top: Int? = 5,
    ): List<Prediction> {
        requireTop(top)
        return rank(logits(clip), labels, top)
    }

    /**
     * The best classes of a clip, best first, from all of its frames in order; the spec's number of them is sampled,
     * and only those are preprocessed.
     *
     * @param top how many predictions; null for every class.
     * @throws IllegalArgumentException if [top] is less than 1.
     * @throws ClosedException if the recognizer was closed.
     * @throws FrameException if there are no frames, or their times do not increase.
     * @throws EngineException if the runtime fails, or the model returned NaN.
     */
    public fun recognize(
        frames: List<VideoFrame>,
        top: Int? = 5,
    ): List<Prediction> {
        requireTop(top)
        return rank(logits(frames), labels, top)
    }

    /** The model's raw output `[K]` for a preprocessed clip; errors as [recognize]. */
    public fun logits(clip: Clip): FloatArray {
        checkOpen()
        checkShape(clip, artifact.input)
        // A call that waits for its turn stops waiting when its thread is interrupted.
        turn.lockInterruptibly()
        try {
            return checkedLogits(run(clip), labels.size, engine)
        } finally {
            turn.unlock()
        }
    }

    /** The model's raw output `[K]` for all frames of a clip; errors as [recognize]. */
    public fun logits(frames: List<VideoFrame>): FloatArray {
        checkOpen()
        checkOrder(frames)
        return scratch.use { logits(it.clip(frames)) }
    }

    /** Runs one inference on a black clip, so that the first real one is not the slow one; errors as [recognize]. */
    public fun warmUp() {
        val frames = spec.temporal.frames
        val size = spec.crop.size
        val black = ByteBuffer.allocateDirect(frames * size * size * CHANNELS)
        logits(Clip(black, frames, size, size, List(frames) { 0.0 }))
    }

    /**
     * Frees the engine, after the inference that another thread may be running; calls that wait for their turn throw
     * [ClosedException]. May be called from any thread, and more than once.
     *
     * @throws EngineException if the runtime fails to free its memory.
     */
    override fun close() {
        isClosed = true
        scratch.clear()
        turn.withLock { if (!running) free() }
    }

    private fun run(clip: Clip): FloatArray {
        check(!running) { "engine '$engine' called the recognizer that runs it" }
        checkOpen()
        running = true
        try {
            return typed("$engine failed") { runtime.run(clip) }
        } finally {
            running = false
            // The engine itself may have called close, which then left this to do.
            if (isClosed) free()
        }
    }

    private fun free() {
        if (freed) return
        freed = true
        typed("$engine cannot be closed") { runtime.close() }
    }

    private fun checkOpen() {
        if (isClosed) {
            throw ClosedException(
                "this recognizer is closed; open another with ActionRecognizer.open",
            )
        }
    }

    public companion object {
        /**
         * Opens a bundle made by `dvfl convert` and loads one of its artifacts, after comparing its sha256: not from
         * the main thread.
         *
         * @throws BundleException if the bundle is missing, altered, of another schema version or lacks the artifact.
         * @throws EngineException if the engine is unknown, not in the app, not for this device or cannot load it.
         */
        public fun open(
            bundle: File,
            options: RecognizerOptions = RecognizerOptions(),
        ): ActionRecognizer = open(Bundle.open(bundle), options)

        /** The same for an opened bundle. */
        public fun open(
            bundle: Bundle,
            options: RecognizerOptions = RecognizerOptions(),
        ): ActionRecognizer {
            val selection = selectEngine(bundle, options)
            return ActionRecognizer(bundle, selection.artifact, selection.load(bundle, options.threads))
        }
    }
}

/** Frames in another order, or one frame many times, would give a confident answer about nothing. */
private fun checkOrder(frames: List<VideoFrame>) {
    if (frames.isEmpty()) {
        throw FrameException(
            "a clip needs at least one frame; give every frame of the clip",
        )
    }
    for (index in 1 until frames.size) {
        val earlier = frames[index - 1].timeS
        val later = frames[index].timeS
        if (later <= earlier) {
            throw FrameException(
                "frame $index ($later s) is not newer than frame ${index - 1} ($earlier s); " +
                    "give every frame of the clip, in order, with its presentation time",
            )
        }
    }
}
