package io.github.dvfl.litert

import io.github.dvfl.EngineException
import org.tensorflow.lite.Delegate
import org.tensorflow.lite.gpu.GpuDelegate
import org.tensorflow.lite.gpu.GpuDelegateFactory
import org.tensorflow.lite.nnapi.NnApiDelegate

/**
 * A new delegate, or null for the CPU.
 *
 * @param modelToken names the model in a delegate's cache.
 * @throws EngineException if it cannot be made.
 */
internal fun createDelegate(
    accelerator: Accelerator,
    modelToken: String,
): Delegate? =
    try {
        when (accelerator) {
            is Accelerator.Cpu -> null
            is Accelerator.Gpu -> GpuDelegates.create(accelerator, modelToken)
            is Accelerator.Nnapi -> createNnapi(accelerator, modelToken)
            is Accelerator.Custom -> accelerator.create()
        }
    } catch (error: RuntimeException) {
        throw cannotCreate(accelerator, error)
    } catch (error: LinkageError) {
        throw cannotCreate(accelerator, error)
    }

/** Apart, so that an app without the GPU libraries can load everything else. */
private object GpuDelegates {
    fun create(
        gpu: Accelerator.Gpu,
        modelToken: String,
    ): Delegate {
        val options =
            GpuDelegateFactory
                .Options()
                .setPrecisionLossAllowed(gpu.precisionLossAllowed)
                .setQuantizedModelsAllowed(gpu.quantizedModelsAllowed)
                .setInferencePreference(
                    if (gpu.sustainedSpeed) {
                        GpuDelegateFactory.Options.INFERENCE_PREFERENCE_SUSTAINED_SPEED
                    } else {
                        GpuDelegateFactory.Options.INFERENCE_PREFERENCE_FAST_SINGLE_ANSWER
                    },
                )
        gpu.cacheDirectory?.let { options.setSerializationParams(it.path, modelToken) }
        return GpuDelegate(options)
    }
}

private fun createNnapi(
    nnapi: Accelerator.Nnapi,
    modelToken: String,
): Delegate {
    val options =
        NnApiDelegate
            .Options()
            .setAllowFp16(nnapi.precisionLossAllowed)
            .setUseNnapiCpu(nnapi.cpuAllowed)
            .setExecutionPreference(
                if (nnapi.sustainedSpeed) {
                    NnApiDelegate.Options.EXECUTION_PREFERENCE_SUSTAINED_SPEED
                } else {
                    NnApiDelegate.Options.EXECUTION_PREFERENCE_FAST_SINGLE_ANSWER
                },
            )
    nnapi.acceleratorName?.let(options::setAcceleratorName)
    nnapi.cacheDirectory?.let { options.setCacheDir(it.path).setModelToken(modelToken) }
    return NnApiDelegate(options)
}

private fun cannotCreate(
    accelerator: Accelerator,
    error: Throwable,
): EngineException {
    val remedy =
        if (accelerator is Accelerator.Gpu && error is LinkageError) {
            "add com.google.ai.edge.litert:litert-gpu and litert-gpu-api to the app, or use Accelerator.Cpu"
        } else {
            "use Accelerator.Cpu"
        }
    return EngineException("LiteRT delegate $accelerator cannot be made: ${error.oneLine()}; $remedy", error)
}

/** A runtime's message, which may have several lines, on one. */
internal fun Throwable.oneLine(): String =
    (message?.takeIf { it.isNotBlank() } ?: toString()).trim().split(WHITE_SPACE).joinToString(" ")

private val WHITE_SPACE = Regex("\\s+")
