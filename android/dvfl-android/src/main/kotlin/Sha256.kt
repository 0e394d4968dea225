package io.github.dvfl.android

import java.security.MessageDigest

/** Lower-case hexadecimal. */
internal fun sha256(bytes: ByteArray): String =
    MessageDigest.getInstance("SHA-256").digest(bytes).joinToString("") {
        (it.toInt() and 0xFF).toString(16).padStart(2, '0')
    }
