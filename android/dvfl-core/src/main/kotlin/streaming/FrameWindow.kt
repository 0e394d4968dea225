package io.github.dvfl.streaming

import java.nio.ByteBuffer

/** One preprocessed frame and its memory, which is used again and again. */
internal class HeldFrame(
    bytes: Int,
) {
    val pixels: ByteBuffer = ByteBuffer.allocateDirect(bytes)
    var tick = 0L
    var timeS = 0.0
}

/** Frames that are not in use. Never makes more than were in use at one time. */
internal class FramePool(
    private val frameBytes: Int,
) {
    private val spare = ArrayDeque<HeldFrame>()

    /** Buffers made so far. */
    var made = 0
        private set

    fun take(): HeldFrame = spare.removeLastOrNull() ?: HeldFrame(frameBytes).also { made++ }

    fun giveBack(frame: HeldFrame) {
        spare.addLast(frame)
    }

    fun clear() = spare.clear()
}

/**
 * The preprocessed frames of the last window, and when the next inference is due.
 *
 * Inferences are due on an even grid that starts one window after the first frame.
 */
internal class FrameWindow(
    private val window: Long,
    private val stride: Long,
    private val pool: FramePool,
) {
    private val frames = ArrayDeque<HeldFrame>()
    private var due = 0L

    val newest: HeldFrame get() = frames.last()

    operator fun get(index: Int): HeldFrame = frames[index]

    /** Times of the held frames, oldest first. */
    fun ticks(): LongArray = LongArray(frames.size) { frames[it].tick }

    /** Whether a frame at least as new is held. */
    fun isLate(tick: Long): Boolean = frames.isNotEmpty() && tick <= newest.tick

    /** Whether a late frame is so late that the clock must have restarted. */
    fun restarted(
        tick: Long,
        tolerance: Long,
    ): Boolean = newest.tick - tick > tolerance

    /** Whether a frame comes so long after the newest that the window fills anew. */
    fun startsAnew(tick: Long): Boolean = frames.isEmpty() || tick - newest.tick > window

    /** Keeps a frame newer than all others and gives back those that no later window can need. */
    fun add(frame: HeldFrame) {
        if (startsAnew(frame.tick)) due = frame.tick + window
        frames.addLast(frame)
        while (frames.first().tick <= frame.tick - window) pool.giveBack(frames.removeFirst())
    }

    /** Whether an inference is due at the newest frame; if so, moves on to the next time of the grid. */
    fun takeDue(): Boolean {
        val late = newest.tick - due
        if (late < 0) return false
        due += (late / stride + 1) * stride
        return true
    }

    fun clear() {
        while (frames.isNotEmpty()) pool.giveBack(frames.removeFirst())
    }
}
