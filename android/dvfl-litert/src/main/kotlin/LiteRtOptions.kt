package io.github.dvfl.litert

/**
 * How LiteRT runs artifacts.
 *
 * @property accelerator where; the CPU with XNNPACK unless said otherwise.
 * @property threads CPU threads when the recognizer's options leave them open; null means min(4, cores), because
 *   more threads than big cores make a phone slower.
 * @throws IllegalArgumentException from the constructor, if [threads] is less than 1.
 */
public data class LiteRtOptions(
    val accelerator: Accelerator = Accelerator.Cpu(),
    val threads: Int? = null,
) {
    init {
        requireThreads(threads)
    }
}

internal fun requireThreads(threads: Int?) {
    require(threads == null || threads >= 1) { "threads must be at least 1, not $threads" }
}

internal fun defaultThreads(): Int = minOf(MOST_DEFAULT_THREADS, Runtime.getRuntime().availableProcessors())

private const val MOST_DEFAULT_THREADS = 4
