package io.github.dvfl.litert

import io.github.dvfl.Bundle
import io.github.dvfl.BundleException
import io.github.dvfl.Clip
import io.github.dvfl.ClosedException
import io.github.dvfl.DvflException
import io.github.dvfl.EngineException
import io.github.dvfl.Precision
import io.github.dvfl.desktop.BundleCopy
import io.github.dvfl.desktop.GoldenFiles
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertNotNull
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import java.io.File
import java.nio.ByteBuffer

class LiteRtErrorsTest {
    @TempDir
    lateinit var folder: File
    private val copy by lazy { BundleCopy(GoldenFiles.bundle, folder) }
    private val file = "artifacts/model.fp32.tflite"
    private val golden = Bundle.open(GoldenFiles.bundle)
    private val clip = golden.referenceClip(golden.manifest.referenceVectors.first())

    @Test
    fun `an artifact that was changed after conversion is refused before the runtime sees it`() {
        copy.rewrite(file, rehash = false) { bytes -> bytes.also { it[it.size / 2]++ } }
        assertMessage(assertThrows(BundleException::class.java) { load() }, "changed after conversion")
    }

    @Test
    fun `a model cut off before it was hashed is refused by the runtime`() {
        copy.rewrite(file) { it.copyOf(it.size / 2) }
        val error = assertThrows(EngineException::class.java) { load() }
        assertMessage(error, "model.fp32.tflite", "cannot load it", "newer com.google.ai.edge.litert:litert")
        assertNotNull(error.cause)
    }

    @Test
    fun `a file that is no model is refused by the runtime`() {
        copy.rewrite(file) { "This is not a model. ".repeat(99).encodeToByteArray() }
        assertMessage(assertThrows(EngineException::class.java) { load() }, "cannot load it")
    }

    @Test
    fun `an empty model is refused by the runtime`() {
        copy.rewrite(file) { ByteArray(0) }
        assertMessage(assertThrows(EngineException::class.java) { load() }, "cannot load it")
    }

    @Test
    fun `a manifest with another input shape is refused and both are named`() {
        editFirst(Regex("""\[\s*8,\s*64,\s*64,\s*3\s*]"""), "[8, 32, 32, 3]")
        assertMessage(
            assertThrows(EngineException::class.java) { load() },
            "FLOAT32 [8, 64, 64, 3]",
            "FLOAT32 [8, 32, 32, 3]",
        )
    }

    @Test
    fun `a manifest with another input type is refused and both are named`() {
        editFirst(Regex(""""dtype":\s*"float32""""), """"dtype": "uint8"""")
        assertMessage(
            assertThrows(EngineException::class.java) { load() },
            "FLOAT32 [8, 64, 64, 3]",
            "UINT8 [8, 64, 64, 3]",
        )
    }

    @Test
    fun `a manifest with another number of classes is refused and both are named`() {
        copy.editManifest {
            it
                .replace(Regex("""\[\s*1,\s*6\s*]"""), "[1, 5]")
                .replace(Regex(""""static",\s*"pan left",""", RegexOption.MULTILINE), "\"static\",")
                .replace(Regex("""("logits":\s*\[)\s*[-0-9.e]+,"""), "$1")
        }
        assertMessage(
            assertThrows(EngineException::class.java) { load() },
            "FLOAT32 [1, 6]",
            "FLOAT32 [1, 5]",
        )
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
    }

    @Test
    fun `wrong options are refused where they are built`() {
        assertThrows(IllegalArgumentException::class.java) { LiteRtOptions(threads = 0) }
        assertThrows(IllegalArgumentException::class.java) { Accelerator.Custom(" ") { error("not made") } }
        assertThrows(IllegalArgumentException::class.java) { Accelerator.Nnapi(acceleratorName = "") }
        assertThrows(IllegalArgumentException::class.java) {
            LiteRtProvider().load(golden, golden.artifact("litert"), 0)
        }
    }

    private fun load(): LiteRtEngine =
        copy.open().let { LiteRtProvider().load(it, it.artifact("litert", Precision.FP32), 1) }

    private fun editFirst(
        pattern: Regex,
        replacement: String,
    ) {
        copy.editManifest { text ->
            val artifacts = text.indexOf("\"artifacts\"")
            text.take(artifacts) + text.drop(artifacts).replaceFirst(pattern, replacement)
        }
    }
}

internal fun assertMessage(
    error: DvflException,
    vararg parts: String,
) {
    val message = error.message.orEmpty()
    for (part in parts) assertTrue(part in message, "'$part' is not in: $message")
    assertFalse('\n' in message, message)
}
