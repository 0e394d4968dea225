package io.github.dvfl.executorch

import io.github.dvfl.EngineException

/**
 * ExecuTorch's one thread pool of the process. Loading a module with another number of threads replaces the pool,
 * while the delegates of modules loaded before still point to it, so that is refused as long as an engine is open.
 * This object is global because the pool is.
 */
internal object ThreadPool {
    private var users = 0
    private var current = DEFAULT

    /**
     * Counts a user, unless [load] fails.
     *
     * @param threads null keeps the number of the open engines, or is ExecuTorch's default if there is none.
     * @param load gets the number to hand to ExecuTorch, and runs while nobody else loads.
     * @throws EngineException if an open engine uses another number.
     */
    @Synchronized
    fun <T> use(
        threads: Int?,
        load: (Int) -> T,
    ): T {
        if (users == 0) {
            current = threads ?: DEFAULT
        } else if (threads != null && threads != current) {
            val inUse = if (current == DEFAULT) "its default number of" else "$current"
            throw EngineException(
                "ExecuTorch has one thread pool per process, now of $inUse threads and in use; " +
                    "close the other ExecuTorch recognizers first, or don't ask for $threads threads",
            )
        }
        return load(current).also { users++ }
    }

    @Synchronized
    fun release() {
        users--
    }

    /** `Module.load` takes it for: as many as ExecuTorch thinks best. */
    private const val DEFAULT = 0
}
