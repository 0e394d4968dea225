package io.github.dvfl.build

import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows
import org.junit.jupiter.api.io.TempDir
import java.io.File

class PublicApiTest(
    @param:TempDir private val folder: File,
) {
    private val module = File(folder, "some-module")
    private val dump = File(module, "api/some-module.api")

    init {
        // This module's own classes stand for those of a library.
        val own =
            File(
                PublicApi::class.java.protectionDomain.codeSource.location
                    .toURI(),
            )
        own.copyRecursively(File(module, "target/classes"))
        PublicApi.check(module, update = true)
    }

    @Test
    fun `a dump lists public members and no internal ones`() {
        val text = dump.readText()
        assertContains(text, "public final class io/github/dvfl/build/PublicApi {")
        assertContains(text, "public final fun dump (Ljava/io/File;)Ljava/lang/String;")
        assertFalse("difference" in text)
    }

    @Test
    fun `an unchanged API passes`() {
        PublicApi.check(module, update = false)
    }

    @Test
    fun `a missing member fails, is shown, and the command that updates is named`() {
        dump.writeText(dump.readText().replace("fun dump (", "fun formerDump ("))
        val message = assertThrows<AssertionError> { PublicApi.check(module, update = false) }.message!!
        val kept = message.lines().single { it.startsWith("- ") }
        val found = message.lines().single { it.startsWith("+ ") }
        assertContains(kept, "formerDump")
        assertContains(found, "fun dump (")
        assertContains(message, "mvn -B -ntp -pl some-module -am verify -Ddvfl.api.update=true")
    }

    @Test
    fun `a member that is listed twice fails`() {
        dump.appendText(dump.readText())
        assertThrows<AssertionError> { PublicApi.check(module, update = false) }
    }

    @Test
    fun `a module without a dump fails`() {
        assertTrue(dump.delete())
        assertThrows<AssertionError> { PublicApi.check(module, update = false) }
    }

    @Test
    fun `a module that was not compiled fails, even when updating`() {
        assertTrue(File(module, "target").deleteRecursively())
        val kept = dump.readText()
        assertThrows<AssertionError> { PublicApi.check(module, update = true) }
        assertEquals(kept, dump.readText())
    }

    private fun assertContains(
        text: String,
        part: String,
    ) = assertTrue(part in text) { "'$part' is not in:\n$text" }
}
