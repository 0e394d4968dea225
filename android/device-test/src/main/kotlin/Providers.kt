package io.github.dvfl.devicetest

import io.github.dvfl.Artifact
import io.github.dvfl.Bundle
import io.github.dvfl.EngineException
import io.github.dvfl.engine.Engine
import io.github.dvfl.engine.EngineProvider
import io.github.dvfl.litert.Accelerator
import io.github.dvfl.litert.LiteRtOptions
import io.github.dvfl.litert.LiteRtProvider
import java.util.ServiceLoader

private const val CPU = "cpu"

/** The engine of a target on an accelerator; one that there isn't fails with a reason when it is loaded. */
internal fun provider(
    target: String,
    accelerator: String,
    found: Iterable<EngineProvider> = ServiceLoader.load(EngineProvider::class.java),
): EngineProvider {
    if (target == "litert") liteRtAccelerator(accelerator)?.let { return LiteRtProvider(LiteRtOptions(it)) }
    val ofTarget = found.firstOrNull { it.target == target }
    return when {
        ofTarget == null -> {
            Missing(
                target,
                "the app was built without it; add its dependency to build.gradle.kts",
            )
        }

        accelerator == CPU -> {
            ofTarget
        }

        else -> {
            Missing(target, "this test knows no accelerator '$accelerator' for it")
        }
    }
}

private fun liteRtAccelerator(name: String): Accelerator? =
    when (name) {
        CPU -> Accelerator.Cpu()
        "cpu_reference" -> Accelerator.Cpu(xnnpack = false)
        "gpu" -> Accelerator.Gpu()
        "gpu_fp16" -> Accelerator.Gpu(precisionLossAllowed = true)
        "nnapi" -> Accelerator.Nnapi()
        else -> null
    }

private class Missing(
    override val target: String,
    private val reason: String,
) : EngineProvider {
    override fun obstacle(): String = reason

    override fun load(
        bundle: Bundle,
        artifact: Artifact,
        threads: Int?,
    ): Engine = throw EngineException(reason)
}
