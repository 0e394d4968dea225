package io.github.dvfl.litert

import io.github.dvfl.Bundle
import io.github.dvfl.EngineException
import io.github.dvfl.Precision
import io.github.dvfl.desktop.GoldenFiles
import org.bytedeco.tensorflowlite.TfLiteContext
import org.bytedeco.tensorflowlite.TfLiteDelegate
import org.bytedeco.tensorflowlite.global.tensorflowlite
import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertSame
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.tensorflow.lite.Delegate

class LiteRtDelegateTest {
    private val golden = Bundle.open(GoldenFiles.bundle)
    private val artifact = golden.artifact("litert", Precision.FP32)
    private val clip = golden.referenceClip(golden.manifest.referenceVectors.first())

    /** A real delegate that the runtime asks to prepare; it takes no operator, or fails with a status. */
    private class NativeDelegate(
        private val status: Int,
    ) : Delegate {
        var prepared = 0
        var closed = 0
        private val prepare =
            object : TfLiteDelegate.Prepare_TfLiteContext_TfLiteDelegate() {
                override fun call(
                    context: TfLiteContext?,
                    delegate: TfLiteDelegate?,
                ): Int {
                    prepared++
                    return status
                }
            }
        private val native = tensorflowlite.TfLiteDelegateCreate().also { it.Prepare(prepare) }

        override fun getNativeHandle(): Long = native.address()

        override fun close() {
            closed++
        }
    }

    @Test
    fun `a custom delegate is used and closed once with the engine`() {
        val delegate = NativeDelegate(status = 0)
        val custom = Accelerator.Custom("spy") { delegate }
        val engine = LiteRtProvider(LiteRtOptions(custom)).load(golden, artifact, 1)
        assertSame(custom, engine.accelerator)
        val cpu = LiteRtProvider().load(golden, artifact, 1).use { it.run(clip) }
        assertArrayEquals(cpu, engine.run(clip), 1e-5f)
        assertTrue(delegate.prepared > 0)
        assertEquals(0, delegate.closed)
        engine.close()
        engine.close()
        assertEquals(1, delegate.closed)
    }

    @Test
    fun `a delegate that fails is closed and the CPU suggested`() {
        val delegate = NativeDelegate(status = 1)
        val provider = LiteRtProvider(LiteRtOptions(Accelerator.Custom("broken") { delegate }))
        val error = assertThrows(EngineException::class.java) { provider.load(golden, artifact, 1) }
        assertMessage(error, "cannot load it", "use Accelerator.Cpu instead of Custom(name=broken)")
        assertTrue(delegate.prepared > 0)
        assertEquals(1, delegate.closed)
    }

    @Test
    fun `a delegate that cannot be made is explained`() {
        val provider = LiteRtProvider(LiteRtOptions(Accelerator.Custom("absent") { error("no such chip") }))
        val error = assertThrows(EngineException::class.java) { provider.load(golden, artifact, 1) }
        assertMessage(error, "Custom(name=absent) cannot be made", "no such chip", "use Accelerator.Cpu")
    }

    @Test
    fun `a GPU or NNAPI without its library is explained`() {
        val gpu = LiteRtProvider(LiteRtOptions(Accelerator.Gpu()))
        assertMessage(
            assertThrows(EngineException::class.java) { gpu.load(golden, artifact, 1) },
            "cannot be made",
            "com.google.ai.edge.litert:litert-gpu",
        )
        val nnapi = LiteRtProvider(LiteRtOptions(Accelerator.Nnapi()))
        assertMessage(
            assertThrows(EngineException::class.java) { nnapi.load(golden, artifact, 1) },
            "use Accelerator.Cpu",
        )
    }
}
