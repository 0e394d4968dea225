package io.github.dvfl

import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonPrimitive
import java.io.ByteArrayOutputStream
import java.io.File
import java.util.zip.GZIPOutputStream

/** A small bundle in a folder: two artifacts, one of them a folder, and one reference clip of 2 x 32 x 32. */
internal class TestBundle(
    val root: File,
) {
    val manifestFile = File(root, "manifest.json")
    val clipBytes = ByteArray(2 * 32 * 32 * 3) { (it * 7).toByte() }

    init {
        write("model.tflite", "weights".toByteArray())
        write("model.mlpackage/Manifest.json", "{}".toByteArray())
        write("model.mlpackage/Data/weights.bin", byteArrayOf(1, 2, 3))
        write("clip.gz", gzip(clipBytes))
        save(manifest())
    }

    val json: JsonElement get() = Json.parseToJsonElement(manifestFile.readText())

    fun open(): Bundle = Bundle.open(root)

    fun write(
        path: String,
        bytes: ByteArray,
    ) = File(root, path).let {
        it.parentFile.mkdirs()
        it.writeBytes(bytes)
    }

    fun save(manifest: Manifest) =
        manifestFile.writeText(strictJson.encodeToString(Manifest.serializer(), manifest))

    fun edit(
        field: String,
        value: JsonElement,
    ) = manifestFile.writeText(json.with(Field(field.split('.')), value).toString())

    fun edit(
        field: String,
        value: String,
    ) = edit(field, JsonPrimitive(value))

    fun manifest(): Manifest =
        Manifest(
            schemaVersion = 1,
            model = ModelCard("tiny", listOf(1), 8, 100, 1000, 2, 32, "tiny.pth", "0".repeat(64)),
            labels = listOf("left", "right"),
            preprocessing = PreprocessingSpec.default().withClip(2, 32),
            reference = null,
            artifacts = listOf(artifact("litert", "model.tflite"), artifact("coreml", "model.mlpackage")),
            referenceVectors =
                listOf(
                    ReferenceVector(
                        "clip.gz",
                        hash("clip.gz"),
                        0,
                        "a",
                        listOf(2, 32, 32, 3),
                        listOf(0.5, -1e-3),
                    ),
                ),
        )

    fun artifact(
        target: String,
        file: String,
        precision: Precision = Precision.FP32,
        status: ParityStatus = ParityStatus.PASSED,
    ): Artifact =
        Artifact(
            file = file,
            sha256 = hash(file),
            bytes = 0,
            target = target,
            precision = precision,
            input =
                InputContract(
                    "clip",
                    InputType.FLOAT32,
                    TensorLayout.THWC,
                    listOf(2, 32, 32, 3),
                    listOf(0, 255),
                ),
            output = OutputContract("logits", OutputType.FLOAT32, listOf(1, 2), OutputMeaning.LOGITS),
            options = mapOf("int8" to "dynamic"),
            operators =
                OperatorReport(
                    "XNNPACK",
                    1,
                    listOf(
                        OperatorUse("conv", Placement.DELEGATE, "XNNPACK", 3, 900, 0.9, "supported", null),
                    ),
                ),
            parity =
                ParityReport(
                    status,
                    null,
                    Gate(0.001, null, 0.999, null),
                    listOf(ClipParity("a", 1e-5, 1e-6, 1.0, 90.0, true, true)),
                ),
            tools = mapOf("dvfl" to "0.1.0"),
        )

    fun hash(path: String): String = sha256(File(root, path))

    companion object {
        fun gzip(bytes: ByteArray): ByteArray {
            val out = ByteArrayOutputStream()
            GZIPOutputStream(out).use { it.write(bytes) }
            return out.toByteArray()
        }
    }
}
