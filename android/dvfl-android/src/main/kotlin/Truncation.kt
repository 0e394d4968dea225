package io.github.dvfl.android

import java.io.IOException

/** A file whose bytes can be read anywhere. */
internal interface RandomAccess {
    /** Size in bytes. */
    val size: Long

    /** The [count] bytes from [position] on, or those that there are. */
    @Throws(IOException::class)
    fun read(
        position: Long,
        count: Int,
    ): ByteArray
}

/**
 * The least number of bytes that a file has by its own headers, or null if they don't say: a cut-off copy is
 * shorter. Knows ISO media (MP4, MOV, 3GP: ISO/IEC 14496-12) and Matroska, WebM (RFC 8794, RFC 9559).
 */
internal fun declaredSize(file: RandomAccess): Long? {
    val head = file.read(0, BOX_HEAD)
    return when {
        head.kind() in ISO_BOXES -> isoSize(file)
        head.size >= EBML_ID && head.number(0, EBML_ID) == EBML_HEADER -> ebmlSize(file)
        else -> null
    }
}

private fun isoSize(file: RandomAccess): Long? {
    var position = 0L
    while (position + BOX_HEAD <= file.size) {
        val head = file.read(position, 2 * BOX_HEAD)
        var length = head.number(0, 4)
        if (length == 1L) length = head.number(BOX_HEAD, BOX_HEAD)
        // Length 0 means "to the end of the file"; an unknown kind is trailing data, not a box.
        if (length < BOX_HEAD || head.kind() !in ISO_BOXES) return null
        position += length
    }
    return position
}

private fun ebmlSize(file: RandomAccess): Long? {
    val header = ebmlLength(file, EBML_ID.toLong()) ?: return null
    val segment = header.end + header.value
    val id = file.read(segment, EBML_ID)
    if (id.size < EBML_ID || id.number(0, EBML_ID) != EBML_SEGMENT) return null
    val length = ebmlLength(file, segment + EBML_ID) ?: return null
    return length.end + length.value
}

private class EbmlLength(
    val value: Long,
    /** Where the number ends. */
    val end: Long,
)

/** An EBML variable-length integer; null if it is missing or means "unknown". */
private fun ebmlLength(
    file: RandomAccess,
    position: Long,
): EbmlLength? {
    val bytes = file.read(position, BOX_HEAD)
    val first = bytes.firstOrNull()?.toInt()?.and(0xFF) ?: 0
    if (first == 0) return null
    val length = Integer.numberOfLeadingZeros(first) - LEADING_ZEROS_OF_BYTE + 1
    if (bytes.size < length) return null
    val mask = (1L shl 7 * length) - 1
    val value = bytes.number(0, length) and mask
    return if (value == mask) null else EbmlLength(value, position + length)
}

private fun ByteArray.kind(): String =
    if (size < BOX_HEAD) "" else String(this, BOX_HEAD / 2, BOX_HEAD / 2, Charsets.ISO_8859_1)

/** Big-endian; bytes that are missing count as 0. */
private fun ByteArray.number(
    from: Int,
    count: Int,
): Long =
    (from until from + count).fold(0L) { sum, at ->
        sum shl 8 or (
            getOrElse(at) {
                0
            }.toLong() and 0xFF
        )
    }

private const val BOX_HEAD = 8
private const val EBML_ID = 4
private const val EBML_HEADER = 0x1A45DFA3L
private const val EBML_SEGMENT = 0x18538067L
private const val LEADING_ZEROS_OF_BYTE = 24
private val ISO_BOXES =
    setOf("ftyp", "moov", "mdat", "moof", "free", "skip", "wide", "uuid", "sidx", "styp", "mfra")
