package io.github.dvfl

import io.github.dvfl.streaming.Sample
import io.github.dvfl.streaming.StreamState
import io.github.dvfl.streaming.Verdict
import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.FlowCollector
import kotlinx.coroutines.flow.flow
import kotlinx.coroutines.runInterruptible
import java.io.File
import java.util.concurrent.atomic.AtomicBoolean
import java.util.concurrent.locks.ReentrantLock
import kotlin.concurrent.withLock

/**
 * Recognises actions in a stream of frames with time stamps: smoothed results, and events when a label is entered and
 * left. Everything is decided by the frames' own times, never by the clock of the device.
 *
 * **Synchronous**, for files and tests. [push] runs the model in the caller's thread when an inference is due and
 * returns what came of it; the same frames give the same updates, on every machine and in every SDK.
 *
 * **Live**, for cameras. The camera's thread calls [offer], which never waits for the model; collecting [updates] runs
 * the model:
 *
 * ```
 * scope.launch {
 *     stream.updates.buffer(Channel.RENDEZVOUS).flowOn(Dispatchers.Default).collect(::show)
 * }
 * camera.onFrame { stream.offer(it) }
 * ```
 *
 * A model that is slower than the stride skips: when it is free it runs once, on the newest window, so that the newest
 * result is never older than one inference and one frame interval. Every skipped inference counts in
 * [StreamCounters.skippedBusy]. Memory is bounded by the window whatever happens.
 *
 * A stream is driven in one of these two ways; the first call of [push], [offer] or collection of [updates] decides,
 * and the other way then throws [IllegalStateException]. **Every update is handed out once**: to the caller of [push],
 * [reset] or [pause] in a synchronous stream, to the collector of [updates] in a live one.
 *
 * Any method may be called from any thread. None but [push] and [close] waits for the model.
 *
 * @property recognizer runs the model; other callers may use it too.
 * @property options how the stream is cut and how results become events.
 */
public class StreamingActionRecognizer private constructor(
    public val recognizer: ActionRecognizer,
    public val options: StreamingOptions,
    private val ownsRecognizer: Boolean,
) : AutoCloseable {
    /** Held for a moment only: for a frame's preprocessing, or for copying a clip, never during an inference. */
    private val lock = ReentrantLock()

    /** Held by whoever runs the model. Taken before [lock], never while holding it. */
    private val turn = ReentrantLock(true)

    /** Wakes the collector; says only that there is something to look at. */
    private val signal = Channel<Unit>(Channel.CONFLATED)
    private val collecting = AtomicBoolean()

    /** Guarded by [lock]. */
    private val state = StreamState(recognizer.spec, options, recognizer.labels)

    /** Guarded by [lock]. */
    private var mode = Mode.UNDECIDED

    @Volatile
    private var closed = false

    /**
     * Streams through a recognizer that the caller keeps and closes.
     *
     * @throws IllegalArgumentException if the window is shorter than one tick of the bundle's spec.
     */
    public constructor(recognizer: ActionRecognizer, options: StreamingOptions = StreamingOptions()) :
        this(recognizer, options, ownsRecognizer = false)

    /** A snapshot of the counts since the stream was made. */
    public val counters: StreamCounters get() = lock.withLock { state.counters }

    /** Frame buffers made so far. */
    internal val framesMade: Int get() = lock.withLock { state.framesMade }

    /**
     * Takes the next frame; returns nothing, or a result followed by its events. Runs the model when an inference is
     * due, after those of other threads. The frame's pixels are not kept: it may be reused after the call.
     *
     * An inference during which the stream was reset by another thread counts, and returns nothing.
     *
     * @throws ClosedException if the stream or its recognizer was closed.
     * @throws IllegalStateException if the stream is live.
     * @throws FrameException if a buffer of the frame became shorter.
     * @throws EngineException if the inference fails; the stream goes on with the next stride.
     */
    public fun push(frame: VideoFrame): List<Update> {
        turn.lockInterruptibly()
        try {
            val sample =
                lock.withLock {
                    enter(Mode.SYNCHRONOUS)
                    if (state.accept(frame) == Verdict.DUE) state.takeSample() else null
                }
            if (sample != null) {
                val logits = recognizer.logits(sample.clip)
                lock.withLock { state.answer(sample, logits) }
            }
            return lock.withLock(::handOut)
        } finally {
            turn.unlock()
        }
    }

    /**
     * Takes the next frame of a live stream: preprocesses it in the caller's thread, and never runs the model nor waits
     * for it. The frame's pixels are not kept: it may be reused after the call.
     *
     * @return false if the frame was dropped: late, faster than `maxFps`, or while paused.
     * @throws ClosedException if the stream or its recognizer was closed.
     * @throws IllegalStateException if the stream is driven by [push].
     * @throws FrameException if a buffer of the frame became shorter.
     */
    public fun offer(frame: VideoFrame): Boolean {
        lock.withLock {
            enter(Mode.LIVE)
            try {
                return state.accept(frame) != Verdict.DROPPED
            } finally {
                // Also when the frame is refused after its time stamp restarted the stream.
                wake()
            }
        }
    }

    /**
     * The updates of a live stream. Collecting runs the due inferences, one after the other, in the collector's context:
     * put `flowOn(Dispatchers.Default)` behind it, with `buffer(Channel.RENDEZVOUS)` before that, so that a slow
     * consumer skips inferences instead of receiving old ones.
     *
     * One collector at a time: a second gets an [IllegalStateException]. When the collector is cancelled, an inference
     * that waits for its turn is given up and one that runs is completed; updates that were not emitted yet go to the
     * next collector. While nobody collects, [offer] goes on and the newest window waits.
     *
     * Completes after [close]. Throws [EngineException] if an inference fails, or [ClosedException] if the recognizer
     * was closed but not the stream; after a failure the stream goes on with the next stride when it is collected again.
     */
    public val updates: Flow<Update> =
        flow {
            check(collecting.compareAndSet(false, true)) {
                "updates has a collector already; collect once and share it, with shareIn for example"
            }
            try {
                if (!closed) lock.withLock { decide(Mode.LIVE) }
                collectLive()
            } finally {
                collecting.set(false)
            }
        }

    /**
     * Forgets the window and the scores, as after a change of camera; counters stay. An inference that runs in another
     * thread is not waited for, and its result is dropped. Does nothing on a closed stream.
     *
     * @return the [Left] of the active label, if there is one; in a live stream it goes to [updates] instead, and the
     *   list is empty.
     */
    public fun reset(): List<Update> =
        lock.withLock {
            if (closed) return emptyList()
            state.reset()
            wake()
            if (mode == Mode.LIVE) emptyList() else handOut()
        }

    /**
     * Resets, then ignores frames until [resume]; the same again when paused already.
     *
     * @return as [reset].
     */
    public fun pause(): List<Update> =
        lock.withLock {
            state.paused = true
            reset()
        }

    /** Takes frames again after [pause]; the window fills anew. Does nothing when not paused. */
    public fun resume() {
        lock.withLock { state.paused = false }
    }

    /**
     * Ends the stream and frees its frames, after the inference that another thread may be running. Emits nothing;
     * [updates] completes. May be called more than once, from any thread. A recognizer that [open] made is closed too.
     */
    override fun close() {
        lock.withLock {
            closed = true
            state.close()
            wake()
        }
        try {
            // An inference of this stream may still read the clip and use the recognizer.
            turn.withLock { }
        } finally {
            if (ownsRecognizer) recognizer.close()
        }
    }

    private suspend fun FlowCollector<Update>.collectLive() {
        while (true) {
            when (val step = lock.withLock(::nextStep)) {
                is Step.Emit -> emit(step.update)
                Step.Infer -> infer()
                Step.Wait -> signal.receive()
                Step.End -> return
            }
        }
    }

    private fun nextStep(): Step =
        when {
            closed -> Step.End
            state.outbox.isNotEmpty() -> Step.Emit(state.outbox.removeFirst())
            state.pending -> Step.Infer
            else -> Step.Wait
        }

    private suspend fun infer() {
        try {
            runInterruptible { inferNewest() }
        } catch (error: ClosedException) {
            // Whoever closed the recognizer closed the stream too.
            if (!closed) throw error
        }
    }

    private fun inferNewest() {
        turn.lockInterruptibly()
        try {
            val sample = lock.withLock { if (state.pending) state.takeSample() else null } ?: return
            val logits = answerOrAbandon(sample)
            lock.withLock { state.answer(sample, logits) }
        } finally {
            turn.unlock()
        }
    }

    private fun answerOrAbandon(sample: Sample): FloatArray =
        try {
            recognizer.logits(sample.clip)
        } catch (error: InterruptedException) {
            lock.withLock { state.abandon() }
            throw error
        } catch (error: ClosedException) {
            lock.withLock { state.abandon() }
            throw error
        }

    /** To be called with [lock] held. */
    private fun wake() {
        if (closed || state.pending || state.outbox.isNotEmpty()) signal.trySend(Unit)
    }

    private fun handOut(): List<Update> {
        if (state.outbox.isEmpty()) return emptyList()
        return state.outbox.toList().also { state.outbox.clear() }
    }

    private fun enter(wanted: Mode) {
        if (closed || recognizer.isClosed) {
            val what = if (closed) "this stream" else "the recognizer of this stream"
            throw ClosedException("$what is closed; open another with StreamingActionRecognizer.open")
        }
        decide(wanted)
    }

    private fun decide(wanted: Mode) {
        check(mode == Mode.UNDECIDED || mode == wanted) {
            "this stream is ${mode.words}; make another one to use it in the other way"
        }
        mode = wanted
    }

    private enum class Mode(
        val words: String,
    ) {
        UNDECIDED("new"),
        SYNCHRONOUS("driven by push"),
        LIVE("live, driven by offer and updates"),
    }

    private sealed interface Step {
        class Emit(
            val update: Update,
        ) : Step

        data object Infer : Step

        data object Wait : Step

        data object End : Step
    }

    public companion object {
        /**
         * Opens a recognizer of its own; errors as [ActionRecognizer.open].
         *
         * @throws IllegalArgumentException if the window is shorter than one tick of the bundle's spec.
         */
        public fun open(
            bundle: File,
            options: StreamingOptions = StreamingOptions(),
            recognizerOptions: RecognizerOptions = RecognizerOptions(),
        ): StreamingActionRecognizer {
            val recognizer = ActionRecognizer.open(bundle, recognizerOptions)
            return try {
                StreamingActionRecognizer(recognizer, options, ownsRecognizer = true)
            } catch (error: RuntimeException) {
                recognizer.close()
                throw error
            }
        }
    }
}
