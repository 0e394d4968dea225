package io.github.dvfl.desktop

import io.github.dvfl.ColorMatrix
import io.github.dvfl.ColorRange
import io.github.dvfl.Frame
import io.github.dvfl.Plane
import io.github.dvfl.PreprocessingSpec
import org.bytedeco.ffmpeg.avcodec.AVCodec
import org.bytedeco.ffmpeg.avcodec.AVCodecContext
import org.bytedeco.ffmpeg.avcodec.AVPacket
import org.bytedeco.ffmpeg.avformat.AVFormatContext
import org.bytedeco.ffmpeg.avutil.AVDictionary
import org.bytedeco.ffmpeg.avutil.AVFrame
import org.bytedeco.ffmpeg.global.avcodec
import org.bytedeco.ffmpeg.global.avformat
import org.bytedeco.ffmpeg.global.avutil
import org.bytedeco.javacpp.BytePointer
import java.io.File
import java.nio.ByteBuffer

/**
 * Every frame of an 8-bit YUV 4:2:0 video, in presentation order, decoded by FFmpeg, with the colour tags as
 * `python_sdk/dvfl/decoded.py` reads them. For the tests' own clips: a turned, HDR or damaged video is not handled.
 */
public fun decodeVideo(
    file: File,
    spec: PreprocessingSpec,
): List<Frame> = VideoDecoder(file, spec).use(VideoDecoder::frames)

private class VideoDecoder(
    private val file: File,
    private val spec: PreprocessingSpec,
) : AutoCloseable {
    private val container = AVFormatContext(null)
    private val packet: AVPacket = avcodec.av_packet_alloc()
    private val picture: AVFrame = avutil.av_frame_alloc()
    private val stream: Int
    private val context: AVCodecContext
    private val found = mutableListOf<Frame>()

    init {
        require(avformat.avformat_open_input(container, file.path, null, null) == 0) { "cannot open $file" }
        avformat.avformat_find_stream_info(container, null as AVDictionary?)
        stream =
            avformat.av_find_best_stream(container, avutil.AVMEDIA_TYPE_VIDEO, -1, -1, null as AVCodec?, 0)
        require(stream >= 0) { "$file has no video stream" }
        val parameters = container.streams(stream).codecpar()
        val codec = avcodec.avcodec_find_decoder(parameters.codec_id())
        context = avcodec.avcodec_alloc_context3(codec)
        avcodec.avcodec_parameters_to_context(context, parameters)
        check(avcodec.avcodec_open2(context, codec, null as AVDictionary?) == 0) { "cannot decode $file" }
    }

    fun frames(): List<Frame> {
        while (avformat.av_read_frame(container, packet) >= 0) {
            if (packet.stream_index() == stream) decode(packet)
            avcodec.av_packet_unref(packet)
        }
        decode(null)
        return found
    }

    private fun decode(packet: AVPacket?) {
        check(avcodec.avcodec_send_packet(context, packet) == 0) { "$file is damaged at frame ${found.size}" }
        while (avcodec.avcodec_receive_frame(context, picture) == 0) found += frame()
    }

    private fun frame(): Frame {
        val format = picture.format()
        require(format == avutil.AV_PIX_FMT_YUV420P || format == avutil.AV_PIX_FMT_YUVJ420P) {
            "$file has pixel format $format, not 8-bit 4:2:0"
        }
        val width = picture.width()
        val height = picture.height()
        val seconds = picture.best_effort_timestamp() * avutil.av_q2d(container.streams(stream).time_base())
        return Frame(
            timeS = seconds,
            y = plane(0, height),
            u = plane(1, (height + 1) / 2),
            v = plane(2, (height + 1) / 2),
            width = width,
            height = height,
            matrix = matrix(),
            range = if (format == avutil.AV_PIX_FMT_YUVJ420P) ColorRange.FULL else range(),
        )
    }

    private fun plane(
        index: Int,
        rows: Int,
    ): Plane {
        val stride = picture.linesize(index)
        val bytes = ByteArray(stride * rows)
        BytePointer(picture.data(index)).capacity(bytes.size.toLong()).get(bytes)
        return Plane(ByteBuffer.wrap(bytes), stride)
    }

    private fun matrix(): ColorMatrix? {
        val code = picture.colorspace()
        if (code == spec.color.untaggedCode) return null
        return spec.color.matrixCodes.entries
            .first { code in it.value }
            .key
    }

    private fun range(): ColorRange? =
        when (picture.color_range()) {
            avutil.AVCOL_RANGE_JPEG -> ColorRange.FULL
            avutil.AVCOL_RANGE_MPEG -> ColorRange.LIMITED
            else -> null
        }

    override fun close() {
        avutil.av_frame_free(picture)
        avcodec.av_packet_free(packet)
        avcodec.avcodec_free_context(context)
        avformat.avformat_close_input(container)
    }
}
