package io.github.dvfl

import java.nio.ByteBuffer

/**
 * A model's input before it is cast: uint8 `[T, H, W, 3]`, RGB, without padding, from position 0 of [pixels].
 * The buffer is not copied; don't change it while the clip is in use.
 *
 * @property timesS presentation time of each frame, in seconds; T of them.
 * @throws FrameException from the constructor, if the buffer's limit is not T * H * W * 3, or a time is not valid.
 */
public class Clip(
    public val pixels: ByteBuffer,
    public val frames: Int,
    public val height: Int,
    public val width: Int,
    public val timesS: List<Double>,
) {
    init {
        if (frames < 1 || height < 1 || width < 1) {
            throw FrameException("clip sizes must be positive, not $frames x $height x $width")
        }
        val needed = frames.toLong() * height * width * CHANNELS
        if (pixels.limit().toLong() != needed) {
            throw FrameException(
                "clip [$frames, $height, $width, $CHANNELS] needs $needed bytes, the buffer has ${pixels.limit()}",
            )
        }
        if (timesS.size != frames) throw FrameException("clip has $frames frames but ${timesS.size} times")
        timesS.forEach(::checkTime)
    }
}
