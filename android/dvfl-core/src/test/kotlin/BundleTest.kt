package io.github.dvfl

import kotlinx.serialization.json.JsonNull
import kotlinx.serialization.json.JsonPrimitive
import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows
import org.junit.jupiter.api.io.TempDir
import java.io.File
import java.nio.file.Files

class BundleTest(
    @param:TempDir private val folder: File,
) {
    private val test = TestBundle(File(folder, "bundle"))
    private val root = test.root

    @Test
    fun `a good one opens, and its files are verified`() {
        val bundle = test.open()
        assertEquals(root, bundle.root)
        assertEquals(test.manifest(), bundle.manifest)
        for (artifact in bundle.manifest.artifacts) {
            assertEquals(File(root, artifact.file).canonicalFile, bundle.verified(artifact))
        }
    }

    @Test
    fun `a reference clip has the bytes that were stored`() {
        val bundle = test.open()
        val clip = bundle.referenceClip(bundle.manifest.referenceVectors.single())
        assertEquals(listOf(2, 32, 32), listOf(clip.frames, clip.height, clip.width))
        assertEquals(listOf(0.0, 1.0), clip.timesS)
        assertTrue(clip.pixels.isDirect)
        assertArrayEquals(test.clipBytes, ByteArray(test.clipBytes.size) { clip.pixels.get(it) })
    }

    @Test
    fun `a missing folder, a file and a folder without a manifest are no bundles`() {
        val none = File(folder, "none")
        assertEquals("$none: no such bundle folder; make one with 'dvfl convert'", refusal(none))
        val file = File(root, "model.tflite")
        assertEquals("$file: no such bundle folder; make one with 'dvfl convert'", refusal(file))
        assertTrue(test.manifestFile.delete())
        val reason = "$root: no manifest.json, so this is no bundle; make one with 'dvfl convert'"
        assertEquals(reason, refusal())
        assertTrue(test.manifestFile.mkdir())
        assertEquals(reason, refusal())
    }

    @Test
    fun `a manifest that is damaged is no JSON`() {
        val whole = test.manifestFile.readBytes()
        val damaged =
            listOf(
                whole.copyOf(whole.size - 100),
                whole.copyOf(1),
                ByteArray(0),
                "not json".toByteArray(),
                byteArrayOf(-1, -2, 0),
            )
        for (bytes in damaged) {
            test.manifestFile.writeBytes(bytes)
            val message = refusal()
            assertTrue(message.startsWith("${test.manifestFile}: not JSON: ")) { message }
            assertTrue(message.endsWith("; copy the bundle again")) { message }
            assertTrue(message.length < 400) { "an excerpt of the file: $message" }
        }
    }

    @Test
    fun `another schema version is refused before anything else`() {
        for (version in listOf(JsonPrimitive(0), JsonPrimitive(2), JsonPrimitive("1"), JsonNull)) {
            test.edit("schema_version", version)
            assertEquals(
                "${test.manifestFile}: schema version $version, this SDK reads 1; " +
                    "convert again or use the SDK of the dvfl that wrote it",
                refusal(),
            )
        }
        test.manifestFile.writeText("[1, 2]")
        assertTrue("schema version null, this SDK reads 1" in refusal())
    }

    @Test
    fun `an unknown field is named with its place`() {
        test.edit("artifacts.0.input.colour", "blue")
        assertEquals(
            "${test.manifestFile}: artifacts.0.input.colour: is unknown to this SDK; convert again",
            refusal(),
        )
    }

    @Test
    fun `a preprocessing contract that contradicts itself is refused`() {
        test.edit("preprocessing.resize.short_side", JsonPrimitive(31))
        val reason = "crop.size: 32 is larger than short_side 31"
        assertEquals("${test.manifestFile}: $reason; convert again", refusal())
    }

    @Test
    fun `a path must stay inside the folder`() {
        for (path in listOf(
            "../secret",
            "a/../../b",
            "/etc/passwd",
            "a\\b",
            "C:/model",
            "",
            ".",
            "./",
            "a/..",
        )) {
            test.edit("artifacts.0.file", path)
            assertEquals(
                "${test.manifestFile}: path '$path' must be relative and stay inside the bundle; convert again",
                refusal(),
            )
        }
    }

    @Test
    fun `a link that leads out is refused, one that stays inside is not`() {
        val stored = test.manifest().artifacts.first()
        val inside = File(root, stored.file)
        val outside = File(folder, "outside.tflite")
        assertTrue(inside.renameTo(outside))
        Files.createSymbolicLink(inside.toPath(), outside.toPath())
        val bundle = test.open()
        val message = oneLine(assertThrows<BundleException> { bundle.verified(stored) })
        assertEquals("$root: 'model.tflite' leads outside the bundle; convert again", message)

        val moved = File(root, "moved.tflite")
        assertTrue(outside.renameTo(moved) && inside.delete())
        Files.createSymbolicLink(inside.toPath(), moved.toPath())
        assertEquals(moved.canonicalFile, bundle.verified(stored))
    }

    @Test
    fun `a sibling whose name begins with the bundle's is outside`() {
        val stored = test.manifest().artifacts.first()
        val inside = File(root, stored.file)
        val sibling = File(folder, "bundle-2").apply { mkdir() }
        val outside = File(sibling, stored.file)
        assertTrue(inside.renameTo(outside))
        Files.createSymbolicLink(inside.toPath(), outside.toPath())
        assertThrows<BundleException> { test.open().resolve(stored) }
    }

    @Test
    fun `a bundle that is itself reached through a link opens`() {
        val link = File(folder, "link")
        Files.createSymbolicLink(link.toPath(), root.toPath())
        val bundle = Bundle.open(link)
        bundle.manifest.artifacts.forEach(bundle::verified)
    }

    @Test
    fun `a changed file, and one that was added to a folder, are refused`() {
        val bundle = test.open()
        test.write("model.tflite", "Weights".toByteArray())
        test.write("model.mlpackage/extra", ByteArray(0))
        for (artifact in bundle.manifest.artifacts) {
            val message = oneLine(assertThrows<BundleException> { bundle.verified(artifact) })
            assertEquals(
                "$root: '${artifact.file}' was changed after conversion (sha256 differs); " +
                    "copy the bundle again or convert again",
                message,
            )
        }
    }

    @Test
    fun `a missing file is named`() {
        assertTrue(File(root, "model.tflite").delete())
        val bundle = test.open()
        val message = oneLine(assertThrows<BundleException> { bundle.resolve(bundle.artifact("litert")) })
        assertEquals("$root: 'model.tflite' is missing; copy the whole folder again", message)
    }

    @Test
    fun `without a precision, the first artifact that did not fail its gate is taken`() {
        val failed = test.artifact("litert", "model.tflite", Precision.INT8, ParityStatus.FAILED)
        val notRun = test.artifact("litert", "model.tflite", Precision.FP16, ParityStatus.NOT_RUN)
        val passed = test.artifact("litert", "model.tflite")
        test.save(test.manifest().copy(artifacts = listOf(failed, notRun, passed)))
        val bundle = test.open()
        assertEquals(notRun, bundle.artifact("litert"))
        assertEquals(failed, bundle.artifact("litert", Precision.INT8))
        assertEquals(passed, bundle.artifact("litert", Precision.FP32))

        test.save(test.manifest().copy(artifacts = listOf(failed)))
        assertEquals(failed, test.open().artifact("litert"))
    }

    @Test
    fun `an artifact that it does not hold is refused with those it holds`() {
        val int8 = assertThrows<BundleException> { test.open().artifact("litert", Precision.INT8) }
        assertEquals(
            "$root: no artifact 'litert-int8'; this bundle holds: litert-fp32, coreml-fp32",
            oneLine(int8),
        )
        val other = assertThrows<BundleException> { test.open().artifact("executorch") }
        assertEquals(
            "$root: no artifact 'executorch'; this bundle holds: litert-fp32, coreml-fp32",
            oneLine(other),
        )
        test.save(test.manifest().copy(artifacts = emptyList()))
        val none = assertThrows<BundleException> { test.open().artifact("litert") }
        assertEquals("$root: no artifact 'litert'; this bundle holds: none", oneLine(none))
    }

    @Test
    fun `a reference clip of other bytes is refused`() {
        val clip = File(root, "clip.gz").canonicalFile
        val whole = TestBundle.gzip(test.clipBytes)
        val contents =
            mapOf(
                "$clip: not a gzip file: " to
                    listOf("text".toByteArray(), ByteArray(0), whole.copyOf(whole.size / 2)),
                "$clip: has 6143 bytes, [2, 32, 32, 3] needs 6144; convert again" to
                    listOf(TestBundle.gzip(test.clipBytes.copyOf(6143))),
            )
        for ((reason, all) in contents) {
            for (content in all) {
                test.write("clip.gz", content)
                test.edit("reference_vectors.0.sha256", test.hash("clip.gz"))
                val bundle = test.open()
                val vector = bundle.manifest.referenceVectors.single()
                val message = oneLine(assertThrows<BundleException> { bundle.referenceClip(vector) })
                assertTrue(message.startsWith(reason)) { message }
            }
        }
    }

    private fun refusal(of: File = root): String = oneLine(assertThrows<BundleException> { Bundle.open(of) })
}
