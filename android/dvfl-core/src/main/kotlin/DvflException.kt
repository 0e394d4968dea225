package io.github.dvfl

/**
 * Base of every error this SDK raises on purpose. The message is one line: what is wrong, where, and what to
 * do. Wrong options are [IllegalArgumentException]s, thrown where the options are built.
 */
public sealed class DvflException(
    message: String,
    cause: Throwable? = null,
) : RuntimeException(message, cause)

/** A preprocessing spec is missing, malformed or contradicts itself. */
public class SpecException(
    message: String,
    cause: Throwable? = null,
) : DvflException(message, cause)

/** A frame or clip is not what it claims: a plane too short for its strides, a size, crop, rotation or time. */
public class FrameException(
    message: String,
) : DvflException(message)

/** A video cannot be read: missing, corrupt, empty, without a video stream, or in an unknown format. */
public class VideoException(
    message: String,
    cause: Throwable? = null,
) : DvflException(message, cause)

/** A bundle is missing, altered, of an unknown schema version, or points outside its folder. */
public class BundleException(
    message: String,
    cause: Throwable? = null,
) : DvflException(message, cause)

/** An engine is not installed, cannot load an artifact, or returned something that is no logits vector. */
public class EngineException(
    message: String,
    cause: Throwable? = null,
) : DvflException(message, cause)

/** A recognizer, stream or engine was used after `close()`. */
public class ClosedException(
    message: String,
) : DvflException(message)
