package io.github.dvfl

import java.io.File
import java.security.DigestInputStream
import java.security.MessageDigest

/**
 * Lower-case hexadecimal sha256 of a file, or of a folder's listing: the UTF-8 lines
 * `<sha256>  <relative path>\n` of its files, sorted by path.
 *
 * @throws java.io.IOException if a file cannot be read.
 */
internal fun sha256(path: File): String {
    if (path.isFile) return sha256OfFile(path)
    val files =
        path
            .walkTopDown()
            .filter {
                it.isFile
            }.associateBy { it.relativeTo(path).invariantSeparatorsPath }
    val listing =
        files
            .toSortedMap()
            .map { (name, file) ->
                "${sha256OfFile(file)}  $name\n"
            }.joinToString("")
    return sha256(listing.toByteArray())
}

/** Lower-case hexadecimal sha256 of [bytes]. */
internal fun sha256(bytes: ByteArray): String = hexadecimal(newDigest().digest(bytes))

private fun sha256OfFile(file: File): String =
    DigestInputStream(file.inputStream(), newDigest()).use { stream ->
        val block = ByteArray(BLOCK)
        while (stream.read(block) >= 0) {
            // Reading feeds the digest.
        }
        hexadecimal(stream.messageDigest.digest())
    }

private fun newDigest(): MessageDigest = MessageDigest.getInstance("SHA-256")

private fun hexadecimal(bytes: ByteArray): String =
    bytes.joinToString("") { (it.toInt() and 0xFF).toString(16).padStart(2, '0') }

private const val BLOCK = 1 shl 16
