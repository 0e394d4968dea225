package io.github.dvfl.executorch

import org.pytorch.executorch.Module

/**
 * How ExecuTorch runs artifacts.
 *
 * @property threads CPU threads when the recognizer's options leave them open; null leaves the number to ExecuTorch.
 *   The pool is the process's: engines that are open at the same time share one number.
 * @property loadMode how the file gets into memory.
 * @throws IllegalArgumentException from the constructor, if [threads] is less than 1.
 */
public data class ExecuTorchOptions(
    val threads: Int? = null,
    val loadMode: LoadMode = LoadMode.MMAP,
) {
    init {
        requireThreads(threads)
    }
}

/** How a `.pte` file gets into memory. */
public enum class LoadMode(
    internal val code: Int,
) {
    /** Mapped; pages are read when they are needed. */
    MMAP(Module.LOAD_MODE_MMAP),

    /** Mapped and, where the system allows it, kept in memory. */
    MMAP_LOCKED(Module.LOAD_MODE_MMAP_USE_MLOCK_IGNORE_ERRORS),

    /** Read as a whole. */
    FILE(Module.LOAD_MODE_FILE),
}

internal fun requireThreads(threads: Int?) {
    require(threads == null || threads >= 1) { "threads must be at least 1, not $threads" }
}
