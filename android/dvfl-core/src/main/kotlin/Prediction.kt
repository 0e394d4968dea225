package io.github.dvfl

import kotlin.math.exp

/** One class of a result. */
public data class Prediction(
    /** Row of the classifier head, 0-based; `labels[index]` is the label. */
    val index: Int,
    /** The class name. */
    val label: String,
    /** The model's raw output. */
    val logit: Double,
    /** Softmax probability, 0..1; smoothed over time in a stream. */
    val score: Double,
)

/** Probabilities `[K]` of logits `[K]`; any finite logits give finite scores. */
internal fun softmax(logits: FloatArray): DoubleArray {
    val most = logits.max().toDouble()
    val powers = DoubleArray(logits.size) { exp(logits[it] - most) }
    val sum = powers.sum()
    return DoubleArray(logits.size) { powers[it] / sum }
}

/**
 * The [top] classes (null: all), best first and the lower index first on a tie, ranked by logit, or by [scores]
 * if they are given.
 */
internal fun rank(
    logits: FloatArray,
    labels: List<String>,
    top: Int?,
    scores: DoubleArray? = null,
): List<Prediction> {
    // Logits order what the softmax rounds to the same score; a given score stands for itself.
    val shown = scores ?: softmax(logits)
    // Adding zero makes -0.0 a 0.0, which would otherwise rank lower.
    val key: (Int) -> Double = if (scores == null) ({ logits[it] + 0.0 }) else ({ scores[it] })
    return logits.indices
        .sortedByDescending(key)
        .take(top ?: logits.size)
        .map { Prediction(it, labels[it], logits[it].toDouble(), shown[it]) }
}

internal fun requireTop(top: Int?) {
    require(top == null || top >= 1) { "top must be at least 1, not $top" }
}
