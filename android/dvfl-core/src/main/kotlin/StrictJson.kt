package io.github.dvfl

import kotlinx.serialization.DeserializationStrategy
import kotlinx.serialization.ExperimentalSerializationApi
import kotlinx.serialization.SerializationException
import kotlinx.serialization.descriptors.PrimitiveKind
import kotlinx.serialization.descriptors.SerialDescriptor
import kotlinx.serialization.descriptors.SerialKind
import kotlinx.serialization.descriptors.StructureKind
import kotlinx.serialization.descriptors.elementNames
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonArray
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonNamingStrategy
import kotlinx.serialization.json.JsonNull
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.booleanOrNull

/** Fields are in snake case. */
@OptIn(ExperimentalSerializationApi::class)
internal val strictJson: Json =
    Json {
        namingStrategy = JsonNamingStrategy.SnakeCase
    }

/**
 * Decodes [element] after checking that it has exactly the fields of the class, each of its type.
 *
 * The library alone would take the string "8" for the number 8, and its messages name Kotlin classes.
 *
 * @throws SerializationException with one line: the path of the first wrong field, and what is wrong with it.
 * @throws DvflException from the class's own checks.
 */
internal fun <T> Json.decodeStrictly(
    deserializer: DeserializationStrategy<T>,
    element: JsonElement,
): T {
    problem(element, deserializer.descriptor, "")?.let { throw SerializationException(it) }
    return try {
        decodeFromJsonElement(deserializer, element)
    } catch (error: SerializationException) {
        // The library wraps what a class's own checks throw.
        throw generateSequence<Throwable>(error) { it.cause }.firstOrNull { it is DvflException } ?: error
    }
}

/** A parser's message without the excerpt of the file that follows it. */
internal fun SerializationException.firstLine(): String =
    message
        .orEmpty()
        .lineSequence()
        .first()
        .ifBlank { "is not valid JSON" }

/** The name of field [index] as it is in a file. */
@OptIn(ExperimentalSerializationApi::class)
internal fun SerialDescriptor.fieldName(index: Int): String =
    JsonNamingStrategy.SnakeCase.serialNameForJson(this, index, getElementName(index))

@OptIn(ExperimentalSerializationApi::class)
private fun problem(
    element: JsonElement,
    descriptor: SerialDescriptor,
    path: String,
): String? =
    when {
        element is JsonNull -> "is null".takeUnless { descriptor.isNullable }?.at(path)
        descriptor.kind == StructureKind.CLASS -> problemOfClass(element, descriptor, path)
        descriptor.kind == StructureKind.LIST -> problemOfList(element, descriptor, path)
        descriptor.kind == StructureKind.MAP -> problemOfMap(element, descriptor, path)
        else -> problemOfValue(element, descriptor)?.at(path)
    }

@OptIn(ExperimentalSerializationApi::class)
private fun problemOfClass(
    element: JsonElement,
    descriptor: SerialDescriptor,
    path: String,
): String? {
    if (element !is JsonObject) return "must be an object".at(path)
    val names = List(descriptor.elementsCount, descriptor::fieldName)
    val missing = names.firstOrNull { it !in element }
    val unknown = element.keys.firstOrNull { it !in names }
    return when {
        missing != null -> {
            "is missing".at(path / missing)
        }

        unknown != null -> {
            "is unknown to this SDK".at(path / unknown)
        }

        else -> {
            names.indices.firstNotNullOfOrNull {
                problem(element.getValue(names[it]), descriptor.getElementDescriptor(it), path / names[it])
            }
        }
    }
}

@OptIn(ExperimentalSerializationApi::class)
private fun problemOfList(
    element: JsonElement,
    descriptor: SerialDescriptor,
    path: String,
): String? {
    if (element !is JsonArray) return "must be an array".at(path)
    val itemDescriptor = descriptor.getElementDescriptor(0)
    return element.withIndex().firstNotNullOfOrNull { (index, item) ->
        problem(item, itemDescriptor, path / index.toString())
    }
}

@OptIn(ExperimentalSerializationApi::class)
private fun problemOfMap(
    element: JsonElement,
    descriptor: SerialDescriptor,
    path: String,
): String? {
    if (element !is JsonObject) return "must be an object".at(path)
    val (keyDescriptor, valueDescriptor) = List(2, descriptor::getElementDescriptor)
    return element.entries.firstNotNullOfOrNull { (key, value) ->
        problem(JsonPrimitive(key), keyDescriptor, path / key) ?: problem(value, valueDescriptor, path / key)
    }
}

@OptIn(ExperimentalSerializationApi::class)
private fun problemOfValue(
    element: JsonElement,
    descriptor: SerialDescriptor,
): String? {
    if (element !is JsonPrimitive) return "must be a single value"
    val text = element.content
    val unquoted = text.takeUnless { element.isString }
    val (holds, wanted) =
        when (descriptor.kind) {
            PrimitiveKind.BOOLEAN -> {
                (unquoted != null && element.booleanOrNull != null) to "true or false"
            }

            PrimitiveKind.INT -> {
                (unquoted?.toIntOrNull() != null) to "an integer"
            }

            PrimitiveKind.LONG -> {
                (unquoted?.toLongOrNull() != null) to "an integer"
            }

            PrimitiveKind.DOUBLE -> {
                (unquoted?.toDoubleOrNull()?.isFinite() == true) to "a number"
            }

            PrimitiveKind.STRING -> {
                element.isString to "a string"
            }

            SerialKind.ENUM -> {
                descriptor.elementNames.toList().let { names ->
                    (element.isString && text in names) to names.joinToString(" or ") { "'$it'" }
                }
            }

            else -> {
                error("no field has the kind ${descriptor.kind}")
            }
        }
    return if (holds) null else "must be $wanted, not $element"
}

private fun String.at(path: String): String = if (path.isEmpty()) this else "$path: $this"

private operator fun String.div(field: String): String = if (isEmpty()) field else "$this.$field"
