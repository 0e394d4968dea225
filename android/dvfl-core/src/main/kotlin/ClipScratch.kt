package io.github.dvfl

import java.nio.Buffer
import java.nio.ByteBuffer
import java.util.concurrent.atomic.AtomicReference

/** The memory to make a clip in: a preprocessor and one clip buffer, both reused. Not thread-safe. */
internal class ClipScratch(
    private val spec: PreprocessingSpec,
) {
    private val preprocessor = Preprocessor(spec)
    private val frameBytes = preprocessor.frameBytes
    private val pixels = ByteBuffer.allocateDirect(spec.temporal.frames * frameBytes)

    /** The spec's sample of all [frames] of a clip; each chosen frame is preprocessed once. */
    fun clip(frames: List<VideoFrame>): Clip {
        val indices = clipFrameIndices(frames.size, spec)
        indices.forEachIndexed { position, index ->
            if (position > 0 && indices[position - 1] == index) {
                pixels.repeatBlock(position, frameBytes)
            } else {
                preprocessor.preprocess(frames[index], pixels, position * frameBytes)
            }
        }
        val size = spec.crop.size
        return Clip(pixels, indices.size, size, size, indices.map { frames[it].timeS })
    }
}

/** Lends one spare object; when it is lent already, another is made. Thread-safe. */
internal class Spare<T : Any>(
    private val make: () -> T,
) {
    private val kept = AtomicReference<T>()

    inline fun <R> use(block: (T) -> R): R {
        val lent = take()
        try {
            return block(lent)
        } finally {
            giveBack(lent)
        }
    }

    fun take(): T = kept.getAndSet(null) ?: make()

    fun giveBack(lent: T) = kept.set(lent)

    /** Forgets the spare, so that its memory can be freed. */
    fun clear() = kept.set(null)
}

/** Copies all of [source], from position 0, to [offset]; the position of both is 0 afterwards. */
internal fun ByteBuffer.putBlock(
    offset: Int,
    source: ByteBuffer,
) {
    source.seek(0)
    seek(offset)
    put(source)
    source.seek(0)
    seek(0)
}

private fun ByteBuffer.repeatBlock(
    index: Int,
    bytes: Int,
) {
    val previous = duplicate()
    previous.window((index - 1) * bytes, index * bytes)
    seek(index * bytes)
    put(previous)
    seek(0)
}

// As methods of Buffer: ByteBuffer's own, which Java 11 compiles against, do not exist on Android 7.
private fun Buffer.seek(position: Int) {
    position(position)
}

private fun Buffer.window(
    start: Int,
    end: Int,
) {
    limit(end)
    position(start)
}
