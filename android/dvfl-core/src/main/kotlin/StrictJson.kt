package io.github.dvfl

import kotlinx.serialization.ExperimentalSerializationApi
import kotlinx.serialization.SerializationException
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonNamingStrategy

/** Refuses unknown fields, missing fields, NaN and comments; fields are in snake case. */
@OptIn(ExperimentalSerializationApi::class)
internal val strictJson: Json =
    Json {
        namingStrategy = JsonNamingStrategy.SnakeCase
    }

/** A parser's message without the excerpt of the file that follows it. */
internal fun SerializationException.firstLine(): String =
    message
        .orEmpty()
        .lineSequence()
        .first()
        .ifBlank { "is not valid JSON" }
