package io.github.dvfl

import kotlin.math.abs
import kotlin.math.floor

/**
 * Positions, in presentation order, of the frames that stand for a whole clip of [frameCount] frames.
 *
 * With N frames and T = `temporal.frames`: `a = (N - excluded_frames) / T`, `index_i = int(i*a + a/2)` modulo N,
 * in double precision; N < `minimum_frames` gives T zeros.
 *
 * @return T positions, never decreasing, each in 0 until N.
 * @throws FrameException if [frameCount] is less than 1.
 */
public fun clipFrameIndices(
    frameCount: Int,
    spec: PreprocessingSpec,
): IntArray {
    if (frameCount < 1) throw FrameException("a clip needs at least one frame, not $frameCount")
    val rule = spec.temporal
    if (frameCount < rule.minimumFrames) return IntArray(rule.frames)
    val step = (frameCount - rule.excludedFrames).toDouble() / rule.frames
    return IntArray(rule.frames) { ((it * step + step / 2).toLong() % frameCount).toInt() }
}

/**
 * Positions in [timestampsS] of the frames that stand for a live window of seconds; see `spec/README.md`.
 *
 * @param timestampsS presentation times in seconds, never decreasing.
 * @param windowEndS the end of the window in seconds, itself inside the window.
 * @param windowS the length of the window in seconds.
 * @return T positions, never decreasing.
 * @throws FrameException if times decrease or are not finite, the window has no length, or no frame lies in it.
 */
public fun windowFrameIndices(
    timestampsS: DoubleArray,
    windowEndS: Double,
    windowS: Double,
    spec: PreprocessingSpec,
): IntArray {
    val perSecond = spec.window.ticksPerSecond
    val ticks = LongArray(timestampsS.size) { ticks(timestampsS[it], perSecond) }
    val length = ticks(windowS, perSecond)
    if (length < 1) throw FrameException("the window must have a positive length, not $windowS s")
    for (index in 1 until ticks.size) {
        if (ticks[index] < ticks[index - 1]) throw FrameException("time stamps must never decrease")
    }
    return windowTickIndices(ticks, ticks(windowEndS, perSecond), length, spec)
        ?: throw FrameException("no frame lies in the $windowS s that end at $windowEndS s")
}

/** The same for times in ticks that never decrease; null if no frame lies in the window. */
internal fun windowTickIndices(
    ticks: LongArray,
    end: Long,
    length: Long,
    spec: PreprocessingSpec,
): IntArray? {
    val first = ticks.indexOfFirst { it > end - length }
    val last = ticks.indexOfLast { it <= end }
    if (first < 0 || last < first) return null
    val count = last - first + 1
    return IntArray(spec.temporal.frames).also { chosen ->
        clipFrameIndices(count, spec).forEachIndexed { position, nominal ->
            chosen[position] =
                (first..last).minBy { abs(count * (ticks[it] - end) + (count - 1L - nominal) * length) }
        }
    }
}

/** `floor(t * ticks_per_second + 0.5)` in double precision. */
internal fun ticks(
    timeS: Double,
    perSecond: Int,
): Long {
    if (!timeS.isFinite()) throw FrameException("times must be finite, not $timeS")
    return floor(timeS * perSecond + 0.5).toLong()
}
