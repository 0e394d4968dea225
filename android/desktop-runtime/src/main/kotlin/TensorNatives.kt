package io.github.dvfl.desktop

import org.bytedeco.javacpp.BytePointer
import org.bytedeco.javacpp.Pointer
import org.bytedeco.tensorflowlite.Interpreter
import org.bytedeco.tensorflowlite.TfLiteTensor
import java.nio.Buffer
import java.nio.ByteBuffer

/** In place of the JNI functions of `TensorImpl`. Tensors are read and written through buffers only. */
@Suppress("UNUSED_PARAMETER")
public object TensorNatives {
    private class TensorOfInterpreter(
        val interpreter: Interpreter,
        val index: Int,
    )

    @JvmStatic
    public fun create(
        interpreter: Long,
        index: Int,
        subgraph: Int,
    ): Long = Handles.add(TensorOfInterpreter(InterpreterNatives.at(interpreter), index))

    @JvmStatic
    public fun createSignatureInputTensor(
        runner: Long,
        name: String,
    ): Long = refuse("signatures")

    @JvmStatic
    public fun createSignatureOutputTensor(
        runner: Long,
        name: String,
    ): Long = refuse("signatures")

    @JvmStatic
    public fun delete(tensor: Long) {
        Handles.remove(tensor)
    }

    @JvmStatic
    public fun buffer(tensor: Long): ByteBuffer {
        val bytes = at(tensor).bytes()
        return memory(tensor).capacity(bytes).asByteBuffer()
    }

    @JvmStatic
    public fun writeDirectBuffer(
        tensor: Long,
        source: Buffer,
    ) {
        Pointer.memcpy(memory(tensor), Pointer(source), at(tensor).bytes())
    }

    @JvmStatic
    public fun dtype(tensor: Long): Int = at(tensor).type()

    @JvmStatic
    public fun shape(tensor: Long): IntArray = at(tensor).dims().let { IntArray(it.size(), it::data) }

    @JvmStatic
    public fun shapeSignature(tensor: Long): IntArray {
        val signature = at(tensor).dims_signature()
        if (signature == null || signature.isNull || signature.size() == 0) return shape(tensor)
        return IntArray(signature.size(), signature::data)
    }

    @JvmStatic
    public fun numBytes(tensor: Long): Int = at(tensor).bytes().toInt()

    @JvmStatic
    public fun index(tensor: Long): Int = Handles.get<TensorOfInterpreter>(tensor).index

    @JvmStatic
    public fun name(tensor: Long): String = at(tensor).name().string

    @JvmStatic
    public fun quantizationScale(tensor: Long): Float = at(tensor).params().scale()

    @JvmStatic
    public fun quantizationZeroPoint(tensor: Long): Int = at(tensor).params().zero_point()

    @JvmStatic
    public fun hasDelegateBufferHandle(tensor: Long): Boolean = false

    @JvmStatic
    public fun readMultiDimensionalArray(
        tensor: Long,
        target: Any,
    ): Unit = refuse("arrays of arrays")

    @JvmStatic
    public fun writeMultiDimensionalArray(
        tensor: Long,
        source: Any,
    ): Unit = refuse("arrays of arrays")

    @JvmStatic
    public fun writeScalar(
        tensor: Long,
        source: Any,
    ): Unit = refuse("scalars")

    private fun at(handle: Long): TfLiteTensor =
        Handles.get<TensorOfInterpreter>(handle).let { it.interpreter.tensor(it.index) }

    private fun memory(handle: Long): BytePointer {
        val data = at(handle).data().raw()
        check(data != null && !data.isNull) { "Internal error: Tensor hasn't been allocated." }
        return data
    }

    private fun refuse(what: String): Nothing =
        throw UnsupportedOperationException("the desktop runtime has no $what")
}
