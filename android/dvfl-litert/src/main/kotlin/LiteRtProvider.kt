package io.github.dvfl.litert

import io.github.dvfl.Artifact
import io.github.dvfl.Bundle
import io.github.dvfl.EngineException
import io.github.dvfl.engine.EngineProvider
import org.tensorflow.lite.DataType
import org.tensorflow.lite.Delegate
import org.tensorflow.lite.Interpreter
import org.tensorflow.lite.Tensor
import org.tensorflow.lite.TensorFlowLite
import java.io.File

/**
 * Runs `.tflite` artifacts with `org.tensorflow.lite.Interpreter`, which the app brings as
 * `com.google.ai.edge.litert:litert`. Found by itself with default options; give
 * `RecognizerOptions(providers = listOf(LiteRtProvider(options)))` for others.
 *
 * int8 artifacts were checked with LiteRT 1.1.2 and newer; TFLite 2.19 loads them and returns wrong numbers.
 *
 * Immutable; any thread may load engines.
 */
public class LiteRtProvider(
    public val options: LiteRtOptions,
) : EngineProvider {
    /** With the default options. */
    public constructor() : this(LiteRtOptions())

    override val target: String get() = "litert"

    override fun obstacle(): String? =
        try {
            TensorFlowLite.init()
            null
        } catch (error: LinkageError) {
            "LiteRT's library is missing (${error.oneLine()}); add com.google.ai.edge.litert:litert to the app"
        }

    /**
     * Loads an artifact, which the runtime maps into memory, and plans its memory.
     *
     * @throws EngineException if LiteRT or the delegate cannot load it, or its tensors are not what the manifest
     *   says.
     * @throws io.github.dvfl.BundleException if the file is missing or was changed.
     * @throws IllegalArgumentException if [threads] is less than 1.
     */
    override fun load(
        bundle: Bundle,
        artifact: Artifact,
        threads: Int?,
    ): LiteRtEngine {
        requireThreads(threads)
        obstacle()?.let { throw EngineException(it) }
        val file = bundle.verified(artifact)
        val delegate = createDelegate(options.accelerator, artifact.sha256)
        var interpreter: Interpreter? = null
        try {
            interpreter = open(file, delegate, threads ?: options.threads ?: defaultThreads())
            checkTensors(interpreter, artifact, file)
            return LiteRtEngine(interpreter, delegate, artifact, options.accelerator)
        } catch (error: EngineException) {
            interpreter?.close()
            delegate?.close()
            throw error
        }
    }

    private fun open(
        file: File,
        delegate: Delegate?,
        threads: Int,
    ): Interpreter {
        val settings = Interpreter.Options()
        settings.setNumThreads(threads)
        settings.setUseXNNPACK((options.accelerator as? Accelerator.Cpu)?.xnnpack ?: true)
        delegate?.let(settings::addDelegate)
        var interpreter: Interpreter? = null
        try {
            interpreter = Interpreter(file, settings)
            interpreter.allocateTensors()
            return interpreter
        } catch (error: RuntimeException) {
            interpreter?.close()
            throw cannotLoad(file, error)
        } catch (error: LinkageError) {
            interpreter?.close()
            throw cannotLoad(file, error)
        }
    }

    private fun cannotLoad(
        file: File,
        error: Throwable,
    ): EngineException {
        val remedy =
            if (options.accelerator is Accelerator.Cpu) {
                "use a newer com.google.ai.edge.litert:litert, or convert again with the version that the app uses"
            } else {
                "use Accelerator.Cpu instead of ${options.accelerator}"
            }
        return EngineException("$file: LiteRT cannot load it: ${error.oneLine()}; $remedy", error)
    }
}

private fun checkTensors(
    interpreter: Interpreter,
    artifact: Artifact,
    file: File,
) {
    val inputs = List(interpreter.inputTensorCount) { describe(interpreter.getInputTensor(it)) }
    val outputs = List(interpreter.outputTensorCount) { describe(interpreter.getOutputTensor(it)) }
    val input = "${artifact.input.dtype} ${artifact.input.shape}"
    val output = "${artifact.output.dtype} ${artifact.output.shape}"
    if (inputs != listOf(input) || outputs != listOf(output)) {
        throw EngineException(
            "$file: takes $inputs and returns $outputs, the manifest says [$input] and [$output]; convert again",
        )
    }
}

/** As the manifest's enums are spelt. */
private fun describe(tensor: Tensor): String {
    val type: DataType = tensor.dataType()
    return "${type.name} ${tensor.shape().toList()}"
}
