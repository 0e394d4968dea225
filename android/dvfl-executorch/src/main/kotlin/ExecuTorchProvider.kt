package io.github.dvfl.executorch

import io.github.dvfl.Artifact
import io.github.dvfl.Bundle
import io.github.dvfl.EngineException
import io.github.dvfl.engine.EngineProvider
import org.pytorch.executorch.Module
import java.io.File

/**
 * Runs `.pte` artifacts with `org.pytorch.executorch.Module`, which the app brings as
 * `org.pytorch:executorch-android`. Found by itself with default options; give
 * `RecognizerOptions(providers = listOf(ExecuTorchProvider(options)))` for others.
 *
 * Immutable; any thread may load engines.
 */
public class ExecuTorchProvider(
    public val options: ExecuTorchOptions,
) : EngineProvider {
    /** With the default options. */
    public constructor() : this(ExecuTorchOptions())

    override val target: String get() = "executorch"

    override fun obstacle(): String? =
        try {
            Class.forName(MODULE_CLASS)
            null
        } catch (error: ClassNotFoundException) {
            missing(error)
        } catch (error: LinkageError) {
            missing(error)
        }

    /**
     * Loads an artifact and runs it once on a black clip, because ExecuTorch's Java API tells nothing of a method's
     * tensors before it ran, and loads the method's delegates at the first run only.
     *
     * @throws EngineException if ExecuTorch cannot load or run it, its tensors are not what the manifest says, or an
     *   open engine uses another number of threads.
     * @throws io.github.dvfl.BundleException if the file is missing or was changed.
     * @throws IllegalArgumentException if [threads] is less than 1.
     */
    override fun load(
        bundle: Bundle,
        artifact: Artifact,
        threads: Int?,
    ): ExecuTorchEngine {
        requireThreads(threads)
        obstacle()?.let { throw EngineException(it) }
        val file = bundle.verified(artifact)
        val module = ThreadPool.use(threads ?: options.threads) { open(file, it) }
        val engine = ExecuTorchEngine(module, artifact)
        try {
            engine.tryOut()
        } catch (error: EngineException) {
            engine.close()
            throw EngineException("$file: ${error.message}", error.cause)
        }
        return engine
    }

    private fun open(
        file: File,
        threads: Int,
    ): Module {
        val module =
            try {
                Module.load(file.path, options.loadMode.code, threads)
            } catch (error: RuntimeException) {
                throw cannotLoad(file, error.oneLine(), error)
            } catch (error: LinkageError) {
                throw cannotLoad(file, error.oneLine(), error)
            }
        val methods = module.methods.toList()
        if (ExecuTorchEngine.METHOD !in methods) {
            module.destroy()
            throw cannotLoad(file, "it has no method '${ExecuTorchEngine.METHOD}' but $methods", null)
        }
        return module
    }

    private fun cannotLoad(
        file: File,
        reason: String,
        cause: Throwable?,
    ) = EngineException(
        "$file: ExecuTorch cannot load it: $reason; " +
            "convert again with the ExecuTorch of the app's org.pytorch:executorch-android",
        cause,
    )

    private fun missing(error: Throwable) =
        "ExecuTorch's library is missing (${error.oneLine()}); add org.pytorch:executorch-android to the app"

    private companion object {
        /** Loading it loads the native library. */
        const val MODULE_CLASS = "org.pytorch.executorch.Module"
    }
}

/** A runtime's message, which may have several lines, on one. */
internal fun Throwable.oneLine(): String =
    (message?.takeIf { it.isNotBlank() } ?: toString()).trim().split(WHITE_SPACE).joinToString(" ")

private val WHITE_SPACE = Regex("\\s+")
