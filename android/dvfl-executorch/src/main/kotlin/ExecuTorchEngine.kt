package io.github.dvfl.executorch

import io.github.dvfl.Artifact
import io.github.dvfl.Clip
import io.github.dvfl.ClosedException
import io.github.dvfl.EngineException
import io.github.dvfl.InputType
import io.github.dvfl.engine.Engine
import io.github.dvfl.engine.allocateInput
import io.github.dvfl.engine.checkedLogits
import io.github.dvfl.engine.writeInput
import org.pytorch.executorch.DType
import org.pytorch.executorch.EValue
import org.pytorch.executorch.Module
import org.pytorch.executorch.Tensor

/** A loaded `.pte` artifact. Made by [ExecuTorchProvider]; one thread at a time. */
public class ExecuTorchEngine internal constructor(
    module: Module,
    private val artifact: Artifact,
) : Engine {
    private var module: Module? = module
    private val input = allocateInput(artifact.input)

    // The tensor keeps the buffer, so one value serves every run.
    private val argument = EValue.from(tensor())

    /**
     * Logits `[K]` of a uint8 RGB clip `[T, H, W, 3]`.
     *
     * @throws EngineException if the clip's shape is not the artifact's, ExecuTorch fails, or a logit is not finite.
     * @throws ClosedException after [close].
     */
    override fun run(clip: Clip): FloatArray {
        val running = module ?: throw ClosedException("this ExecuTorch engine is closed; open another one")
        writeInput(clip, artifact.input, input)
        return checkedLogits(forward(running), artifact.output.classes, "ExecuTorch")
    }

    /** One run on zeros, to load the method and check its tensors. */
    internal fun tryOut() {
        forward(checkNotNull(module))
    }

    /** Frees the module. */
    override fun close() {
        val running = module ?: return
        module = null
        try {
            running.destroy()
        } finally {
            ThreadPool.release()
        }
    }

    private fun forward(module: Module): FloatArray {
        val outputs =
            try {
                module.forward(argument)
            } catch (error: RuntimeException) {
                throw EngineException(
                    "ExecuTorch failed to run ${artifact.file} on the manifest's input " +
                        "${artifact.input.dtype} ${artifact.input.shape}: ${error.oneLine()}; convert again with the app's ExecuTorch",
                    error,
                )
            }
        return logits(outputs)
    }

    private fun logits(outputs: Array<EValue>): FloatArray {
        val tensor = outputs.singleOrNull()?.takeIf { it.isTensor }?.toTensor()
        val wanted = artifact.output.shape.map(Int::toLong)
        if (tensor == null || tensor.dtype() != DType.FLOAT || tensor.shape().toList() != wanted) {
            val returned =
                tensor?.let { "${it.dtype()} ${it.shape().toList()}" } ?: "${outputs.size} values"
            throw EngineException(
                "${artifact.file} returns $returned, the manifest says FLOAT $wanted; convert again",
            )
        }
        return tensor.dataAsFloatArray
    }

    private fun tensor(): Tensor {
        val shape = LongArray(artifact.input.shape.size) { artifact.input.shape[it].toLong() }
        return when (artifact.input.dtype) {
            InputType.FLOAT32 -> Tensor.fromBlob(input.asFloatBuffer(), shape)
            InputType.UINT8 -> Tensor.fromBlobUnsigned(input, shape)
        }
    }

    internal companion object {
        const val METHOD = "forward"
    }
}
