package io.github.dvfl.desktop

import java.util.concurrent.ConcurrentHashMap
import java.util.concurrent.atomic.AtomicLong

/** What the `long` handles of JNI stand for. A handle that was freed or never given is refused. */
internal object Handles {
    private val last = AtomicLong()
    private val held = ConcurrentHashMap<Long, Any>()

    fun add(value: Any): Long = last.incrementAndGet().also { held[it] = value }

    inline fun <reified T : Any> get(handle: Long): T =
        checkNotNull(held[handle] as? T) { "Internal error: $handle is no handle of ${T::class.simpleName}" }

    fun remove(handle: Long): Any? = held.remove(handle)
}
