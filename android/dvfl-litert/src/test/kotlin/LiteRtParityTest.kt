package io.github.dvfl.litert

import io.github.dvfl.Bundle
import io.github.dvfl.Precision
import io.github.dvfl.desktop.GoldenFiles
import io.github.dvfl.desktop.requireAgreement
import io.github.dvfl.desktop.sha256
import io.github.dvfl.desktop.text
import io.github.dvfl.engine.EngineProvider
import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertNotEquals
import org.junit.jupiter.api.Assumptions.assumeTrue
import org.junit.jupiter.api.Test
import java.io.File
import java.util.ServiceLoader

class LiteRtParityTest {
    private val golden = Bundle.open(GoldenFiles.bundle)
    private val fp32 = golden.artifact("litert", Precision.FP32)

    @Test
    fun `the golden bundle's artifacts agree with PyTorch on every reference clip`() {
        assertEquals(
            GoldenFiles.results.text("manifest_sha256"),
            sha256(File(GoldenFiles.bundle, "manifest.json")),
        )
        requireAgreement(golden, LiteRtProvider())
    }

    @Test
    fun `a bundle given as dvfl_bundle agrees with PyTorch on every reference clip`() {
        val folder = System.getProperty("dvfl.bundle")
        assumeTrue(folder != null, "no -Ddvfl.bundle=FOLDER given")
        requireAgreement(Bundle.open(File(folder)), LiteRtProvider())
    }

    @Test
    fun `the reference kernels without XNNPACK agree too`() {
        requireAgreement(golden, LiteRtProvider(LiteRtOptions(Accelerator.Cpu(xnnpack = false))))
    }

    @Test
    fun `the number of threads and a second run change nothing, another clip does`() {
        val (first, second) = golden.manifest.referenceVectors.map(golden::referenceClip)
        val provider = LiteRtProvider()
        val one = provider.load(golden, fp32, 1)
        val three = LiteRtProvider(LiteRtOptions(threads = 3)).load(golden, fp32, null)
        one.use {
            three.use {
                val logits = one.run(first)
                assertArrayEquals(logits, three.run(first), 1e-5f)
                assertNotEquals(logits.toList(), one.run(second).toList())
                assertEquals(logits.toList(), one.run(first).toList())
            }
        }
    }

    @Test
    fun `it is found by itself and says what it runs on`() {
        val found = ServiceLoader.load(EngineProvider::class.java).single { it.target == "litert" }
        assertEquals(LiteRtOptions(), (found as LiteRtProvider).options)
        assertEquals(null, found.obstacle())
        found.load(golden, fp32, null).use { assertEquals(Accelerator.Cpu(), it.accelerator) }
    }
}
