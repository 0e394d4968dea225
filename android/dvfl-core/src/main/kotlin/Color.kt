package io.github.dvfl

import java.nio.ByteBuffer
import kotlin.math.min

/**
 * Converts samples, 0..255; U and V are already at the positions of Y.
 *
 * Per pixel, in 32-bit integers with an arithmetic (flooring) right shift and clamped to 0..255:
 *
 *     L = (Y - luma_offset) * y + rounding;  u = U - chroma_offset;  v = V - chroma_offset
 *     R = (L + r_v*v) >> shift;  G = (L + g_u*u + g_v*v) >> shift;  B = (L + b_u*u) >> shift
 *
 * The coefficients are those of ITU-R BT.601 and BT.709, scaled to full-range RGB and by 2^shift. All
 * arrays have one length.
 */
internal fun yuvToRgb(
    luma: IntArray,
    u: IntArray,
    v: IntArray,
    conversion: ColorConversion,
    rule: ColorSpec,
    into: RgbRow,
) {
    val y = conversion.y
    val rV = conversion.rV
    val gU = conversion.gU
    val gV = conversion.gV
    val bU = conversion.bU
    val shift = rule.shift
    // The offsets, multiplied out: integers stay equal, also where 32 bits overflow.
    val lumaBias = rule.rounding - conversion.lumaOffset * y
    val redBias = lumaBias - conversion.chromaOffset * rV
    val greenBias = lumaBias - conversion.chromaOffset * (gU + gV)
    val blueBias = lumaBias - conversion.chromaOffset * bU
    val red = into.red
    val green = into.green
    val blue = into.blue
    for (x in red.indices) red[x] = clampToByte((luma[x] * y + rV * v[x] + redBias) shr shift)
    for (x in green.indices) {
        green[x] = clampToByte((luma[x] * y + gU * u[x] + gV * v[x] + greenBias) shr shift)
    }
    for (x in blue.indices) blue[x] = clampToByte((luma[x] * y + bU * u[x] + blueBias) shr shift)
}

/**
 * Writes 10-bit samples as 8-bit ones: `min(255, (sample + rounding) >> shift)` with the numbers of `ten_bit` in
 * the spec, for decoders that give 10-bit SDR frames. Allocates nothing and leaves both positions alone.
 *
 * A whole plane, padding included, is converted at once: an Android P010 plane of row stride `2 * s` and pixel
 * stride `2 * p` becomes a [Plane] of row stride `s` and pixel stride `p`.
 *
 * @param samples 16-bit little-endian samples from position 0, whatever the buffer's byte order.
 * @param count how many.
 * @param out receives [count] bytes from position 0.
 * @param unusedLowBits bits of each sample below the 10 that count: 6 for P010, which keeps them at the top of 16.
 * @throws FrameException if a buffer is too short or [out] is read-only.
 * @throws IllegalArgumentException if [count] is negative or [unusedLowBits] is not 0..6.
 */
public fun tenToEightBits(
    samples: ByteBuffer,
    count: Int,
    out: ByteBuffer,
    rule: ColorSpec,
    unusedLowBits: Int = 0,
) {
    require(count >= 0) { "count must be 0 or more, not $count" }
    require(unusedLowBits in 0..MOST_UNUSED_BITS) {
        "unusedLowBits must be 0..$MOST_UNUSED_BITS, not $unusedLowBits"
    }
    if (samples.limit() < 2L * count) {
        throw FrameException(
            "$count 10-bit samples need ${2L * count} bytes, the buffer has ${samples.limit()}",
        )
    }
    requireWritable(out, 0, count)
    val rounding = rule.tenBit.rounding
    val shift = rule.tenBit.shift
    for (index in 0 until count) {
        val low = samples.get(2 * index).toInt() and BYTE_MASK
        val high = samples.get(2 * index + 1).toInt() and BYTE_MASK
        val sample = ((high shl Byte.SIZE_BITS) or low) shr unusedLowBits
        out.put(index, min(BYTE_MASK, (sample + rounding) shr shift).toByte())
    }
}

/** Refuses a buffer that cannot take [count] bytes from [offset] on. */
internal fun requireWritable(
    out: ByteBuffer,
    offset: Int,
    count: Int,
) {
    if (out.isReadOnly) throw FrameException("the output buffer is read-only; give a writable one")
    if (offset < 0 || out.limit().toLong() < offset.toLong() + count) {
        throw FrameException(
            "output of $count bytes at offset $offset does not fit a buffer of ${out.limit()} bytes",
        )
    }
}

private const val MOST_UNUSED_BITS = 6
