package io.github.dvfl

import io.github.dvfl.engine.EngineProvider

/**
 * Which engine runs which artifact of a bundle, and how.
 *
 * @property engine `litert`, `executorch`, or the target of a provider of your own; null takes the first in this
 *   order that the app contains, that runs on this device and that has an artifact in the bundle.
 * @property precision null takes the first in the manifest that did not fail its parity gate.
 * @property threads CPU threads; null leaves it to the engine.
 * @property providers the engines to choose from; null takes those of the libraries in the app.
 * @throws IllegalArgumentException from the constructor, if [threads] is less than 1 or [engine] is blank.
 */
public data class RecognizerOptions(
    val engine: String? = null,
    val precision: Precision? = null,
    val threads: Int? = null,
    val providers: List<EngineProvider>? = null,
) {
    init {
        require(engine == null || engine.isNotBlank()) {
            "engine must be a name such as litert, or null for the default"
        }
        require(threads == null || threads >= 1) { "threads must be at least 1, not $threads" }
    }
}
