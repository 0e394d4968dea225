package io.github.dvfl.fakes

import io.github.dvfl.Artifact
import io.github.dvfl.Bundle
import io.github.dvfl.Gate
import io.github.dvfl.InputContract
import io.github.dvfl.InputType
import io.github.dvfl.Manifest
import io.github.dvfl.ModelCard
import io.github.dvfl.OutputContract
import io.github.dvfl.OutputMeaning
import io.github.dvfl.OutputType
import io.github.dvfl.ParityReport
import io.github.dvfl.ParityStatus
import io.github.dvfl.Precision
import io.github.dvfl.PreprocessingSpec
import io.github.dvfl.TensorLayout
import io.github.dvfl.strictJson
import java.io.File
import java.security.MessageDigest

val LABELS = listOf("walk", "run", "sit")

/** The shipped contract for small clips: [frames] frames of 4 x 4. */
fun smallSpec(frames: Int = 4): PreprocessingSpec =
    PreprocessingSpec.default().withClip(frames = frames, size = 4)

/** `litert fp32`, or `litert fp32 failed`. */
private fun artifact(
    folder: File,
    words: String,
    spec: PreprocessingSpec,
    classes: Int,
): Artifact {
    val (target, precision) = words.split(' ')
    val bytes = words.toByteArray()
    val file = "artifacts/$target.$precision"
    folder.resolve(file).apply { parentFile.mkdirs() }.writeBytes(bytes)
    val size = spec.crop.size
    return Artifact(
        file = file,
        sha256 = MessageDigest.getInstance("SHA-256").digest(bytes).joinToString("") { "%02x".format(it) },
        bytes = bytes.size.toLong(),
        target = target,
        precision = Precision.entries.first { it.id == precision },
        input =
            InputContract(
                "clip",
                InputType.FLOAT32,
                TensorLayout.THWC,
                listOf(spec.temporal.frames, size, size, 3),
                listOf(0, 255),
            ),
        output = OutputContract("logits", OutputType.FLOAT32, listOf(1, classes), OutputMeaning.LOGITS),
        options = emptyMap(),
        operators = null,
        parity =
            ParityReport(
                if (words.endsWith("failed")) ParityStatus.FAILED else ParityStatus.PASSED,
                null,
                Gate(null, null, null, null),
                emptyList(),
            ),
        tools = emptyMap(),
    )
}

/** Writes a bundle whose artifacts no runtime could load, and opens it. */
fun makeBundle(
    folder: File,
    artifacts: List<String> = listOf("litert fp32"),
    spec: PreprocessingSpec = smallSpec(),
    labels: List<String> = LABELS,
): Bundle {
    val manifest =
        Manifest(
            schemaVersion = Manifest.SCHEMA_VERSION,
            model =
                ModelCard(
                    "fake",
                    listOf(1),
                    8,
                    1,
                    1,
                    spec.temporal.frames,
                    spec.crop.size,
                    "none",
                    "0".repeat(64),
                ),
            labels = labels,
            preprocessing = spec,
            reference = null,
            artifacts = artifacts.map { artifact(folder, it, spec, labels.size) },
            referenceVectors = emptyList(),
        )
    folder.resolve(Bundle.MANIFEST_FILE).writeText(strictJson.encodeToString(Manifest.serializer(), manifest))
    return Bundle.open(folder)
}
