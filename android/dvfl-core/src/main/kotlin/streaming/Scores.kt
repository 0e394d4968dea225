package io.github.dvfl.streaming

import kotlin.math.pow

/** An exponential moving average of scores over time: an old result's weight halves per half-life. */
internal class ScoreSmoother(
    halfLifeS: Double,
    ticksPerSecond: Int,
) {
    private val halfLife = halfLifeS * ticksPerSecond
    private var tick = 0L
    private var scores: DoubleArray? = null

    /** The smoothed scores `[K]` after new ones at [tick]. */
    fun update(
        tick: Long,
        fresh: DoubleArray,
    ): DoubleArray {
        val earlier = scores
        val smoothed =
            if (earlier != null && halfLife > 0) {
                val kept = 0.5.pow((tick - this.tick) / halfLife)
                DoubleArray(fresh.size) { kept * earlier[it] + (1.0 - kept) * fresh[it] }
            } else {
                fresh
            }
        this.tick = tick
        scores = smoothed
        return smoothed
    }

    fun reset() {
        scores = null
    }
}

/** A label was entered or left, with its smoothed score. */
internal class Change(
    val index: Int,
    val entered: Boolean,
    val score: Double,
)

/** At most one active label, entered and left with hysteresis. */
internal class Activity(
    private val enter: Double,
    private val leave: Double,
    private val minHold: Long,
) {
    private var since = 0L
    private var score = 0.0

    /** The active label, or null. */
    var index: Int? = null
        private set

    /** What changes at [tick]: nothing, a leave, an enter, or a leave and then an enter. */
    fun update(
        tick: Long,
        scores: DoubleArray,
    ): List<Change> {
        val best = scores.indices.maxBy { scores[it] }
        val bestEnters = scores[best] >= enter
        val changes = mutableListOf<Change>()
        index?.let { active ->
            score = scores[active]
            val replaced = bestEnters && scores[best] > score
            if ((score < leave || replaced) && tick - since >= minHold) end()?.let(changes::add)
        }
        if (index == null && bestEnters) {
            index = best
            since = tick
            score = scores[best]
            changes += Change(best, true, score)
        }
        return changes
    }

    /** Leaves the active label, if there is one. */
    fun end(): Change? {
        val active = index ?: return null
        index = null
        return Change(active, false, score)
    }
}
