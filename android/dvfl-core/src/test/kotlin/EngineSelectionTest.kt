package io.github.dvfl

import io.github.dvfl.engine.Engine
import io.github.dvfl.fakes.FakeEngine
import io.github.dvfl.fakes.FakeProvider
import io.github.dvfl.fakes.makeBundle
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertSame
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows
import org.junit.jupiter.api.io.TempDir
import java.io.File
import java.util.ServiceConfigurationError

class EngineSelectionTest {
    @TempDir
    lateinit var folder: File

    private val litert = FakeProvider("litert")
    private val executorch = FakeProvider("executorch")

    private fun chosen(
        artifacts: List<String>,
        options: RecognizerOptions = RecognizerOptions(providers = listOf(executorch, litert)),
    ): String =
        ActionRecognizer
            .open(
                makeBundle(folder, artifacts),
                options,
            ).use { "${it.engine} ${it.precision.id}" }

    private inline fun <reified E : Throwable> refused(
        artifacts: List<String>,
        options: RecognizerOptions = RecognizerOptions(providers = listOf(executorch, litert)),
    ): String =
        assertThrows<E> {
            chosen(artifacts, options)
        }.message.orEmpty().also { assertTrue('\n' !in it, it) }

    @Test
    fun `litert comes before executorch, whatever the order of the artifacts and providers`() {
        assertEquals("litert fp32", chosen(listOf("executorch fp32", "litert fp32")))
        assertEquals("executorch fp32", chosen(listOf("coreml fp32", "executorch fp32")))
    }

    @Test
    fun `artifacts that failed their gate come last`() {
        assertEquals("executorch fp32", chosen(listOf("litert fp32 failed", "executorch fp32")))
        assertEquals("litert fp16", chosen(listOf("litert fp32 failed", "litert fp16")))
        assertEquals("litert fp32", chosen(listOf("litert fp32 failed", "executorch fp32 failed")))
    }

    @Test
    fun `an engine and a precision that were asked for are taken, even if they failed`() {
        val artifacts = listOf("litert fp32", "litert int8 failed", "executorch fp32")
        val providers = listOf(litert, executorch)
        assertEquals(
            "executorch fp32",
            chosen(artifacts, RecognizerOptions("executorch", providers = providers)),
        )
        assertEquals(
            "litert int8",
            chosen(artifacts, RecognizerOptions(precision = Precision.INT8, providers = providers)),
        )
    }

    @Test
    fun `an engine that cannot run here is passed over, and named if there is no other`() {
        val broken = FakeProvider("litert", obstacle = { "litert needs Android 8" })
        val artifacts = listOf("litert fp32", "executorch fp32")
        assertEquals(
            "executorch fp32",
            chosen(artifacts, RecognizerOptions(providers = listOf(broken, executorch))),
        )
        val message = refused<EngineException>(artifacts, RecognizerOptions(providers = listOf(broken)))
        assertEquals(
            "litert needs Android 8; engine 'executorch' is not in this app; " +
                "add the library dvfl-executorch, or give a provider in the options",
            message,
        )
    }

    @Test
    fun `of two providers of one target the first that can run is taken`() {
        val engine = FakeEngine { floatArrayOf(0f, 0f, 0f) }
        val broken = FakeProvider("litert", obstacle = { "no" })
        val options = RecognizerOptions(providers = listOf(broken, FakeProvider("litert") { _, _ -> engine }))
        ActionRecognizer.open(makeBundle(folder), options).use { it.warmUp() }
        assertEquals(1, engine.runs)
    }

    @Test
    fun `an unknown engine is told apart from a missing artifact, with a guess`() {
        val artifacts = listOf("litert fp32", "litert int8")
        val providers = listOf(litert)
        val typo = refused<EngineException>(artifacts, RecognizerOptions("LiteTR", providers = providers))
        assertEquals(
            "unknown engine 'LiteTR'; did you mean 'litert'? choices: litert, executorch, coreml",
            typo,
        )
        val nonsense =
            refused<EngineException>(artifacts, RecognizerOptions("onnxruntime", providers = providers))
        assertEquals("unknown engine 'onnxruntime'; choices: litert, executorch, coreml", nonsense)
        val absent =
            refused<BundleException>(artifacts, RecognizerOptions("executorch", providers = providers))
        assertTrue(
            absent.endsWith("no artifact 'executorch'; this bundle holds: litert-fp32, litert-int8"),
            absent,
        )
        val precision =
            refused<BundleException>(
                artifacts,
                RecognizerOptions(precision = Precision.FP16, providers = providers),
            )
        assertTrue("litert-fp32, litert-int8" in precision, precision)
    }

    @Test
    fun `a provider of another target is a choice too`() {
        val options = RecognizerOptions(providers = listOf(FakeProvider("mine"), litert))
        assertEquals("mine fp32", chosen(listOf("mine fp32"), options))
        assertEquals("litert fp32", chosen(listOf("mine fp32", "litert fp32"), options))
    }

    @Test
    fun `without any provider the library to add is named`() {
        val message =
            refused<EngineException>(listOf("litert fp32"), RecognizerOptions(providers = emptyList()))
        assertTrue("add the library dvfl-litert" in message, message)
        // This module brings no engine, so none is listed as a service either.
        assertEquals(message, refused<EngineException>(listOf("litert fp32"), RecognizerOptions()))
        assertTrue("Apple" in refused<EngineException>(listOf("coreml fp32"), RecognizerOptions()))
    }

    @Test
    fun `whatever a runtime throws while it loads is an engine error`() {
        val faults =
            listOf(
                IllegalStateException("no such operator"),
                UnsatisfiedLinkError("libfake.so is for another processor"),
                ServiceConfigurationError("broken"),
                NullPointerException(),
            )
        for (fault in faults) {
            val provider = FakeProvider("litert") { _, _ -> throw fault }
            val error =
                assertThrows<EngineException> {
                    chosen(listOf("litert fp32"), RecognizerOptions(providers = listOf(provider)))
                }
            assertSame(fault, error.cause)
        }
    }

    @Test
    fun `a failed load names the oldest runtimes that are right`() {
        val bundle = makeBundle(folder, listOf("litert fp32"))
        val artifact =
            bundle.manifest.artifacts.single().copy(
                options = mapOf("min_runtime" to "runtime 1.2"),
            )
        val manifest = bundle.manifest.copy(artifacts = listOf(artifact))
        folder
            .resolve(
                Bundle.MANIFEST_FILE,
            ).writeText(strictJson.encodeToString(Manifest.serializer(), manifest))
        val provider = FakeProvider("litert") { _, _ -> throw IllegalStateException("no such operator") }
        val error =
            assertThrows<EngineException> {
                ActionRecognizer.open(Bundle.open(folder), RecognizerOptions(providers = listOf(provider)))
            }
        assertTrue(
            error.message.orEmpty().endsWith("(the artifact is right from runtime 1.2 on)"),
            error.message,
        )
    }

    @Test
    fun `a provider that fails to say whether it can run is passed over`() {
        val broken = FakeProvider("litert", obstacle = { throw UnsatisfiedLinkError("libfake.so") })
        val artifacts = listOf("litert fp32", "executorch fp32")
        assertEquals(
            "executorch fp32",
            chosen(artifacts, RecognizerOptions(providers = listOf(broken, executorch))),
        )
    }

    @Test
    fun `an artifact that was changed or removed is a bundle error`() {
        val bundle = makeBundle(folder)
        val options = RecognizerOptions(providers = listOf(litert))
        val file = bundle.resolve(bundle.artifact("litert"))
        file.writeText("altered")
        assertThrows<BundleException> { ActionRecognizer.open(folder, options) }
        file.delete()
        assertThrows<BundleException> { ActionRecognizer.open(folder, options) }
        assertThrows<BundleException> { ActionRecognizer.open(folder.resolve("nowhere"), options) }
    }

    @Test
    fun `threads reach the provider, and options out of range are refused`() {
        val asked = mutableListOf<Int?>()
        val provider =
            FakeProvider("litert") { _, threads ->
                asked += threads
                FakeEngine { floatArrayOf(0f, 0f, 0f) } as Engine
            }
        chosen(listOf("litert fp32"), RecognizerOptions(threads = 3, providers = listOf(provider)))
        chosen(listOf("litert fp32"), RecognizerOptions(providers = listOf(provider)))
        assertEquals(listOf(3, null), asked)
        assertThrows<IllegalArgumentException> { RecognizerOptions(threads = 0) }
        assertThrows<IllegalArgumentException> { RecognizerOptions(engine = " ") }
    }
}
