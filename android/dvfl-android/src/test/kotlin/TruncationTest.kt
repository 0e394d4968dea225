package io.github.dvfl.android

import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import java.io.File

class TruncationTest {
    @Test
    fun `whole videos say their own size`() {
        val videos =
            File(
                System.getProperty("dvfl.root"),
                "assets",
            ).walk().filter { it.extension == "mp4" }.toList()
        assertTrue(videos.size > 1)
        for (video in videos) assertEquals(video.length(), declaredSize(Bytes(video.readBytes())), video.name)
    }

    @Test
    fun `a cut-off copy is shorter than it says`() {
        val whole = File(System.getProperty("dvfl.root"), "assets/carving_ice.mp4").readBytes()
        for (length in listOf(whole.size - 1, whole.size / 2, 100)) {
            val declared = declaredSize(Bytes(whole.copyOf(length)))
            assertTrue(declared != null && declared > length, "$declared of $length")
        }
    }

    @Test
    fun `64-bit box lengths are read, and a box to the end of the file says nothing`() {
        val type = box(16, "ftyp") + ByteArray(8)
        assertEquals(16L + 5_000_000_000, declaredSize(Bytes(type + box(1, "mdat") + long(5_000_000_000))))
        assertNull(declaredSize(Bytes(type + box(0, "mdat") + ByteArray(50))))
        assertNull(declaredSize(Bytes(type + box(20, "junk") + ByteArray(12))))
    }

    @Test
    fun `Matroska says the size of its segment, unless it is a live recording`() {
        val header = bytes(0x1A, 0x45, 0xDF, 0xA3, 0x83, 1, 2, 3)
        val segment = bytes(0x18, 0x53, 0x80, 0x67)
        // 0x4123 is a length of two bytes: 0x123.
        assertEquals(14L + 0x123, declaredSize(Bytes(header + segment + bytes(0x41, 0x23) + ByteArray(9))))
        assertNull(declaredSize(Bytes(header + segment + bytes(0xFF) + ByteArray(9))))
        assertNull(declaredSize(Bytes(header)))
    }

    @Test
    fun `other files and short ones say nothing`() {
        assertNull(declaredSize(Bytes(ByteArray(0))))
        assertNull(declaredSize(Bytes("not a video at all".toByteArray())))
    }

    private fun box(
        length: Int,
        kind: String,
    ) = long(length.toLong()).copyOfRange(4, 8) + kind.toByteArray()

    private fun long(value: Long) = ByteArray(8) { (value shr (56 - 8 * it)).toByte() }

    private fun bytes(vararg values: Int) = ByteArray(values.size) { values[it].toByte() }
}

private class Bytes(
    private val all: ByteArray,
) : RandomAccess {
    override val size = all.size.toLong()

    override fun read(
        position: Long,
        count: Int,
    ): ByteArray =
        if (position >=
            size
        ) {
            ByteArray(0)
        } else {
            all.copyOfRange(position.toInt(), minOf(position + count, size).toInt())
        }
}
