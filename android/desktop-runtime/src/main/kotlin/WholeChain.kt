package io.github.dvfl.desktop

import io.github.dvfl.ActionRecognizer
import io.github.dvfl.Bundle
import io.github.dvfl.Precision
import io.github.dvfl.Prediction
import io.github.dvfl.PreprocessingSpec
import io.github.dvfl.Preprocessor
import io.github.dvfl.RecognizerOptions
import io.github.dvfl.clipFrameIndices
import kotlinx.serialization.json.jsonArray
import kotlinx.serialization.json.jsonObject
import java.io.File
import kotlin.math.abs

/** From a video file through the golden bundle to labels, compared with the Python SDK step by step. */
public class WholeChain(
    private val engine: String,
) {
    private val bundle = Bundle.open(GoldenFiles.bundle)
    private val spec = bundle.manifest.preprocessing

    /** Fails if a step of the golden video differs from Python's. */
    public fun requirePython() {
        val video = GoldenFiles.results.getValue("video").jsonObject
        val file = File(GoldenFiles.root, video.text("file"))
        check(sha256(file) == video.text("sha256")) { "$file is not the golden video" }
        val frames = decodeVideo(file, spec)
        val big = PreprocessingSpec.default()
        checkTensor(tensorOf(file, big), GoldenFiles.realClip.getValue("tensor").text("sha256"))
        checkTensor(tensorOf(file, spec), video.getValue("tensor").text("sha256"))
        recognizer().use { recognizer ->
            val name = "$engine-${recognizer.precision.id}"
            checkLogits(recognizer.logits(frames), GoldenFiles.logits(name), name)
            checkPredictions(recognizer.recognize(frames), name)
        }
    }

    /** Fails if a demo clip, decoded here, is not the bundle's reference clip of its name, or gives other logits. */
    public fun requireReference(name: String) {
        val vector = bundle.manifest.referenceVectors.single { it.name == name }
        val file = File(GoldenFiles.root, "assets/clips/$name")
        checkTensor(tensorOf(file, spec), sha256(bundle.referenceClip(vector).pixels))
        val reference = vector.logits.map(Double::toFloat).toFloatArray()
        recognizer().use { checkLogits(it.logits(decodeVideo(file, spec)), reference, "$engine on $name") }
    }

    private fun recognizer() =
        ActionRecognizer.open(
            bundle,
            RecognizerOptions(engine = engine, precision = Precision.FP32, threads = 2),
        )

    private fun tensorOf(
        file: File,
        spec: PreprocessingSpec,
    ): String {
        val frames = decodeVideo(file, spec)
        val sampled = clipFrameIndices(frames.size, spec).map(frames::get)
        return sha256(Preprocessor(spec).clip(sampled).pixels)
    }

    private fun checkTensor(
        found: String,
        expected: String,
    ) {
        check(found == expected) { "the preprocessed clip has sha256 $found, Python's $expected" }
    }

    private fun checkLogits(
        found: FloatArray,
        expected: FloatArray,
        name: String,
    ) {
        val error = found.indices.maxOf { abs(found[it] - expected[it]) }
        println("$name: largest error of a logit against Python $error")
        check(found.size == expected.size && error <= MOST_ERROR) {
            "$name: logits ${found.toList()}, not ${expected.toList()}"
        }
    }

    private fun checkPredictions(
        found: List<Prediction>,
        name: String,
    ) {
        val expected =
            GoldenFiles.results
                .getValue("predictions")
                .jsonObject[name]
                ?.jsonArray ?: return
        check(
            found.map { "${it.index} ${it.label}" } ==
                expected.map { "${it.text("index")} ${it.text("label")}" },
        ) {
            "$name: labels $found, not $expected"
        }
        val error = found.indices.maxOf { abs(found[it].score - expected[it].text("score").toDouble()) }
        check(error <= MOST_ERROR) { "$name: scores $found, not $expected" }
    }

    private companion object {
        const val MOST_ERROR = 1e-4
    }
}
