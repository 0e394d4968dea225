package io.github.dvfl.desktop

import io.github.dvfl.Artifact
import io.github.dvfl.Bundle
import io.github.dvfl.Precision
import io.github.dvfl.ReferenceVector
import io.github.dvfl.engine.EngineProvider
import kotlin.math.abs
import kotlin.math.sqrt

/** How an artifact's logits on this machine compare with those of the PyTorch reference in the manifest. */
public class Agreement(
    public val artifact: String,
    public val clip: String,
    public val logits: FloatArray,
    public val reference: DoubleArray,
) {
    /** Largest absolute difference. */
    public val maxError: Double = logits.indices.maxOf { abs(logits[it] - reference[it]) }

    /** [maxError] as a share of the reference's range. */
    public val errorOfRange: Double = maxError / (reference.max() - reference.min())

    /** Cosine of the angle between the two vectors. */
    public val cosine: Double =
        dot { logits[it] * reference[it] } /
            sqrt(dot { 1.0 * logits[it] * logits[it] } * dot { reference[it] * reference[it] })

    /** Whether both name the same class first. */
    public val top1Agrees: Boolean =
        logits.indices.maxBy { logits[it] } == reference.indices.maxBy { reference[it] }

    private inline fun dot(product: (Int) -> Double): Double = logits.indices.sumOf(product)

    override fun toString(): String =
        "$artifact on $clip: error ${"%.2e".format(
            errorOfRange,
        )} of the range, cosine ${"%.8f".format(cosine)}, " +
            "top-1 ${if (top1Agrees) "agrees" else "differs"}"
}

/** Runs all reference vectors of a bundle through its artifacts of the provider's target. */
public fun agreements(
    bundle: Bundle,
    provider: EngineProvider,
): List<Agreement> =
    bundle.manifest.artifacts.filter { it.target == provider.target }.flatMap { artifact ->
        provider.load(bundle, artifact, 2).use { engine ->
            bundle.manifest.referenceVectors.map { vector ->
                Agreement(
                    artifact.name,
                    vector.name,
                    engine.run(bundle.referenceClip(vector)),
                    vector.logits.toDoubleArray(),
                )
            }
        }
    }

/**
 * Fails if an artifact misses its gate on this machine: fp32 1e-4 of the range of the logits, others the worst
 * cosine of the gate; the same class first everywhere.
 */
public fun requireAgreement(
    bundle: Bundle,
    provider: EngineProvider,
) {
    val artifacts = bundle.manifest.artifacts.associateBy(Artifact::name)
    val found = agreements(bundle, provider)
    check(found.isNotEmpty()) { "${bundle.root}: no artifact of ${provider.target} or no reference vector" }
    for (agreement in found) {
        println(agreement)
        val artifact = artifacts.getValue(agreement.artifact)
        val passes =
            if (artifact.precision == Precision.FP32) {
                agreement.errorOfRange <= FP32_ERROR_OF_RANGE
            } else {
                agreement.cosine >= checkNotNull(artifact.parity.gate.minWorstCosine)
            }
        check(passes && agreement.top1Agrees) { "misses its gate: $agreement" }
    }
}

private const val FP32_ERROR_OF_RANGE = 1e-4
