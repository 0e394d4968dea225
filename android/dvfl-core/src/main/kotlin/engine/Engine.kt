package io.github.dvfl.engine

import io.github.dvfl.Artifact
import io.github.dvfl.Bundle
import io.github.dvfl.Clip

/**
 * Runs one artifact. An engine is not shared between threads; `ActionRecognizer` runs one inference at a time and
 * never closes an engine that is running.
 */
public interface Engine : AutoCloseable {
    /**
     * Logits `[K]` of a uint8 RGB clip `[T, H, W, 3]`, unchecked.
     *
     * @throws io.github.dvfl.EngineException if the clip's shape is not the artifact's, or the runtime fails.
     */
    public fun run(clip: Clip): FloatArray

    /** Frees the runtime's memory; may be called more than once. */
    override fun close()
}

/**
 * Makes engines of one target. A library that brings an engine names its provider in `META-INF/services`, so that
 * adding the dependency is enough; a provider with other settings is given in the recognizer's options.
 */
public interface EngineProvider {
    /** What a user types; the manifest's `target` of the artifacts it runs, such as `litert`. */
    public val target: String

    /** Why it cannot run here, and what to do, or null if it can. */
    public fun obstacle(): String?

    /**
     * Loads an artifact after comparing its sha256.
     *
     * @param threads CPU threads; null leaves it to the engine.
     * @throws io.github.dvfl.EngineException if the runtime cannot load it, or its tensors are not what the
     *   manifest says.
     * @throws io.github.dvfl.BundleException if the file is missing or was changed.
     */
    public fun load(
        bundle: Bundle,
        artifact: Artifact,
        threads: Int?,
    ): Engine
}
