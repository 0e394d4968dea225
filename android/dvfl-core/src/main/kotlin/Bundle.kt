package io.github.dvfl

import kotlinx.serialization.SerializationException
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive
import java.io.File
import java.io.IOException
import java.nio.ByteBuffer
import java.util.zip.GZIPInputStream

/**
 * An opened bundle: a folder made by `dvfl convert`, and its validated manifest. Immutable.
 *
 * @property root the folder.
 */
public class Bundle private constructor(
    public val root: File,
    public val manifest: Manifest,
) {
    /**
     * The file or folder of [stored].
     *
     * @throws BundleException if it is missing, or if a link leads out of the bundle.
     */
    public fun resolve(stored: StoredFile): File {
        val (inside, path) =
            try {
                val inside = root.canonicalFile
                inside to File(inside, stored.file).canonicalFile
            } catch (error: IOException) {
                throw BundleException("$root: '${stored.file}' is unreadable: ${error.message}", error)
            }
        if (!path.startsWith(inside) || path == inside) {
            throw BundleException("$root: '${stored.file}' leads outside the bundle; convert again")
        }
        if (!path.exists()) {
            throw BundleException("$root: '${stored.file}' is missing; copy the whole folder again")
        }
        return path
    }

    /**
     * Like [resolve], after comparing the sha256.
     *
     * @throws BundleException if the bytes are not those that the converter wrote.
     */
    public fun verified(stored: StoredFile): File {
        val path = resolve(stored)
        val found =
            try {
                sha256(path)
            } catch (error: IOException) {
                throw BundleException("$path: unreadable: ${error.message}; copy the bundle again", error)
            }
        if (found != stored.sha256) {
            throw BundleException(
                "$root: '${stored.file}' was changed after conversion (sha256 differs); " +
                    "copy the bundle again or convert again",
            )
        }
        return path
    }

    /**
     * The artifact of a target; without a [precision], the first that did not fail its parity gate.
     *
     * @throws BundleException if the bundle holds no such artifact; the message lists those it holds.
     */
    public fun artifact(
        target: String,
        precision: Precision? = null,
    ): Artifact {
        val ofTarget = manifest.artifacts.filter { it.target == target }
        val found =
            if (precision == null) {
                ofTarget.minByOrNull { it.parity.status == ParityStatus.FAILED }
            } else {
                ofTarget.firstOrNull { it.precision == precision }
            }
        if (found != null) return found
        val held = manifest.artifacts.joinToString { it.name }.ifEmpty { "none" }
        val wanted = if (precision == null) target else "$target-${precision.id}"
        throw BundleException("$root: no artifact '$wanted'; this bundle holds: $held")
    }

    /**
     * A reference vector's clip; its frames have the times 0, 1, 2, ... since the manifest keeps none.
     *
     * @throws BundleException if the file is missing, changed or of another size.
     */
    public fun referenceClip(vector: ReferenceVector): Clip {
        val path = verified(vector)
        val (frames, height, width) = vector.shape
        val expected = frames * height * width * CHANNELS
        val raw =
            try {
                GZIPInputStream(path.inputStream().buffered()).use { it.readBytes() }
            } catch (error: IOException) {
                throw BundleException("$path: not a gzip file: ${error.message}; convert again", error)
            }
        if (raw.size != expected) {
            throw BundleException(
                "$path: has ${raw.size} bytes, ${vector.shape} needs $expected; convert again",
            )
        }
        val pixels = ByteBuffer.allocateDirect(expected)
        for (index in raw.indices) pixels.put(index, raw[index])
        return Clip(pixels, frames, height, width, List(frames) { it.toDouble() })
    }

    public companion object {
        /** Name of the manifest in a bundle. */
        public const val MANIFEST_FILE: String = "manifest.json"

        /**
         * Reads and validates the manifest of a bundle folder. Artifacts are hashed when they are used, by
         * [verified].
         *
         * @throws BundleException if the folder or manifest is missing, malformed or of another schema version.
         */
        public fun open(directory: File): Bundle {
            if (!directory.isDirectory) {
                throw BundleException("$directory: no such bundle folder; make one with 'dvfl convert'")
            }
            return Bundle(directory, readManifest(File(directory, MANIFEST_FILE)))
        }

        private fun readManifest(file: File): Manifest {
            if (!file.isFile) {
                throw BundleException(
                    "${file.parent}: no $MANIFEST_FILE, so this is no bundle; make one with 'dvfl convert'",
                )
            }
            val text =
                try {
                    file.readText()
                } catch (error: IOException) {
                    throw BundleException("$file: unreadable: ${error.message}", error)
                }
            return parseManifest(text, file)
        }

        private fun parseManifest(
            text: String,
            file: File,
        ): Manifest {
            val json =
                try {
                    strictJson.parseToJsonElement(text)
                } catch (error: SerializationException) {
                    throw BundleException(
                        "$file: not JSON: ${error.firstLine()}; copy the bundle again",
                        error,
                    )
                }
            val version = (json as? JsonObject)?.get("schema_version")
            if (version != JsonPrimitive(Manifest.SCHEMA_VERSION)) {
                throw BundleException(
                    "$file: schema version $version, this SDK reads ${Manifest.SCHEMA_VERSION}; " +
                        "convert again or use the SDK of the dvfl that wrote it",
                )
            }
            return try {
                strictJson.decodeStrictly(Manifest.serializer(), json)
            } catch (error: SerializationException) {
                throw BundleException("$file: ${error.firstLine()}; convert again", error)
            } catch (error: DvflException) {
                throw BundleException("$file: ${error.message}; convert again", error)
            }
        }
    }
}
