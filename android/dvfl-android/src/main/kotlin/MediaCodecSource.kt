package io.github.dvfl.android

import android.media.MediaCodec
import android.media.MediaCodecInfo.CodecCapabilities
import android.media.MediaCodecList
import android.media.MediaExtractor
import android.media.MediaFormat
import io.github.dvfl.VideoException
import io.github.dvfl.VideoFrame
import java.io.IOException

/** A video file through `MediaExtractor` and `MediaCodec`, decoded into memory in 8-bit YUV 4:2:0. */
internal class MediaCodecSource(
    private val open: (MediaExtractor) -> Unit,
) : VideoSource {
    private var samples = 0

    override fun sampleTimesUs(): LongArray =
        withTrack { extractor, _ ->
            val times = ArrayList<Long>()
            var more = extractor.sampleTrackIndex >= 0
            while (more) {
                if (Thread.interrupted()) throw InterruptedException("interrupted while reading a video")
                times += extractor.sampleTime
                more = extractor.advance()
            }
            samples = times.size
            times.toLongArray()
        }

    override fun decode(visit: (DecodedPicture) -> Unit) {
        withTrack { extractor, track ->
            val codec = decoderOf(track)
            try {
                track.setInteger(MediaFormat.KEY_COLOR_FORMAT, CodecCapabilities.COLOR_FormatYUV420Flexible)
                codec.configure(track, null, null, 0)
                codec.start()
                Decoding(codec, extractor, track, samples, visit).run()
            } catch (error: MediaCodec.CodecException) {
                throw damaged("the decoder stops: ${error.diagnosticInfo}", error)
            } finally {
                codec.release()
            }
        }
    }

    private fun <T> withTrack(use: (MediaExtractor, MediaFormat) -> T): T {
        val extractor = MediaExtractor()
        try {
            try {
                open(extractor)
            } catch (error: IOException) {
                throw unreadable(error)
            } catch (error: IllegalArgumentException) {
                throw unreadable(error)
            }
            val formats = List(extractor.trackCount, extractor::getTrackFormat)
            val index = formats.indexOfFirst { it.mime().startsWith("video/") }
            if (index < 0) throw VideoException(noVideo(formats.map { it.mime() }))
            extractor.selectTrack(index)
            return use(extractor, formats[index])
        } finally {
            extractor.release()
        }
    }

    private fun decoderOf(track: MediaFormat): MediaCodec {
        val name = MediaCodecList(MediaCodecList.REGULAR_CODECS).findDecoderForFormat(track)
        val missing = "this phone has no decoder for ${track.mime()}; convert it to H.264 in an .mp4 file"
        if (name == null) throw VideoException(missing)
        return try {
            MediaCodec.createByCodecName(name)
        } catch (error: IOException) {
            throw VideoException("$missing (decoder $name: ${error.message})", error)
        }
    }
}

/** One run of a started [codec] over all samples of [extractor]'s track. */
private class Decoding(
    private val codec: MediaCodec,
    private val extractor: MediaExtractor,
    private val track: MediaFormat,
    private val samples: Int,
    private val visit: (DecodedPicture) -> Unit,
) {
    private val info = MediaCodec.BufferInfo()
    private val rotation = track.integer(MediaFormat.KEY_ROTATION) ?: 0
    private var tags = videoColorTags(track, null)
    private var fed = 0
    private var fedAll = false

    fun run() {
        var lastProgress = System.nanoTime()
        while (true) {
            if (Thread.interrupted()) throw InterruptedException("interrupted while reading a video")
            val fedOne = !fedAll && feed()
            val index = codec.dequeueOutputBuffer(info, WAIT_US)
            if (index >= 0 && take(index)) return
            if (index ==
                MediaCodec.INFO_OUTPUT_FORMAT_CHANGED
            ) {
                tags = videoColorTags(track, codec.outputFormat)
            }
            if (fedOne || index != MediaCodec.INFO_TRY_AGAIN_LATER) lastProgress = System.nanoTime()
            if (System.nanoTime() - lastProgress > STALLED_NS) {
                throw damaged("the decoder stalls after $fed of $samples samples")
            }
        }
    }

    /** Hands the codec the next sample, or the end; false if it has no room now. */
    private fun feed(): Boolean {
        val index = codec.dequeueInputBuffer(0)
        if (index < 0) return false
        val buffer = codec.getInputBuffer(index) ?: return false
        val size = extractor.readSampleData(buffer, 0)
        if (size >= 0) {
            codec.queueInputBuffer(index, 0, size, extractor.sampleTime, 0)
            extractor.advance()
            fed++
        } else {
            if (fed < samples) throw damaged("reading stops after $fed of $samples samples")
            codec.queueInputBuffer(index, 0, 0, 0, MediaCodec.BUFFER_FLAG_END_OF_STREAM)
            fedAll = true
        }
        return true
    }

    /** Shows the picture in an output buffer, if there is one, and gives the buffer back; true at the end. */
    private fun take(index: Int): Boolean {
        try {
            if (info.size > 0) visit(Picture(index, info.presentationTimeUs))
        } finally {
            codec.releaseOutputBuffer(index, false)
        }
        return info.flags and MediaCodec.BUFFER_FLAG_END_OF_STREAM != 0
    }

    private inner class Picture(
        private val index: Int,
        override val timeUs: Long,
    ) : DecodedPicture {
        override fun frame(timeS: Double): VideoFrame {
            tags.refusal?.let { throw VideoException(it) }
            // The image lives until its buffer is given back, which is after the visit.
            val image =
                codec.getOutputImage(index)
                    ?: throw VideoException(
                        "the decoder ${codec.name} gives no YUV 4:2:0 image; convert it to H.264",
                    )
            return image.frameOf(rotation, mirrored = false, tags, timeS)
        }
    }
}

/** The file's own tags; where it has none, the decoder's. */
private fun videoColorTags(
    track: MediaFormat,
    decoded: MediaFormat?,
): ColorTags {
    fun code(key: String): Int? = track.integer(key)?.takeIf { it != 0 } ?: decoded?.integer(key)
    return videoColorTags(
        standard = code(MediaFormat.KEY_COLOR_STANDARD),
        range = code(MediaFormat.KEY_COLOR_RANGE),
        transfer = code(MediaFormat.KEY_COLOR_TRANSFER),
    )
}

private fun noVideo(kinds: List<String>): String {
    val holds =
        kinds
            .map { it.substringBefore('/') }
            .distinct()
            .sorted()
            .joinToString(" and ")
    return "has no video stream, it holds " +
        (if (kinds.isEmpty()) "nothing that can be read" else "only $holds") + "; give a file with a picture"
}

private fun MediaFormat.mime(): String = getString(MediaFormat.KEY_MIME).orEmpty()

private fun MediaFormat.integer(key: String): Int? = if (containsKey(key)) getInteger(key) else null

private fun unreadable(error: Exception) =
    VideoException(
        "cannot be read as a video (${error.message}); check that it is one and that it was copied whole",
        error,
    )

internal fun damaged(
    what: String,
    cause: Throwable? = null,
): VideoException =
    VideoException("the video is damaged: $what; copy it again, or convert it to H.264", cause)

private const val WAIT_US = 10_000L
private const val STALLED_NS = 10_000_000_000L
