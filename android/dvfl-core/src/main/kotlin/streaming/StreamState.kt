package io.github.dvfl.streaming

import io.github.dvfl.Clip
import io.github.dvfl.Entered
import io.github.dvfl.Left
import io.github.dvfl.PreprocessingSpec
import io.github.dvfl.Preprocessor
import io.github.dvfl.Result
import io.github.dvfl.StreamCounters
import io.github.dvfl.StreamingOptions
import io.github.dvfl.Update
import io.github.dvfl.VideoFrame
import io.github.dvfl.putBlock
import io.github.dvfl.rank
import io.github.dvfl.softmax
import io.github.dvfl.ticks
import io.github.dvfl.windowTickIndices
import java.nio.ByteBuffer
import kotlin.math.floor

/** What became of a frame. */
internal enum class Verdict {
    DROPPED,
    KEPT,

    /** Kept, and an inference is due at it. */
    DUE,
}

/** The input of one inference, and what its result belongs to. */
internal class Sample(
    val clip: Clip,
    val tick: Long,
    val timeS: Double,
    val epoch: Int,
)

/**
 * All of a stream but threads and the model: `spec/streaming.md` in code. Not thread-safe.
 *
 * Updates gather in [outbox] in the order in which they came about. It is bounded: it is emptied before the next
 * inference, and without one at most one more label can be left.
 */
internal class StreamState(
    private val spec: PreprocessingSpec,
    private val options: StreamingOptions,
    private val labels: List<String>,
) {
    private val perSecond = spec.window.ticksPerSecond
    private val windowTicks = boundedTicks(options.windowS).coerceAtMost(MOST_WINDOW_TICKS)
    private val maxLate = boundedTicks(options.maxLateS)
    private val preprocessor = Preprocessor(spec)
    private val pool = FramePool(preprocessor.frameBytes)
    private val window = FrameWindow(windowTicks, boundedTicks(options.strideS).coerceAtLeast(1), pool)
    private val rate = RateLimit(floor(perSecond / options.maxFps + 0.5).toLong().coerceIn(1, MOST_TICKS))
    private val smoother = ScoreSmoother(options.smoothingHalfLifeS, perSecond)
    private val activity =
        Activity(options.enterThreshold, options.leaveThreshold, boundedTicks(options.minHoldS))
    private val clipPixels = ByteBuffer.allocateDirect(spec.temporal.frames * preprocessor.frameBytes)

    /** Results of an earlier epoch are void: the stream was reset while the model ran. */
    private var epoch = 0
    private var lastTimeS = 0.0
    private var received = 0L
    private var droppedLate = 0L
    private var droppedRate = 0L
    private var droppedPaused = 0L
    private var inferences = 0L
    private var restarts = 0L

    /** Due inferences that never ran. */
    private var skipped = 0L

    /** Whether an inference is due that has not begun. */
    var pending = false
        private set

    /** Whether frames are ignored. */
    var paused = false

    /** Updates that nobody has yet. */
    val outbox = ArrayDeque<Update>()

    /** Frame buffers made so far. */
    val framesMade: Int get() = pool.made

    val counters: StreamCounters
        get() =
            StreamCounters(
                received,
                droppedLate,
                droppedRate,
                droppedPaused,
                skipped,
                inferences,
                restarts,
            )

    init {
        require(
            windowTicks >= 1,
        ) { "windowS must be at least one tick of 1/$perSecond s, not ${options.windowS}" }
    }

    /** Takes the next frame; nothing of it is kept but its preprocessed pixels. */
    fun accept(frame: VideoFrame): Verdict {
        received++
        if (paused) {
            droppedPaused++
            return Verdict.DROPPED
        }
        val tick = boundedTicks(frame.timeS)
        if (window.isLate(tick)) {
            if (!window.restarted(tick, maxLate)) {
                droppedLate++
                return Verdict.DROPPED
            }
            restarts++
            reset()
        }
        if (!rate.admits(tick)) {
            droppedRate++
            return Verdict.DROPPED
        }
        val held = preprocessed(frame, tick)
        // An inference that waited since before a gap would see one lonely frame.
        if (window.startsAnew(tick)) skipPending()
        window.add(held)
        if (!window.takeDue()) return Verdict.KEPT
        skipPending()
        pending = true
        return Verdict.DUE
    }

    /**
     * Begins the inference that is due: the spec's sample of the window that ends at the newest frame, which may be
     * newer than the frame it became due at. Its pixels are valid until the next call.
     */
    fun takeSample(): Sample {
        pending = false
        val newest = window.newest
        val indices = checkNotNull(windowTickIndices(window.ticks(), newest.tick, windowTicks, spec))
        indices.forEachIndexed { position, index ->
            clipPixels.putBlock(position * preprocessor.frameBytes, window[index].pixels)
        }
        val times = indices.map { window[it].timeS }
        val size = spec.crop.size
        return Sample(Clip(clipPixels, times.size, size, size, times), newest.tick, newest.timeS, epoch)
    }

    /** Takes the model's answer to a sample; one from before a reset is counted and void. */
    fun answer(
        sample: Sample,
        logits: FloatArray,
    ) {
        inferences++
        if (sample.epoch != epoch) return
        lastTimeS = sample.timeS
        val scores = smoother.update(sample.tick, softmax(logits))
        val changes = activity.update(sample.tick, scores)
        val ranked = rank(logits, labels, options.top, scores)
        outbox += Result(sample.timeS, ranked, activity.index?.let(labels::get))
        changes.forEach(::report)
    }

    /** An inference that began was given up. */
    fun abandon() {
        skipped++
    }

    /** Forgets the frames, the rate, the scores and the active label; counters stay. */
    fun reset() {
        epoch++
        skipPending()
        activity.end()?.let(::report)
        window.clear()
        rate.reset()
        smoother.reset()
    }

    /** Frees the frames; what nobody has yet is never reported. */
    fun close() {
        reset()
        pool.clear()
        outbox.clear()
    }

    private fun skipPending() {
        if (pending) skipped++
        pending = false
    }

    private fun preprocessed(
        frame: VideoFrame,
        tick: Long,
    ): HeldFrame {
        val held = pool.take()
        try {
            preprocessor.preprocess(frame, held.pixels)
        } catch (error: RuntimeException) {
            pool.giveBack(held)
            throw error
        }
        held.tick = tick
        held.timeS = frame.timeS
        return held
    }

    private fun report(change: Change) {
        val label = labels[change.index]
        outbox +=
            if (change.entered) {
                Entered(label, lastTimeS, change.score)
            } else {
                Left(label, lastTimeS, change.score)
            }
    }

    /** Sums of a few of these fit a Long, whatever the time. */
    private fun boundedTicks(seconds: Double): Long = ticks(seconds, perSecond).coerceAtMost(MOST_TICKS)

    private companion object {
        const val MOST_TICKS = 1L shl 60

        /** The window rule multiplies a window by its number of frames: this leaves room for millions of them. */
        const val MOST_WINDOW_TICKS = 1L shl 40
    }
}
