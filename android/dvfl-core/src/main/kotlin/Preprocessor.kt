package io.github.dvfl

import java.nio.ByteBuffer

/** Stand-in with the nearest pixel, until the real one is merged. */
public class Preprocessor(
    public val spec: PreprocessingSpec,
) {
    /** Bytes of one frame. */
    public val frameBytes: Int = spec.crop.size * spec.crop.size * CHANNELS

    /** Writes one frame. */
    public fun preprocess(
        frame: VideoFrame,
        out: ByteBuffer,
        offset: Int = 0,
    ) {
        frame as RgbFrame
        val size = spec.crop.size
        for (y in 0 until size) {
            for (x in 0 until size) {
                val source =
                    y * frame.height / size * frame.rowStride + x * frame.width / size * frame.format.pixelBytes
                for (channel in 0 until CHANNELS) {
                    out.put(offset + (y * size + x) * CHANNELS + channel, frame.pixels.get(source + channel))
                }
            }
        }
    }
}
