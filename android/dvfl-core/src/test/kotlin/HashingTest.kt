package io.github.dvfl

import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertNotEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Assumptions.assumeTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import java.io.File

class HashingTest(
    @param:TempDir private val folder: File,
) {
    @Test
    fun `a file's hash is that of its bytes`() {
        val file = File(folder, "abc")
        file.writeText("abc")
        assertEquals("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", sha256(file))
        file.writeBytes(ByteArray(0))
        assertEquals("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", sha256(file))
        // Longer than one read.
        file.writeBytes(ByteArray(1_000_000) { 'a'.code.toByte() })
        assertEquals("cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0", sha256(file))
    }

    @Test
    fun `a folder's hash is what the documented command prints`() {
        assumeTrue(File("/bin/bash").canExecute())
        for (name in listOf("b", "B", "a.b/c", "a/b", "a b/c d", "ä/é", "z/y/x", "a-b", "a0")) {
            File(folder, name).run {
                parentFile.mkdirs()
                writeText("content of $name")
            }
        }
        val command = documentedCommand()
        val process = ProcessBuilder("/bin/bash", "-c", command).directory(folder).start()
        val printed = process.inputStream.bufferedReader().use { it.readText() }
        assertEquals(0, process.waitFor())
        assertEquals(printed.substringBefore(' '), sha256(folder))
    }

    @Test
    fun `a folder's hash changes with a name and a place`() {
        val file = File(folder, "a/one").apply { parentFile.mkdirs() }
        file.writeText("x")
        val before = sha256(folder)
        val renamed = File(folder, "a/two")
        assertTrue(file.renameTo(renamed))
        assertNotEquals(before, sha256(folder))
        assertTrue(renamed.renameTo(File(folder, "one")))
        assertNotEquals(before, sha256(folder))
    }

    private fun documentedCommand(): String =
        File(System.getProperty("dvfl.root"), "spec/manifest.md")
            .readText()
            .let { Regex("`(find [^`]*sha256sum)`").find(it)!!.groupValues[1] }
}
