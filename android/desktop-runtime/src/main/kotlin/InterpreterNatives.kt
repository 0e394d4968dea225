package io.github.dvfl.desktop

import org.bytedeco.javacpp.BytePointer
import org.bytedeco.javacpp.Pointer
import org.bytedeco.tensorflowlite.BuiltinOpResolver
import org.bytedeco.tensorflowlite.BuiltinOpResolverWithoutDefaultDelegates
import org.bytedeco.tensorflowlite.FlatBufferModel
import org.bytedeco.tensorflowlite.Interpreter
import org.bytedeco.tensorflowlite.InterpreterBuilder
import org.bytedeco.tensorflowlite.TfLiteDelegate
import java.nio.ByteBuffer

/**
 * In place of the JNI functions of `NativeInterpreterWrapper`, with the same exceptions, over TFLite's C++ classes.
 * The details that Google's library adds to a message go to the standard error stream here.
 */
@Suppress("UNUSED_PARAMETER")
public object InterpreterNatives {
    @JvmStatic
    public fun createErrorReporter(size: Int): Long = Handles.add(Unit)

    @JvmStatic
    public fun createModel(
        path: String,
        errors: Long,
    ): Long {
        val model = FlatBufferModel.VerifyAndBuildFromFile(path)
        require(model != null && !model.isNull) {
            "Contents of $path does not encode a valid TensorFlow Lite model: "
        }
        return Handles.add(model)
    }

    @JvmStatic
    public fun createModelWithBuffer(
        bytes: ByteBuffer,
        errors: Long,
    ): Long {
        val model =
            FlatBufferModel.VerifyAndBuildFromBuffer(BytePointer(Pointer(bytes)), bytes.capacity().toLong())
        require(model != null && !model.isNull) {
            "ByteBuffer does not encode a valid model: "
        }
        return Handles.add(model)
    }

    @JvmStatic
    public fun createInterpreter(
        model: Long,
        errors: Long,
        threads: Int,
        xnnpack: Boolean,
        delegates: List<Long>,
    ): Long {
        val operators = if (xnnpack) BuiltinOpResolver() else BuiltinOpResolverWithoutDefaultDelegates()
        val builder = InterpreterBuilder(Handles.get<FlatBufferModel>(model), operators)
        builder.SetNumThreads(threads)
        delegates.forEach { builder.AddDelegate(TfLiteDelegate(Address(it))) }
        val interpreter = Interpreter(null as Pointer?)
        val status = builder.apply(interpreter)
        require(status == OK && !interpreter.isNull) { "Internal error: Cannot create interpreter: " }
        return Handles.add(InterpreterParts(interpreter, operators))
    }

    @JvmStatic
    public fun delete(
        errors: Long,
        model: Long,
        interpreter: Long,
    ) {
        Handles.remove(errors)
        (Handles.remove(interpreter) as? InterpreterParts)?.interpreter?.deallocate()
        (Handles.remove(model) as? FlatBufferModel)?.deallocate()
    }

    @JvmStatic
    public fun allocateTensors(
        interpreter: Long,
        errors: Long,
    ): Long {
        check(at(interpreter).AllocateTensors() == OK) {
            "Internal error: Unexpected failure when preparing tensor allocations: "
        }
        return OK.toLong()
    }

    @JvmStatic
    public fun run(
        interpreter: Long,
        errors: Long,
    ) {
        require(at(interpreter).Invoke() == OK) {
            "Internal error: Failed to run on the given Interpreter: "
        }
    }

    @JvmStatic
    public fun resizeInput(
        interpreter: Long,
        errors: Long,
        index: Int,
        shape: IntArray,
        strict: Boolean,
    ): Boolean {
        val native = at(interpreter)
        val tensor = native.inputs().get(index.toLong())
        val status =
            if (strict) {
                native.ResizeInputTensorStrict(tensor, shape)
            } else {
                native.ResizeInputTensor(tensor, shape)
            }
        require(status == OK) { "Internal error: Failed to resize $index-th input: " }
        return true
    }

    @JvmStatic
    public fun getInputCount(interpreter: Long): Int = at(interpreter).inputs().limit().toInt()

    @JvmStatic
    public fun getOutputCount(interpreter: Long): Int = at(interpreter).outputs().limit().toInt()

    @JvmStatic
    public fun getInputTensorIndex(
        interpreter: Long,
        index: Int,
    ): Int = at(interpreter).inputs().get(index.toLong())

    @JvmStatic
    public fun getOutputTensorIndex(
        interpreter: Long,
        index: Int,
    ): Int = at(interpreter).outputs().get(index.toLong())

    @JvmStatic
    public fun getInputNames(interpreter: Long): Array<String> =
        Array(getInputCount(interpreter)) { at(interpreter).GetInputName(it).string }

    @JvmStatic
    public fun getOutputNames(interpreter: Long): Array<String> =
        Array(getOutputCount(interpreter)) { at(interpreter).GetOutputName(it).string }

    @JvmStatic
    public fun getExecutionPlanLength(interpreter: Long): Int =
        at(interpreter).execution_plan().limit().toInt()

    @JvmStatic
    public fun hasUnresolvedFlexOp(interpreter: Long): Boolean = false

    /** None: signatures are not supported here, tensors are found by position. */
    @JvmStatic
    public fun getSignatureKeys(interpreter: Long): Array<String> = emptyArray()

    @JvmStatic
    public fun setCancelled(
        interpreter: Long,
        flag: Long,
        cancelled: Boolean,
    ): Unit = refuse("cancellation")

    @JvmStatic
    public fun createCancellationFlag(interpreter: Long): Long = refuse("cancellation")

    @JvmStatic
    public fun deleteCancellationFlag(flag: Long): Long = flag

    @JvmStatic
    public fun allowFp16PrecisionForFp32(
        interpreter: Long,
        allowed: Boolean,
    ): Unit = at(interpreter).SetAllowFp16PrecisionForFp32(allowed)

    @JvmStatic
    public fun allowBufferHandleOutput(
        interpreter: Long,
        allowed: Boolean,
    ): Unit = at(interpreter).SetAllowBufferHandleOutput(allowed)

    internal fun at(handle: Long): Interpreter = Handles.get<InterpreterParts>(handle).interpreter

    private fun refuse(what: String): Nothing =
        throw UnsupportedOperationException("the desktop runtime has no $what")

    internal const val OK = 0
}

/** The interpreter points into its operators, so both live as long as the handle. */
internal class InterpreterParts(
    val interpreter: Interpreter,
    @Suppress("unused") private val operators: BuiltinOpResolver,
)

/** A pointer to what is at a native address. */
private class Address(
    value: Long,
) : Pointer(null as Pointer?) {
    init {
        address = value
    }
}
