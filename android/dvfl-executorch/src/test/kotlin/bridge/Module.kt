package org.pytorch.executorch

import java.io.Closeable

/**
 * ExecuTorch's class of this name over the real ExecuTorch runtime in a Python process, since the AAR's native
 * library is for Android only. It runs the real `.pte`; Android's JNI library is not what it proves.
 */
class Module private constructor(
    path: String,
    threads: Int,
) : Closeable {
    private val number: Int
    private val methods: List<String>
    private var destroyed = false

    init {
        opened += threads
        val (number, names) =
            PythonBridge.ask({ it.number(0).text(path).number(threads) }, { it.number() to it.text() })
        this.number = number
        methods = names.lines()
    }

    fun getMethods(): Array<String> = methods.toTypedArray()

    fun forward(vararg inputs: EValue): Array<EValue> {
        check(!destroyed) { "Module has been destroyed" }
        val output =
            PythonBridge.ask(
                { it.number(1).number(number).bytes(inputs.single().toTensor().serialized()) },
                { Tensor.read(it) },
            )
        return arrayOf(EValue.from(output))
    }

    fun destroy() {
        if (!destroyed) PythonBridge.ask({ it.number(2).number(number) }, { })
        destroyed = true
    }

    override fun close() = destroy()

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
            return Module(requireNotNull(modelPath), numThreads)
        }
    }
}
