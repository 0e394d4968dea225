package io.github.dvfl

import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonArray
import kotlinx.serialization.json.JsonNull
import kotlinx.serialization.json.JsonPrimitive
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Assumptions.assumeTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows
import org.junit.jupiter.api.io.TempDir
import java.io.File

class ManifestTest(
    @param:TempDir private val folder: File,
) {
    private val test = TestBundle(File(folder, "bundle"))

    @Test
    fun `what the converter wrote is read whole`() {
        val path = System.getProperty("dvfl.bundle").orEmpty()
        assumeTrue(path.isNotEmpty(), "no bundle given with -Ddvfl.bundle; 'make android' makes one")
        val bundle = Bundle.open(File(path))
        val manifest = bundle.manifest
        manifest.artifacts.forEach(bundle::verified)
        manifest.referenceVectors.forEach(bundle::referenceClip)
        assertTrue(manifest.artifacts.isNotEmpty() && manifest.referenceVectors.isNotEmpty())
        val written = Json.parseToJsonElement(File(path, Bundle.MANIFEST_FILE).readText())
        val read = strictJson.encodeToJsonElement(Manifest.serializer(), manifest)
        // A number may be spelled 1e-05 or 1.0E-5, so the documents are compared by what they mean.
        assertEquals(written.fields().toSet(), read.fields().toSet())
        for (field in written.fields()) {
            val value = written.at(field) as? JsonPrimitive ?: continue
            val copy = read.at(field) as JsonPrimitive
            val same = value == copy || value.content.toDouble() == copy.content.toDouble()
            assertTrue(same) { "${field.text}: $value became $copy" }
        }
    }

    @Test
    fun `every field that is missing is named`() {
        val json = test.json
        for (field in json.fields().filter {
            it.path.first() != "preprocessing" && it.text != "schema_version"
        }) {
            test.manifestFile.writeText(json.without(field).toString())
            assertEquals("${field.text}: is missing", refusal())
        }
    }

    @Test
    fun `only what may be absent may be null`() {
        val json = test.json
        val mayBeNull =
            Regex(
                """reference|artifacts\.\d+\.(operators(\.delegate|\.operators\.\d+\.source)?|parity\.(reason|gate\..*))""",
            )
        for (field in json.fields().filter {
            it.path.first() != "preprocessing" && it.text != "schema_version"
        }) {
            test.manifestFile.writeText(json.with(field, JsonNull).toString())
            if (mayBeNull.matches(
                    field.text,
                )
            ) {
                test.open()
            } else {
                assertEquals("${field.text}: is null", refusal())
            }
        }
    }

    @Test
    fun `fields that contradict each other are refused`() {
        val cases =
            listOf(
                Triple("labels", "[]", "labels: there are none"),
                Triple("labels", "[\"one\"]", "1 labels, but outputs of [2] logits"),
                Triple("artifacts.0.output.shape", "[1,3]", "2 labels, but outputs of [3, 2] logits"),
                Triple("artifacts.0.output.shape", "[2,2]", "output.shape: must be [1, K], not [2, 2]"),
                Triple(
                    "artifacts.0.input.shape",
                    "[2,32,32]",
                    "input.shape: must have 4 positive sizes, not [2, 32, 32]",
                ),
                Triple(
                    "artifacts.0.input.value_range",
                    "[0,1]",
                    "input.value_range: must be [0, 255], not [0, 1]",
                ),
                Triple(
                    "artifacts.0.precision",
                    "\"fp8\"",
                    "artifacts.0.precision: must be 'fp32' or 'fp16' or 'int8', not \"fp8\"",
                ),
                Triple(
                    "artifacts.0.sha256",
                    "\"AB\"",
                    "sha256 of 'model.tflite' must be 64 lower-case hexadecimal digits",
                ),
                Triple("artifacts.0.bytes", "-1", "bytes of 'model.tflite' must be 0 or more, not -1"),
                Triple("artifacts.0.bytes", "\"1\"", "artifacts.0.bytes: must be an integer, not \"1\""),
                Triple("artifacts.0.target", "7", "artifacts.0.target: must be a string, not 7"),
                Triple("reference_vectors.0.logits", "[1]", "2 labels, but outputs of [2, 1] logits"),
                Triple(
                    "reference_vectors.0.shape",
                    "[2,32,32,4]",
                    "reference vector 'a': shape must be [T, H, W, 3], not [2, 32, 32, 4]",
                ),
            )
        val json = test.json
        for ((field, value, problem) in cases) {
            test.manifestFile.writeText(
                json.with(Field(field.split('.')), Json.parseToJsonElement(value)).toString(),
            )
            assertEquals(problem, refusal())
        }
    }

    @Test
    fun `two artifacts of a target and precision are refused`() {
        val artifacts = test.json.at(Field(listOf("artifacts"))) as JsonArray
        test.edit("artifacts", JsonArray(artifacts + artifacts.first()))
        assertEquals("artifacts: two have the same target and precision", refusal())
    }

    private fun refusal(): String {
        val message = oneLine(assertThrows<BundleException> { test.open() })
        val (before, after) = "${test.manifestFile}: " to "; convert again"
        assertTrue(message.startsWith(before) && message.endsWith(after)) { message }
        return message.removePrefix(before).removeSuffix(after)
    }
}
