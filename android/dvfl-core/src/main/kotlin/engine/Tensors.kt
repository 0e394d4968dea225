package io.github.dvfl.engine

import io.github.dvfl.Clip
import io.github.dvfl.EngineException
import io.github.dvfl.InputContract
import io.github.dvfl.InputType
import io.github.dvfl.TensorLayout
import java.nio.ByteBuffer
import java.nio.ByteOrder

private const val CHANNELS = 3

/** A direct buffer in native byte order that holds an artifact's whole input. */
public fun allocateInput(contract: InputContract): ByteBuffer =
    ByteBuffer
        .allocateDirect(contract.shape.fold(contract.dtype.bytes, Int::times))
        .order(ByteOrder.nativeOrder())

/**
 * Writes a clip as an artifact wants it, from position 0 of [input]: its number type, its axis order, values
 * 0..255. Allocates nothing.
 *
 * @throws EngineException if the clip's shape is not the contract's.
 */
public fun writeInput(
    clip: Clip,
    contract: InputContract,
    input: ByteBuffer,
) {
    checkShape(clip, contract)
    val pixels = clip.pixels
    val area = clip.height * clip.width
    val channelsFirst = contract.layout == TensorLayout.TCHW
    var source = 0
    for (frame in 0 until clip.frames) {
        val frameStart = frame * area * CHANNELS
        for (position in 0 until area) {
            for (channel in 0 until CHANNELS) {
                val target =
                    frameStart +
                        if (channelsFirst) channel * area + position else position * CHANNELS + channel
                val value = pixels.get(source++)
                if (contract.dtype == InputType.FLOAT32) {
                    input.putFloat(target * Float.SIZE_BYTES, (value.toInt() and 0xFF).toFloat())
                } else {
                    input.put(target, value)
                }
            }
        }
    }
}

/**
 * Refuses NaN, infinity and a wrong number of logits.
 *
 * @param engine its name, for the message.
 * @throws EngineException if the output is no logits vector of [classes] labels.
 */
public fun checkedLogits(
    output: FloatArray,
    classes: Int,
    engine: String,
): FloatArray {
    if (output.size != classes) {
        throw EngineException("$engine returned ${output.size} logits for $classes labels; convert again")
    }
    if (!output.all(Float::isFinite)) {
        throw EngineException(
            "$engine returned NaN or infinite logits: the artifact overflows or is damaged; " +
                "run 'dvfl verify' on the bundle, or use fp32",
        )
    }
    return output
}

/**
 * Refuses a clip of another shape than the artifact's.
 *
 * @throws EngineException if the clip's shape is not the contract's.
 */
internal fun checkShape(
    clip: Clip,
    contract: InputContract,
) {
    val shape =
        when (contract.layout) {
            TensorLayout.THWC -> listOf(clip.frames, clip.height, clip.width, CHANNELS)
            TensorLayout.TCHW -> listOf(clip.frames, CHANNELS, clip.height, clip.width)
        }
    if (shape != contract.shape) {
        throw EngineException(
            "clip of [${clip.frames}, ${clip.height}, ${clip.width}, $CHANNELS] (THWC) does not fit " +
                "the model's input ${contract.shape} (${contract.layout}); preprocess it with this bundle's spec",
        )
    }
}
