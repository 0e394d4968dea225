package io.github.dvfl.streaming

/**
 * Admits at most one frame per interval on average, in ticks.
 *
 * Half an interval of slack lets every frame of a camera of just that rate pass although its time stamps jitter.
 */
internal class RateLimit(
    private val interval: Long,
) {
    private val slack = interval / 2
    private var next = 0L
    private var started = false

    /** Whether to keep a frame; ticks never decrease. */
    fun admits(tick: Long): Boolean {
        val earliest = if (started) next else tick - slack
        if (tick + slack < earliest) return false
        started = true
        next = maxOf(earliest, tick - slack) + interval
        return true
    }

    fun reset() {
        started = false
    }
}
