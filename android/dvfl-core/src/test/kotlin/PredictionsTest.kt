package io.github.dvfl

import kotlinx.serialization.Serializable
import kotlinx.serialization.json.Json
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Test
import org.junit.jupiter.params.ParameterizedTest
import org.junit.jupiter.params.provider.MethodSource

@Serializable
data class GoldenPredictions(
    val format: Int,
    val cases: List<PredictionCase>,
)

@Serializable
data class PredictionCase(
    val name: String,
    val labels: List<String>,
    val logits: List<Float>,
    val top: Int?,
    val expected: List<ExpectedPrediction>,
)

@Serializable
data class ExpectedPrediction(
    val index: Int,
    val label: String,
    val logit: Double,
    val score: Double,
)

class PredictionsTest {
    @ParameterizedTest
    @MethodSource("cases")
    fun `logits become the golden predictions`(case: PredictionCase) {
        val actual = rank(case.logits.toFloatArray(), case.labels, case.top)
        assertEquals(
            case.expected.map { Triple(it.index, it.label, it.logit) },
            actual.map { Triple(it.index, it.label, it.logit) },
        )
        case.expected.zip(actual).forEach { (wanted, found) -> assertEquals(wanted.score, found.score, 1e-9) }
    }

    @Test
    fun `a negative zero ties with zero`() {
        val ranked = rank(floatArrayOf(-0.0f, 0.0f, 1.0f), listOf("a", "b", "c"), null)
        assertEquals(listOf("c", "a", "b"), ranked.map { it.label })
    }

    companion object {
        @JvmStatic
        fun cases(): List<PredictionCase> =
            Json
                .decodeFromString<GoldenPredictions>(
                    Golden.folder.resolve("predictions.json").readText(),
                ).cases
    }
}
