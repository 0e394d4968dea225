package io.github.dvfl

/**
 * How a stream is cut into windows and how results become events; the rules are in `spec/streaming.md`. Times are in
 * seconds, every number is finite.
 *
 * @property windowS seconds of video that one inference sees, more than 0. The first result comes after this long.
 * @property strideS seconds between inferences, more than 0.
 * @property smoothingHalfLifeS the weight of an earlier result's scores halves in this many seconds; 0 turns
 *   smoothing off.
 * @property enterThreshold a label is entered when its smoothed score is the highest and at least this; more than 0,
 *   at most 1.
 * @property leaveThreshold a label is left when its smoothed score falls below this; 0 or more and less than
 *   [enterThreshold], so that a score near one threshold does not flicker.
 * @property minHoldS a label that was entered is not left sooner than this; 0 or more.
 * @property maxLateS a frame that is not newer than the newest is late and dropped; one that is older than it by more
 *   than this means that the camera's clock restarted, and so does the stream. 0 or more.
 * @property maxFps frames beyond this rate are dropped before any work is done on them; more than 0. Bounds memory to
 *   about `windowS * maxFps` preprocessed frames.
 * @property top predictions in a result, 1 or more; null for every class.
 * @throws IllegalArgumentException from the constructor, naming the option that is out of its range.
 */
public data class StreamingOptions(
    val windowS: Double = 2.0,
    val strideS: Double = 0.5,
    val smoothingHalfLifeS: Double = 0.5,
    val enterThreshold: Double = 0.6,
    val leaveThreshold: Double = 0.4,
    val minHoldS: Double = 0.0,
    val maxLateS: Double = 1.0,
    val maxFps: Double = 30.0,
    val top: Int? = 5,
) {
    init {
        requirePositive("windowS", windowS)
        requirePositive("strideS", strideS)
        requirePositive("maxFps", maxFps)
        requireNotNegative("smoothingHalfLifeS", smoothingHalfLifeS)
        requireNotNegative("minHoldS", minHoldS)
        requireNotNegative("maxLateS", maxLateS)
        require(enterThreshold > 0 && enterThreshold <= 1) {
            "enterThreshold must be more than 0 and at most 1, not $enterThreshold"
        }
        require(leaveThreshold >= 0 && leaveThreshold < enterThreshold) {
            "leaveThreshold must be 0 or more and less than enterThreshold $enterThreshold, not $leaveThreshold"
        }
        requireTop(top)
    }
}

private fun requirePositive(
    name: String,
    value: Double,
) = require(value.isFinite() && value > 0) { "$name must be more than 0, not $value" }

private fun requireNotNegative(
    name: String,
    value: Double,
) = require(value.isFinite() && value >= 0) { "$name must be 0 or more, not $value" }
