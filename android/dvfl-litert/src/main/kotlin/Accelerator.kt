package io.github.dvfl.litert

import org.tensorflow.lite.Delegate
import java.io.File

/**
 * Where a `.tflite` artifact runs. What a delegate cannot run stays on the CPU with XNNPACK. The parity in a bundle's
 * manifest was measured on [Cpu]; compare another one with the bundle's reference vectors on the phones you ship to.
 */
public sealed interface Accelerator {
    /**
     * The CPU.
     *
     * @property xnnpack false runs TFLite's reference kernels, many times slower; for comparisons.
     */
    public data class Cpu(
        val xnnpack: Boolean = true,
    ) : Accelerator

    /**
     * The GPU; needs the app to depend on LiteRT's GPU libraries (`litert-gpu` and `litert-gpu-api`).
     *
     * @property precisionLossAllowed computes in fp16: faster, but sums above 65504 overflow, which is an
     *   [io.github.dvfl.EngineException] at run time.
     * @property quantizedModelsAllowed runs int8 artifacts too, by dequantizing them.
     * @property sustainedSpeed true for a stream, false for a single clip now and then.
     * @property cacheDirectory a folder of the app for compiled GPU programs, so that later loads are fast; null
     *   compiles at each load. Its files are keyed by the artifact's sha256.
     */
    public data class Gpu(
        val precisionLossAllowed: Boolean = false,
        val quantizedModelsAllowed: Boolean = true,
        val sustainedSpeed: Boolean = true,
        val cacheDirectory: File? = null,
    ) : Accelerator

    /**
     * Android's Neural Networks API, deprecated since Android 15.
     *
     * @property acceleratorName a driver, or null for any.
     * @property precisionLossAllowed computes float32 in fp16.
     * @property cpuAllowed lets Android's own slow CPU implementation take what no driver runs.
     * @property sustainedSpeed true for a stream, false for a single clip now and then.
     * @property cacheDirectory a folder of the app for compiled models; null compiles at each load.
     */
    public data class Nnapi(
        val acceleratorName: String? = null,
        val precisionLossAllowed: Boolean = false,
        val cpuAllowed: Boolean = false,
        val sustainedSpeed: Boolean = true,
        val cacheDirectory: File? = null,
    ) : Accelerator {
        init {
            require(acceleratorName == null || acceleratorName.isNotBlank()) {
                "acceleratorName must not be blank; leave it out for any driver"
            }
        }
    }

    /**
     * Any other delegate that the app brings, such as Qualcomm's:
     * `Accelerator.Custom("QNN") { QnnDelegate(options) }`.
     *
     * @property name for messages.
     * @property create makes one delegate for each engine, in the thread that loads it; the engine closes it.
     */
    public class Custom(
        public val name: String,
        public val create: () -> Delegate,
    ) : Accelerator {
        init {
            require(name.isNotBlank()) { "name must not be blank; it tells delegates apart in messages" }
        }

        override fun toString(): String = "Custom(name=$name)"
    }
}
