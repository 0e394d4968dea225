package io.github.dvfl.streaming

import io.github.dvfl.ActionRecognizer
import io.github.dvfl.Entered
import io.github.dvfl.Golden
import io.github.dvfl.Left
import io.github.dvfl.Result
import io.github.dvfl.StreamCounters
import io.github.dvfl.StreamingOptions
import io.github.dvfl.Update
import io.github.dvfl.fakes.FakeEngine
import io.github.dvfl.fakes.makeBundle
import io.github.dvfl.fakes.smallSpec
import io.github.dvfl.fakes.with
import kotlinx.serialization.ExperimentalSerializationApi
import kotlinx.serialization.SerialName
import kotlinx.serialization.Serializable
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonNamingStrategy
import org.junit.jupiter.api.Assertions.assertEquals
import java.io.File

@Serializable
data class GoldenStreams(
    val format: Int,
    val specSha256: String,
    val cases: List<StreamCase>,
)

@Serializable
data class StreamCase(
    val name: String,
    val options: CaseOptions,
    val frames: Int,
    val labels: List<String>,
    val logits: List<List<Float>>,
    val steps: List<CaseStep>,
    val expected: List<List<CaseUpdate>>,
    val clipTimes: List<List<Double>>,
    val counters: CaseCounters,
)

@Serializable
data class CaseOptions(
    val windowS: Double,
    val strideS: Double,
    val smoothingHalfLifeS: Double,
    val enterThreshold: Double,
    val leaveThreshold: Double,
    val minHoldS: Double,
    val maxLateS: Double,
    val maxFps: Double,
    val top: Int?,
) {
    fun options() =
        StreamingOptions(
            windowS,
            strideS,
            smoothingHalfLifeS,
            enterThreshold,
            leaveThreshold,
            minHoldS,
            maxLateS,
            maxFps,
            top,
        )
}

@Serializable
enum class Deed {
    @SerialName("push")
    PUSH,

    @SerialName("reset")
    RESET,

    @SerialName("pause")
    PAUSE,

    @SerialName("resume")
    RESUME,
}

@Serializable
data class CaseStep(
    @SerialName("do")
    val deed: Deed,
    val timeS: Double? = null,
)

@Serializable
sealed interface CaseUpdate {
    @Serializable
    @SerialName("result")
    data class CaseResult(
        val timeS: Double,
        val active: String?,
        val predictions: List<CasePrediction>,
    ) : CaseUpdate

    @Serializable
    @SerialName("entered")
    data class CaseEntered(
        val label: String,
        val timeS: Double,
        val score: Double,
    ) : CaseUpdate

    @Serializable
    @SerialName("left")
    data class CaseLeft(
        val label: String,
        val timeS: Double,
        val score: Double,
    ) : CaseUpdate
}

@Serializable
data class CasePrediction(
    val index: Int,
    val label: String,
    val logit: Double,
    val score: Double,
)

@Serializable
data class CaseCounters(
    val received: Long,
    val droppedLate: Long,
    val droppedRate: Long,
    val droppedPaused: Long,
    val inferences: Long,
    val restarts: Long,
) {
    fun counters() =
        StreamCounters(received, droppedLate, droppedRate, droppedPaused, 0, inferences, restarts)
}

@OptIn(ExperimentalSerializationApi::class)
private val json = Json { namingStrategy = JsonNamingStrategy.SnakeCase }

val streamCases: List<StreamCase> by lazy {
    json.decodeFromString<GoldenStreams>(Golden.folder.resolve("streams.json").readText()).cases
}

/** A case's model: answers with the case's logits, in order, and keeps the times of the clips it saw. */
class CaseModel(
    private val case: StreamCase,
) {
    val clipTimes = mutableListOf<List<Double>>()

    fun recognizer(folder: File): ActionRecognizer {
        val engine =
            FakeEngine { clip ->
                clipTimes += clip.timesS
                case.logits[clipTimes.lastIndex].toFloatArray()
            }
        val bundle = makeBundle(folder, spec = smallSpec(case.frames), labels = case.labels)
        return ActionRecognizer.open(bundle, with(engine))
    }
}

/** Everything exact but scores, which are within 1e-9. */
fun assertSameUpdates(
    expected: List<CaseUpdate>,
    actual: List<Update>,
    where: String,
) {
    assertEquals(expected.map { it.withoutScores() }, actual.map { it.asCase().withoutScores() }, where)
    val wanted = expected.flatMap { it.scores() }
    actual.flatMap { it.asCase().scores() }.forEachIndexed { index, score ->
        assertEquals(wanted[index], score, 1e-9, "$where, score $index")
    }
}

private fun Update.asCase(): CaseUpdate =
    when (this) {
        is Result -> {
            CaseUpdate.CaseResult(
                timeS,
                active,
                predictions.map { CasePrediction(it.index, it.label, it.logit, it.score) },
            )
        }

        is Entered -> {
            CaseUpdate.CaseEntered(label, timeS, score)
        }

        is Left -> {
            CaseUpdate.CaseLeft(label, timeS, score)
        }
    }

private fun CaseUpdate.scores(): List<Double> =
    when (this) {
        is CaseUpdate.CaseResult -> predictions.map { it.score }
        is CaseUpdate.CaseEntered -> listOf(score)
        is CaseUpdate.CaseLeft -> listOf(score)
    }

private fun CaseUpdate.withoutScores(): CaseUpdate =
    when (this) {
        is CaseUpdate.CaseResult -> copy(predictions = predictions.map { it.copy(score = 0.0) })
        is CaseUpdate.CaseEntered -> copy(score = 0.0)
        is CaseUpdate.CaseLeft -> copy(score = 0.0)
    }
