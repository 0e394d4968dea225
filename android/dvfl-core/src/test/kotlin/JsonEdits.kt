package io.github.dvfl

import kotlinx.serialization.json.JsonArray
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonObject
import org.junit.jupiter.api.Assertions.assertFalse

/** A place in a JSON document: names of fields and positions in arrays, from the root. */
internal data class Field(
    val path: List<String>,
) {
    val text: String get() = path.joinToString(".")

    /** Keys of these objects are data. */
    val isMap: Boolean get() = path.lastOrNull() in MAPS

    operator fun plus(name: String): Field = Field(path + name)

    private companion object {
        val MAPS =
            setOf("matrix_codes", "refused_transfer_codes", "refused_primaries_codes", "options", "tools")
    }
}

/** All fields of all objects, without the keys of maps. */
internal fun JsonElement.fields(at: Field = Field(emptyList())): List<Field> =
    when {
        this is JsonObject && !at.isMap -> {
            flatMap { (name, value) ->
                listOf(at + name) +
                    value.fields(at + name)
            }
        }

        this is JsonArray -> {
            flatMapIndexed { index, value -> value.fields(at + index.toString()) }
        }

        else -> {
            emptyList()
        }
    }

internal fun JsonElement.at(field: Field): JsonElement =
    field.path.fold(this) { element, name ->
        if (element is JsonArray) element[name.toInt()] else (element as JsonObject).getValue(name)
    }

internal fun JsonElement.with(
    field: Field,
    value: JsonElement,
): JsonElement = edited(field.path) { value }

internal fun JsonElement.without(field: Field): JsonElement = edited(field.path) { null }

private fun JsonElement.edited(
    path: List<String>,
    change: () -> JsonElement?,
): JsonElement {
    val name = path.first()
    val rest = path.drop(1)
    if (this is JsonArray) {
        return JsonArray(
            mapIndexed { index, item ->
                if ("$index" ==
                    name
                ) {
                    item.edited(rest, change)
                } else {
                    item
                }
            },
        )
    }
    val value = if (rest.isEmpty()) change() else (this as JsonObject).getValue(name).edited(rest, change)
    this as JsonObject
    return JsonObject(if (value == null) this - name else this + (name to value))
}

/** The message of an error, after checking that it is one line. */
internal fun oneLine(error: DvflException): String =
    error.message!!.also { assertFalse('\n' in it || it.isBlank()) { "not one line: '$it'" } }
