package io.github.dvfl.executorch

import io.github.dvfl.Bundle
import io.github.dvfl.BundleException
import io.github.dvfl.Clip
import io.github.dvfl.ClosedException
import io.github.dvfl.DvflException
import io.github.dvfl.EngineException
import io.github.dvfl.desktop.BundleCopy
import io.github.dvfl.desktop.GoldenFiles
import io.github.dvfl.desktop.requireAgreement
import io.github.dvfl.engine.EngineProvider
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertNotEquals
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Assumptions.assumeTrue
import org.junit.jupiter.api.BeforeEach
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import org.pytorch.executorch.Module
import org.pytorch.executorch.PythonBridge
import java.io.File
import java.nio.ByteBuffer
import java.util.ServiceLoader

class ExecuTorchTest {
    @TempDir
    lateinit var folder: File
    private val copy by lazy { BundleCopy(GoldenFiles.bundle, folder) }
    private val file = "artifacts/model.fp32.pte"
    private val golden = Bundle.open(GoldenFiles.bundle)
    private val artifact = golden.artifact("executorch")
    private val clip = golden.referenceClip(golden.manifest.referenceVectors.first())
    private val provider = ExecuTorchProvider()

    @BeforeEach
    fun `needs a Python with ExecuTorch`() = PythonBridge.require()

    @Test
    fun `the golden bundle's artifacts agree with PyTorch on every reference clip`() {
        requireAgreement(golden, provider)
    }

    @Test
    fun `a bundle given as dvfl_bundle agrees with PyTorch on every reference clip`() {
        val folder = System.getProperty("dvfl.bundle")
        assumeTrue(folder != null, "no -Ddvfl.bundle=FOLDER given")
        requireAgreement(Bundle.open(File(folder)), provider)
    }

    @Test
    fun `it is found by itself, and two clips give two results`() {
        val found = ServiceLoader.load(EngineProvider::class.java).single { it.target == "executorch" }
        assertEquals(ExecuTorchOptions(), (found as ExecuTorchProvider).options)
        assertEquals(null, found.obstacle())
        val other = golden.referenceClip(golden.manifest.referenceVectors.last())
        found.load(golden, artifact, null).use { engine ->
            val logits = engine.run(clip).toList()
            assertNotEquals(logits, engine.run(other).toList())
            assertEquals(logits, engine.run(clip).toList())
        }
    }

    @Test
    fun `engines that are open at the same time share one number of threads`() {
        val loaded = Module.opened.size
        provider.load(golden, artifact, 2).use {
            assertMessage(
                assertThrows(EngineException::class.java) { provider.load(golden, artifact, 1) },
                "one thread pool per process",
                "2 threads",
            )
            provider.load(golden, artifact, null).close()
            provider.load(golden, artifact, 2).close()
        }
        provider.load(golden, artifact, 1).close()
        ExecuTorchProvider(ExecuTorchOptions(threads = 2)).load(golden, artifact, null).use {
            assertThrows(EngineException::class.java) { provider.load(golden, artifact, 1) }
        }
        assertEquals(listOf(2, 2, 2, 1, 2), Module.opened.drop(loaded))
    }

    @Test
    fun `an artifact that was changed after conversion is refused before the runtime sees it`() {
        copy.rewrite(file, rehash = false) { bytes -> bytes.also { it[it.size / 2]++ } }
        assertMessage(assertThrows(BundleException::class.java) { load() }, "changed after conversion")
    }

    @Test
    fun `a program cut off before it was hashed is refused by the runtime`() {
        copy.rewrite(file) { it.copyOf(it.size / 2) }
        val error = assertThrows(EngineException::class.java) { load() }
        assertMessage(error, "model.fp32.pte", "convert again")
        assertTrue(error.cause != null)
        assertPoolIsFree()
    }

    @Test
    fun `a file that is no program is refused by the runtime`() {
        copy.rewrite(file) { "This is not a program. ".repeat(99).encodeToByteArray() }
        assertMessage(assertThrows(EngineException::class.java) { load() }, "cannot load it", "convert again")
        assertPoolIsFree()
    }

    @Test
    fun `a manifest with another input shape is refused at load and named`() {
        editExecuTorch(Regex("""\[\s*8,\s*3,\s*64,\s*64\s*]"""), "[8, 3, 32, 32]")
        assertMessage(
            assertThrows(EngineException::class.java) { load() },
            "model.fp32.pte",
            "[8, 3, 32, 32]",
        )
        assertPoolIsFree()
    }

    @Test
    fun `a manifest with another input type is refused at load and named`() {
        editExecuTorch(Regex(""""dtype":\s*"float32""""), """"dtype": "uint8"""")
        assertMessage(assertThrows(EngineException::class.java) { load() }, "model.fp32.pte", "UINT8")
        assertPoolIsFree()
    }

    @Test
    fun `a manifest with another number of classes is refused and both are named`() {
        copy.editManifest {
            it
                .replace(Regex("""\[\s*1,\s*6\s*]"""), "[1, 5]")
                .replace(Regex(""""static",\s*"pan left","""), "\"static\",")
                .replace(Regex("""("logits":\s*\[)\s*[-0-9.e]+,"""), "$1")
        }
        assertMessage(assertThrows(EngineException::class.java) { load() }, "FLOAT [1, 6]", "FLOAT [1, 5]")
        assertPoolIsFree()
    }

    @Test
    fun `a clip of another shape is refused and the engine stays usable`() {
        load().use { engine ->
            val small = Clip(ByteBuffer.allocate(4 * 64 * 64 * 3), 4, 64, 64, List(4) { it.toDouble() })
            assertMessage(assertThrows(EngineException::class.java) { engine.run(small) }, "[4, 64, 64, 3]")
            assertEquals(golden.manifest.labels.size, engine.run(clip).size)
        }
    }

    @Test
    fun `running after close is refused, closing twice is not`() {
        val engine = load()
        engine.close()
        engine.close()
        assertMessage(assertThrows(ClosedException::class.java) { engine.run(clip) }, "closed")
        assertPoolIsFree()
    }

    @Test
    fun `wrong options are refused where they are built`() {
        assertThrows(IllegalArgumentException::class.java) { ExecuTorchOptions(threads = 0) }
        assertThrows(IllegalArgumentException::class.java) { provider.load(golden, artifact, 0) }
    }

    private fun load(): ExecuTorchEngine = copy.open().let { provider.load(it, it.artifact("executorch"), 1) }

    /** No failure leaves a user behind: another number of threads is accepted. */
    private fun assertPoolIsFree() {
        for (threads in 1..2) provider.load(golden, artifact, threads).close()
    }

    private fun editExecuTorch(
        pattern: Regex,
        replacement: String,
    ) {
        copy.editManifest { text ->
            val start = text.indexOf("\"file\": \"$file\"")
            check(start > 0)
            text.take(start) + text.drop(start).replaceFirst(pattern, replacement)
        }
    }
}

private fun assertMessage(
    error: DvflException,
    vararg parts: String,
) {
    val message = error.message.orEmpty()
    for (part in parts) assertTrue(part in message, "'$part' is not in: $message")
    assertFalse('\n' in message, message)
}
