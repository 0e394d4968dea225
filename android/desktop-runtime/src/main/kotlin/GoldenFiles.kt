package io.github.dvfl.desktop

import io.github.dvfl.Bundle
import io.github.dvfl.Plane
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.jsonArray
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive
import java.io.File
import java.nio.ByteBuffer
import java.security.MessageDigest

/** The files of `spec/golden` and `assets` that every SDK is tested with. */
public object GoldenFiles {
    /** The repository's root. */
    public val root: File = File(System.getProperty("dvfl.root")).canonicalFile

    /** A small real bundle of random weights. */
    public val bundle: File = File(root, "spec/golden/bundle")

    /** What the Python SDK says of a video with [bundle]. */
    public val results: JsonObject = json("spec/golden/bundle_results.json")

    /** What the Python SDK decodes from that video. */
    public val realClip: JsonObject = json("spec/golden/index.json").getValue("real_clip").jsonObject

    /** Python's logits of the golden video for an artifact. */
    public fun logits(artifact: String): FloatArray =
        results
            .getValue("logits")
            .jsonObject
            .getValue(artifact)
            .jsonArray
            .map { it.jsonPrimitive.content.toFloat() }
            .toFloatArray()

    private fun json(path: String): JsonObject =
        Json.parseToJsonElement(File(root, path).readText()).jsonObject
}

/** The string of a field of an object. */
public fun JsonElement.text(name: String): String = jsonObject.getValue(name).jsonPrimitive.content

/** Lower-case hexadecimal sha256 of the bytes from position 0 to the limit. */
public fun sha256(bytes: ByteBuffer): String {
    val digest = MessageDigest.getInstance("SHA-256")
    digest.update(bytes.duplicate().rewind())
    return digest.digest().joinToString("") { "%02x".format(it) }
}

/** [sha256] of a file. */
public fun sha256(file: File): String = sha256(ByteBuffer.wrap(file.readBytes()))

/** [sha256] of a plane's samples without its padding. */
public fun sha256(
    plane: Plane,
    width: Int,
    height: Int,
): String {
    val samples = ByteBuffer.allocate(width * height)
    for (y in 0 until height) {
        for (x in 0 until width) {
            samples.put(plane.data.get(plane.offset + y * plane.rowStride + x * plane.pixelStride))
        }
    }
    return sha256(samples)
}

/**
 * A copy of a bundle in [folder], whose artifact and manifest a test may damage.
 *
 * @property folder an empty folder.
 */
public class BundleCopy(
    source: File,
    public val folder: File,
) {
    private val manifest = File(folder, Bundle.MANIFEST_FILE)

    init {
        source.copyRecursively(folder, overwrite = true)
    }

    /** Opens it as it now is. */
    public fun open(): Bundle = Bundle.open(folder)

    /** Replaces the bytes of a file of the bundle; [rehash] makes the manifest agree. */
    public fun rewrite(
        file: String,
        rehash: Boolean = true,
        change: (ByteArray) -> ByteArray,
    ) {
        val path = File(folder, file)
        val before = sha256(path)
        path.writeBytes(change(path.readBytes()))
        if (rehash) editManifest { it.replace(before, sha256(path)) }
    }

    /** Changes the manifest's text; it must change. */
    public fun editManifest(change: (String) -> String) {
        val text = manifest.readText()
        val changed = change(text)
        check(changed != text) { "the edit changed nothing" }
        manifest.writeText(changed)
    }
}
