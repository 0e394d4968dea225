package io.github.dvfl.engine

import io.github.dvfl.Artifact
import io.github.dvfl.Bundle
import io.github.dvfl.BundleException
import io.github.dvfl.DvflException
import io.github.dvfl.EngineException
import io.github.dvfl.ParityStatus
import io.github.dvfl.RecognizerOptions
import io.github.dvfl.unknown
import java.util.ServiceConfigurationError
import java.util.ServiceLoader

/** The order of the default choice: the small runtimes that phones use first. */
private val ENGINE_ORDER = listOf("litert", "executorch", "coreml")

/** What to run. */
internal class Selection(
    val provider: EngineProvider,
    val artifact: Artifact,
)

/**
 * Chooses without loading anything; see [RecognizerOptions] for the rules. Artifacts that failed their parity gate
 * come last.
 *
 * @throws EngineException if the name is unknown, or no engine of the bundle can run here.
 * @throws BundleException if the bundle holds no such artifact; the message lists those it holds.
 */
internal fun selectEngine(
    bundle: Bundle,
    options: RecognizerOptions,
): Selection {
    val providers = options.providers ?: installedProviders()
    val targets = (ENGINE_ORDER + providers.map { it.target }).distinct()
    if (options.engine != null && options.engine !in targets) {
        throw EngineException(unknown("engine", options.engine, targets))
    }
    val wanted = options.engine?.let(::listOf) ?: targets
    val held =
        wanted.mapNotNull { target ->
            bundle.artifactOrNull(target, options)?.let { Candidate(target, it, providers) }
        }
    // Throws, and names what the bundle does hold.
    if (held.isEmpty()) bundle.artifact(wanted.first(), options.precision)
    return held
        .mapNotNull { it.selection }
        .minByOrNull { it.artifact.parity.status == ParityStatus.FAILED }
        ?: throw EngineException(held.joinToString("; ") { it.obstacle })
}

/**
 * Loads the chosen artifact.
 *
 * @throws DvflException whatever goes wrong.
 */
internal fun Selection.load(
    bundle: Bundle,
    threads: Int?,
): Engine =
    try {
        typed("${artifact.name} of ${bundle.root} does not load") {
            provider.load(bundle, artifact, threads)
        }
    } catch (error: EngineException) {
        val oldest = artifact.minRuntime ?: throw error
        throw EngineException(
            "${error.message} (the artifact is right from $oldest on)",
            error.cause ?: error,
        )
    }

/**
 * Turns whatever a runtime throws into an [EngineException] that says [what] failed. An interrupt stays one, so
 * that a cancelled coroutine ends as cancelled.
 */
internal inline fun <R> typed(
    what: String,
    block: () -> R,
): R =
    try {
        block()
    } catch (error: DvflException) {
        throw error
    } catch (error: InterruptedException) {
        throw error
    } catch (error: Exception) {
        throw EngineException("$what: ${error.summary()}", error)
    } catch (error: LinkageError) {
        // A native library that is missing or was built for another processor.
        throw EngineException("$what: ${error.summary()}", error)
    } catch (error: ServiceConfigurationError) {
        throw EngineException("$what: ${error.summary()}", error)
    }

internal fun Throwable.summary(): String =
    "${javaClass.simpleName} ${message.orEmpty().lineSequence().first()}".trim()

private class Candidate(
    target: String,
    artifact: Artifact,
    providers: List<EngineProvider>,
) {
    private val checked = providers.filter { it.target == target }.map { it to it.checkedObstacle() }

    /** Null if it cannot run here. */
    val selection: Selection? =
        checked
            .firstOrNull { (_, obstacle) ->
                obstacle == null
            }?.let { (provider, _) -> Selection(provider, artifact) }

    /** Why it cannot run here, and what to do. */
    val obstacle: String by lazy {
        checked.firstNotNullOfOrNull { (_, obstacle) -> obstacle }
            ?: absent(target)
    }
}

private fun EngineProvider.checkedObstacle(): String? =
    try {
        typed("engine '$target' does not start") { obstacle() }
    } catch (error: EngineException) {
        error.message
    }

private fun absent(target: String): String =
    if (target == "coreml") {
        "engine 'coreml' runs only on Apple devices; choose another engine"
    } else {
        "engine '$target' is not in this app; add the library dvfl-$target, or give a provider in the options"
    }

private fun Bundle.artifactOrNull(
    target: String,
    options: RecognizerOptions,
): Artifact? =
    try {
        artifact(target, options.precision)
    } catch (_: BundleException) {
        null
    }

/** Written in the one way that R8 resolves at build time, so that an app needs no look-up in its own archive. */
private fun installedProviders(): List<EngineProvider> =
    typed("the engines in this app cannot be listed") {
        ServiceLoader
            .load(EngineProvider::class.java, EngineProvider::class.java.classLoader)
            .iterator()
            .asSequence()
            .toList()
    }
