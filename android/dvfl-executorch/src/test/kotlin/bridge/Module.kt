package org.pytorch.executorch

import java.io.Closeable
import java.io.DataInputStream
import java.io.File
import java.nio.ByteBuffer
import java.nio.ByteOrder

/**
 * ExecuTorch's class of this name over the real ExecuTorch runtime in a Python process, since the AAR's native
 * library is for Android only. It runs the real `.pte`; Android's JNI library is not what it proves.
 */
class Module private constructor(
    path: String,
    threads: Int,
) : Closeable {
    private val process =
        ProcessBuilder(PythonBridge.python.path, PythonBridge.script.path, path, "$threads")
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start()
    private val answers = DataInputStream(process.inputStream.buffered())
    private val methods: List<String>

    init {
        opened += threads
        methods = status { text(it).lines() }
    }

    fun getMethods(): Array<String> = methods.toTypedArray()

    fun forward(vararg inputs: EValue): Array<EValue> {
        check(process.isAlive) { "Module has been destroyed" }
        val tensor = inputs.single().toTensor()
        process.outputStream.write(tensor.serialized())
        process.outputStream.flush()
        return status { answers ->
            val (rank, _) = List(2) { answers.readLittleInt() }
            val shape = LongArray(rank) { answers.readLittleInt().toLong() }
            val bytes = ByteArray(shape.fold(Float.SIZE_BYTES) { size, side -> size * side.toInt() })
            answers.readFully(bytes)
            val floats = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer()
            arrayOf(EValue.from(Tensor.fromBlob(floats, shape)))
        }
    }

    fun destroy() {
        process.outputStream.close()
        process.destroy()
        process.waitFor()
    }

    override fun close() = destroy()

    private fun <T> status(read: (DataInputStream) -> T): T {
        if (answers.readByte().toInt() == 0) return read(answers)
        throw IllegalStateException("[Executorch Error]\n" + text(answers))
    }

    private fun text(answers: DataInputStream) =
        ByteArray(answers.readLittleInt()).also(answers::readFully).decodeToString()

    private fun DataInputStream.readLittleInt() = Integer.reverseBytes(readInt())

    companion object {
        const val LOAD_MODE_FILE = 0
        const val LOAD_MODE_MMAP = 1
        const val LOAD_MODE_MMAP_USE_MLOCK = 2
        const val LOAD_MODE_MMAP_USE_MLOCK_IGNORE_ERRORS = 3

        /** For the tests: the number of threads of each module that was loaded. */
        @JvmField
        val opened = mutableListOf<Int>()

        @JvmStatic
        @JvmOverloads
        fun load(
            modelPath: String?,
            loadMode: Int = LOAD_MODE_FILE,
            numThreads: Int = 0,
        ): Module {
            require(loadMode in LOAD_MODE_FILE..LOAD_MODE_MMAP_USE_MLOCK_IGNORE_ERRORS)
            return Module(File(requireNotNull(modelPath)).canonicalPath, numThreads)
        }
    }
}
