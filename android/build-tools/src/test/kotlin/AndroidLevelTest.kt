package io.github.dvfl.build

import org.codehaus.mojo.animal_sniffer.SignatureChecker
import org.codehaus.mojo.animal_sniffer.logging.Logger
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import java.io.File
import java.nio.file.Files
import java.util.concurrent.TimeUnit
import kotlin.reflect.KClass

/** The check that every published module runs: does it see what the oldest supported Android lacks? */
class AndroidLevelTest {
    @Test
    fun `what Android 7 has is let through`() {
        assertEquals(emptyList<String>(), problems(HasOnAndroid7::class))
    }

    @Test
    fun `a class that Android 7 lacks is refused by name`() {
        val found = problems(LacksFilesOnAndroid7::class)
        val expected = "Undefined reference: byte[] java.nio.file.Files.readAllBytes(java.nio.file.Path)"
        assertTrue(expected in found) { "$found" }
    }

    @Test
    fun `a newer member of a class that Android 7 has is refused as well`() {
        val problem = problems(LacksOnSpinWaitOnAndroid7::class).single()
        assertEquals("Undefined reference: void Thread.onSpinWait()", problem)
    }

    private fun problems(type: KClass<*>): List<String> {
        val log = Problems()
        val signature = File(System.getProperty("dvfl.module"), "target/android.signature")
        val checker = signature.inputStream().use { SignatureChecker(it, setOf("kotlin.*"), log) }
        checker.setSourcePath(emptyList())
        checker.process(File(type.java.getResource("${type.java.simpleName}.class")!!.toURI()))
        return log.errors
    }
}

private class HasOnAndroid7 {
    fun seconds(milliseconds: Long): Long = TimeUnit.MILLISECONDS.toSeconds(milliseconds)
}

private class LacksFilesOnAndroid7 {
    fun read(file: File): ByteArray = Files.readAllBytes(file.toPath())
}

private class LacksOnSpinWaitOnAndroid7 {
    fun pause() = Thread.onSpinWait()
}

private class Problems : Logger {
    val errors = mutableListOf<String>()

    override fun error(message: String) {
        errors += message.substringAfter(": ")
    }

    override fun error(
        message: String,
        cause: Throwable,
    ) = error(message)

    override fun info(message: String) = Unit

    override fun info(
        message: String,
        cause: Throwable,
    ) = Unit

    override fun debug(message: String) = Unit

    override fun debug(
        message: String,
        cause: Throwable,
    ) = Unit

    override fun warn(message: String) = Unit

    override fun warn(
        message: String,
        cause: Throwable,
    ) = Unit
}
