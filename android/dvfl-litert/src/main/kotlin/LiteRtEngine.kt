package io.github.dvfl.litert

import io.github.dvfl.Artifact
import io.github.dvfl.Clip
import io.github.dvfl.ClosedException
import io.github.dvfl.EngineException
import io.github.dvfl.engine.Engine
import io.github.dvfl.engine.allocateInput
import io.github.dvfl.engine.checkedLogits
import io.github.dvfl.engine.writeInput
import org.tensorflow.lite.Delegate
import org.tensorflow.lite.Interpreter
import java.nio.Buffer
import java.nio.ByteBuffer
import java.nio.ByteOrder

/**
 * A loaded `.tflite` artifact. Made by [LiteRtProvider]; one thread at a time.
 *
 * @property accelerator where it was asked to run.
 */
public class LiteRtEngine internal constructor(
    interpreter: Interpreter,
    private val delegate: Delegate?,
    private val artifact: Artifact,
    public val accelerator: Accelerator,
) : Engine {
    private var interpreter: Interpreter? = interpreter
    private val input = allocateInput(artifact.input)
    private val output =
        ByteBuffer
            .allocateDirect(artifact.output.classes * Float.SIZE_BYTES)
            .order(ByteOrder.nativeOrder())

    /**
     * Logits `[K]` of a uint8 RGB clip `[T, H, W, 3]`; the result is the only thing allocated.
     *
     * @throws EngineException if the clip's shape is not the artifact's, LiteRT fails, or a logit is not finite.
     * @throws ClosedException after [close].
     */
    override fun run(clip: Clip): FloatArray {
        val running = interpreter ?: throw ClosedException("this LiteRT engine is closed; open another one")
        writeInput(clip, artifact.input, input)
        rewind(input)
        rewind(output)
        try {
            running.run(input, output)
        } catch (error: RuntimeException) {
            throw cannotRun(error)
        }
        val logits = FloatArray(artifact.output.classes) { output.getFloat(it * Float.SIZE_BYTES) }
        return checkedLogits(logits, artifact.output.classes, "LiteRT")
    }

    /** Frees the interpreter, then its delegate, which the interpreter uses. */
    override fun close() {
        val running = interpreter ?: return
        interpreter = null
        try {
            running.close()
        } finally {
            delegate?.close()
        }
    }

    private fun cannotRun(error: RuntimeException): EngineException {
        val remedy = if (accelerator is Accelerator.Cpu) "convert again" else "use Accelerator.Cpu"
        return EngineException(
            "LiteRT failed to run ${artifact.file} on $accelerator: ${error.oneLine()}; $remedy",
            error,
        )
    }
}

/** `ByteBuffer.rewind()` with that return type is not in Android before API 33; `Buffer`'s is everywhere. */
private fun rewind(buffer: Buffer) {
    buffer.rewind()
}
