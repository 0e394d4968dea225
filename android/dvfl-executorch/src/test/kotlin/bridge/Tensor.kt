package org.pytorch.executorch

import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.nio.FloatBuffer

enum class DType(
    internal val code: Int,
) {
    UINT8(0),
    FLOAT(6),
}

/** A tensor over the caller's buffer, as ExecuTorch's is. */
class Tensor private constructor(
    private val shape: LongArray,
    private val dtype: DType,
    private val floats: FloatBuffer?,
    private val bytes: ByteBuffer?,
) {
    fun shape(): LongArray = shape.copyOf()

    fun dtype(): DType = dtype

    val dataAsFloatArray: FloatArray
        get() = FloatArray(checkNotNull(floats).capacity(), floats::get)

    internal fun serialized(): ByteArray {
        val values = shape.fold(1) { size, side -> size * side.toInt() }
        val width = if (floats != null) Float.SIZE_BYTES else 1
        val buffer =
            ByteBuffer
                .allocate((2 + shape.size) * Int.SIZE_BYTES + values * width)
                .order(ByteOrder.LITTLE_ENDIAN)
        buffer.putInt(shape.size).putInt(dtype.code)
        shape.forEach { buffer.putInt(it.toInt()) }
        for (index in 0 until values) {
            if (floats !=
                null
            ) {
                buffer.putFloat(floats.get(index))
            } else {
                buffer.put(checkNotNull(bytes).get(index))
            }
        }
        return buffer.array()
    }

    companion object {
        internal fun read(answers: Answers): Tensor {
            val (rank, _) = List(2) { answers.number() }
            val shape = LongArray(rank) { answers.number().toLong() }
            val bytes = answers.bytes(shape.fold(Float.SIZE_BYTES) { size, side -> size * side.toInt() })
            return fromBlob(ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer(), shape)
        }

        @JvmStatic
        fun fromBlob(
            data: FloatBuffer,
            shape: LongArray,
        ): Tensor = Tensor(shape.copyOf(), DType.FLOAT, data, null)

        @JvmStatic
        fun fromBlobUnsigned(
            data: ByteBuffer,
            shape: LongArray,
        ): Tensor {
            require(data.isDirect && data.order() == ByteOrder.nativeOrder())
            return Tensor(shape.copyOf(), DType.UINT8, null, data)
        }
    }
}

class EValue private constructor(
    private val tensor: Tensor,
) {
    fun isTensor(): Boolean = true

    fun toTensor(): Tensor = tensor

    companion object {
        @JvmStatic
        fun from(tensor: Tensor): EValue = EValue(tensor)
    }
}
