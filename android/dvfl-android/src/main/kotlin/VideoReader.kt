package io.github.dvfl.android

import io.github.dvfl.Clip
import io.github.dvfl.DvflException
import io.github.dvfl.PreprocessingSpec
import io.github.dvfl.Preprocessor
import io.github.dvfl.VideoException
import io.github.dvfl.VideoFrame
import io.github.dvfl.clipFrameIndices
import java.nio.ByteBuffer

/** A video as a platform decoder gives it. Messages of its errors don't name the video. */
internal interface VideoSource {
    /** Presentation time of every stored sample, in microseconds, in the file's order; decodes nothing. */
    fun sampleTimesUs(): LongArray

    /** Decodes all of it from the start and shows each picture once, in any order. */
    fun decode(visit: (DecodedPicture) -> Unit)
}

/** A picture that is valid while it is visited. */
internal interface DecodedPicture {
    /** Presentation time in microseconds; before 0 it is hidden by an edit list. */
    val timeUs: Long

    /** The picture in the decoder's memory, shown at [timeS] seconds. */
    fun frame(timeS: Double): VideoFrame
}

/**
 * Chooses and preprocesses the T frames that stand for a whole video.
 *
 * The stored samples only tell how many frames to expect, so that one decoding usually does. Frames count if
 * they really decode, in presentation order, and a video that decodes to others is decoded again with the
 * right count: the rule of the Python SDK. A frame is told by its time, never by the order in which a decoder
 * gives it, and key frames have no privilege.
 */
internal class VideoReader(
    private val spec: PreprocessingSpec,
) {
    private val preprocessor = Preprocessor(spec)

    /**
     * @throws VideoException if fewer than two frames decode, a frame is not usable, or [source] cannot be read.
     * @throws InterruptedException if the thread is interrupted.
     */
    fun read(source: VideoSource): Clip {
        val expected = source.sampleTimesUs().shown()
        var pass = Pass(expected)
        source.decode(pass::take)
        if (!pass.complete) {
            val decoded = pass.decodedTimes()
            pass = Pass(decoded)
            source.decode(pass::take)
            if (!pass.complete) {
                throw VideoException(
                    "decodes to other frames each time (${decoded.size} at first); convert it to H.264 first",
                )
            }
        }
        return pass.clip()
    }

    /** One decoding of a video whose frames have [times], in microseconds, sorted. */
    private inner class Pass(
        private val times: LongArray,
    ) {
        private val indices = clipFrameIndices(maxOf(times.size, 1), spec)
        private val pixels = ByteBuffer.allocateDirect(indices.size * preprocessor.frameBytes)
        private val seen = HashMap<Long, Int>()

        /** Whether exactly the frames at [times] were decoded. */
        val complete: Boolean
            get() = times.contentEquals(decodedTimes())

        fun decodedTimes(): LongArray =
            seen.flatMap { (time, count) -> List(count) { time } }.toLongArray().apply { sort() }

        fun take(picture: DecodedPicture) {
            if (Thread.interrupted()) throw InterruptedException("interrupted while reading a video")
            val time = picture.timeUs
            if (time < 0) return
            val before = seen[time] ?: 0
            seen[time] = before + 1
            val first = times.indexOfTime(time)
            // Frames of equal times keep the decoder's order.
            if (first < 0 || first + before >= times.size || times[first + before] != time) return
            val position = first + before
            if (position in indices) write(picture, position)
        }

        private fun write(
            picture: DecodedPicture,
            position: Int,
        ) {
            val slot = indices.indexOf(position)
            val size = preprocessor.frameBytes
            try {
                preprocessor.preprocess(picture.frame(times[position] / MICROSECONDS), pixels, slot * size)
            } catch (error: DvflException) {
                throw VideoException("frame $position: ${error.message}", error)
            }
            // A short video has the same frame in several places.
            for (other in slot + 1 until indices.size) {
                if (indices[other] != position) break
                for (byte in 0 until size) pixels.put(other * size + byte, pixels.get(slot * size + byte))
            }
        }

        fun clip(): Clip {
            if (times.size < FEWEST_FRAMES) {
                val held = if (times.isEmpty()) "no frame that decodes" else "only one frame"
                throw VideoException("has $held; give a video of at least $FEWEST_FRAMES frames")
            }
            val side = spec.crop.size
            return Clip(pixels, indices.size, side, side, indices.map { times[it] / MICROSECONDS })
        }
    }
}

/** Without what an edit list hides, in presentation order. */
private fun LongArray.shown(): LongArray = filter { it >= 0 }.toLongArray().apply { sort() }

/** Position of the first [time] in sorted times, or a negative number. */
private fun LongArray.indexOfTime(time: Long): Int {
    var found = binarySearch(time)
    while (found > 0 && this[found - 1] == time) found--
    return found
}

private const val MICROSECONDS = 1e6

/** One picture holds no motion; it is a photo that was given by mistake. */
private const val FEWEST_FRAMES = 2
