package io.github.dvfl.devicetest

import io.github.dvfl.Bundle
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import java.io.File

class TestArgumentsTest {
    private val manifest = Bundle.open(File(System.getProperty("dvfl.root"), "spec/golden/bundle")).manifest

    @Test
    fun `nothing said means all artifacts for Android on the CPU`() {
        val arguments = TestArguments.parse(emptyMap())
        assertEquals(TestArguments(), arguments)
        assertEquals(
            manifest.artifacts.filter { it.target != "coreml" }.map { it.name },
            arguments.choose(manifest).map { it.name },
        )
        assertEquals(
            arguments.choose(manifest),
            TestArguments.parse(mapOf("artifacts" to "all")).choose(manifest),
        )
    }

    @Test
    fun `everything said is taken`() {
        val name = TestArguments().choose(manifest).first().name
        val arguments =
            TestArguments.parse(
                mapOf(
                    "bundle" to "/data/b",
                    "artifacts" to name,
                    "accelerators" to "cpu, gpu",
                    "threads" to "2",
                    "runs" to "7",
                    "pause_s" to "0",
                ),
            )
        assertEquals(TestArguments(File("/data/b"), listOf(name), listOf("cpu", "gpu"), 2, 7, 0), arguments)
        assertEquals(listOf(name), arguments.choose(manifest).map { it.name })
    }

    @Test
    fun `what is misspelt is refused, not skipped`() {
        val wrong =
            listOf(
                "treads" to "4",
                "threads" to "0",
                "threads" to "many",
                "runs" to "0",
                "accelerators" to "cpu,,gpu",
            )
        for (pair in wrong) {
            assertThrows(
                IllegalArgumentException::class.java,
            ) { TestArguments.parse(mapOf(pair)) }
        }
        val unknown = TestArguments.parse(mapOf("artifacts" to "litert-int3"))
        val error = assertThrows(IllegalArgumentException::class.java) { unknown.choose(manifest) }
        assertTrue("litert-int3" in error.message!!)
    }

    @Test
    fun `an accelerator or engine that there isn't is a reason, not a crash`() {
        assertTrue("no accelerator 'npu'" in provider("litert", "npu").obstacle()!!)
        assertTrue("built without it" in provider("executorch", "cpu", emptyList()).obstacle()!!)
        assertEquals("litert", provider("litert", "gpu").target)
    }
}
