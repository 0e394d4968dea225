package io.github.dvfl

/** What a stream reports: a [Result], or an [Event] that follows from it. */
public sealed interface Update

/**
 * One inference.
 *
 * @property timeS presentation time of the newest frame it saw, in seconds.
 * @property predictions best smoothed score first; [Prediction.logit] is this window's own.
 * @property active the label that is entered after this result, or null.
 */
public data class Result(
    val timeS: Double,
    val predictions: List<Prediction>,
    val active: String?,
) : Update

/** The active label changed. Every [Entered] is followed by its [Left] before the next [Entered]. */
public sealed interface Event : Update {
    /** The class name. */
    public val label: String

    /** Presentation time of the newest frame of the result that decided it, in seconds. */
    public val timeS: Double

    /** Smoothed score, 0..1. */
    public val score: Double
}

/** A label became active. */
public data class Entered(
    override val label: String,
    override val timeS: Double,
    override val score: Double,
) : Event

/** The active label ended: its score fell, another took its place, or the stream was reset. */
public data class Left(
    override val label: String,
    override val timeS: Double,
    override val score: Double,
) : Event

/**
 * What happened to the frames and the due inferences of a stream so far. An inference is due at a frame; every one that
 * is due counts in [inferences] or in [skippedBusy] once that is decided, except one that failed, which is thrown.
 *
 * @property received frames given to the stream.
 * @property droppedLate of these, dropped because a frame at least as new had come before.
 * @property droppedRate of these, dropped because they came faster than `maxFps`.
 * @property droppedPaused of these, dropped because the stream was paused.
 * @property skippedBusy due inferences of a live stream that never ran on their own: a newer one became due while the
 *   model was busy or nobody collected, or the stream was reset, paused or closed, or the collector cancelled, before.
 * @property inferences how often the model answered.
 * @property restarts how often the clock jumped back by more than `maxLateS`.
 */
public data class StreamCounters(
    val received: Long,
    val droppedLate: Long,
    val droppedRate: Long,
    val droppedPaused: Long,
    val skippedBusy: Long,
    val inferences: Long,
    val restarts: Long,
)
