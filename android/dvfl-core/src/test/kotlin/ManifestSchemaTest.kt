package io.github.dvfl

import kotlinx.serialization.descriptors.PrimitiveKind
import kotlinx.serialization.descriptors.SerialDescriptor
import kotlinx.serialization.descriptors.SerialKind
import kotlinx.serialization.descriptors.StructureKind
import kotlinx.serialization.descriptors.elementNames
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonArray
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.jsonArray
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import java.io.File

/** The classes and the JSON Schemas that Python's classes make describe the same documents. */
class ManifestSchemaTest {
    private val manifest = Manifest.serializer().descriptor

    @Test
    fun `the manifest has the fields of its schema`() {
        assertEquals(emptyList<String>(), Comparison(schema("manifest")).differences(manifest))
    }

    @Test
    fun `the preprocessing contract has the fields of its schema`() {
        val spec = PreprocessingSpec.serializer().descriptor
        assertEquals(emptyList<String>(), Comparison(schema("preprocessing")).differences(spec))
    }

    @Test
    fun `a field that one side lacks, another type and another word are seen`() {
        val clip = listOf("\$defs", "ClipParity", "properties")
        val edits =
            listOf<Pair<String, (JsonObject) -> JsonObject>>(
                "artifacts.parity.clips: only in Kotlin: [snr_db]" to
                    { it.without(Field(clip + "snr_db")).jsonObject },
                "artifacts.parity.clips: only in the schema: [psnr]" to
                    { it.with(Field(clip + "psnr"), JsonObject(emptyMap())).jsonObject },
                "artifacts.parity.clips.cosine: DOUBLE is no 'integer'" to
                    { it.with(Field(clip + "cosine" + "type"), JsonPrimitive("integer")).jsonObject },
                "artifacts.precision: [fp32, fp16, int8] is not [fp32]" to
                    {
                        val words = Field(listOf("\$defs", "Artifact", "properties", "precision", "enum"))
                        it.with(words, JsonArray(listOf(JsonPrimitive("fp32")))).jsonObject
                    },
                "reference: not nullable in the schema" to
                    {
                        val stored = it.at(Field(listOf("properties", "reference", "anyOf", "0")))
                        it.with(Field(listOf("properties", "reference")), stored).jsonObject
                    },
            )
        for ((difference, edit) in edits) {
            assertEquals(listOf(difference), Comparison(edit(schema("manifest"))).differences(manifest))
        }
    }

    private fun schema(name: String): JsonObject =
        Json
            .parseToJsonElement(File(System.getProperty("dvfl.root"), "spec/$name.schema.json").readText())
            .jsonObject
            .also { assertTrue("\$defs" in it) }
}

private class Comparison(
    private val root: JsonObject,
) {
    fun differences(descriptor: SerialDescriptor): List<String> = compare(descriptor, root, "")

    private fun compare(
        descriptor: SerialDescriptor,
        schema: JsonObject,
        path: String,
    ): List<String> {
        val choices = schema["anyOf"]?.jsonArray?.map { it.jsonObject }
        val nullable = choices?.any { it.type == "null" } ?: false
        if (nullable != descriptor.isNullable) {
            return listOf("$path: ${if (nullable) "nullable" else "not nullable"} in the schema")
        }
        val actual = resolve(choices?.single { it.type != "null" } ?: schema)
        return when (descriptor.kind) {
            StructureKind.CLASS -> {
                compareClass(descriptor, actual, path)
            }

            StructureKind.LIST -> {
                compareList(descriptor, actual, path)
            }

            StructureKind.MAP -> {
                compare(
                    descriptor.getElementDescriptor(1),
                    actual.getValue("additionalProperties").jsonObject,
                    path,
                )
            }

            SerialKind.ENUM -> {
                compareWords(descriptor, actual, path)
            }

            else -> {
                compareType(descriptor, actual, path)
            }
        }
    }

    private fun compareClass(
        descriptor: SerialDescriptor,
        schema: JsonObject,
        path: String,
    ): List<String> {
        val fields = schema.getValue("properties").jsonObject
        val names = List(descriptor.elementsCount, descriptor::fieldName)
        val sides =
            listOf(
                "only in Kotlin" to names - fields.keys,
                "only in the schema" to fields.keys - names.toSet(),
            )
        val lacking =
            sides.filter { it.second.isNotEmpty() }.map { (side, some) ->
                "$path: $side: ${some.toList()}"
            }
        return lacking +
            names.indices.filter { names[it] in fields }.flatMap {
                val below = listOf(path, names[it]).filter(String::isNotEmpty).joinToString(".")
                compare(descriptor.getElementDescriptor(it), fields.getValue(names[it]).jsonObject, below)
            }
    }

    private fun compareList(
        descriptor: SerialDescriptor,
        schema: JsonObject,
        path: String,
    ): List<String> {
        val items =
            schema["prefixItems"]?.jsonArray?.map { it.jsonObject }
                ?: listOf(schema.getValue("items").jsonObject)
        val item = descriptor.getElementDescriptor(0)
        // Each place of the order of steps has its own single word.
        if (item.kind == SerialKind.ENUM && items.size > 1) {
            return wordsDifference(item, items.flatMap { words(it) }, path)
        }
        return items.flatMap { compare(item, it, path) }.distinct()
    }

    private fun compareWords(
        descriptor: SerialDescriptor,
        schema: JsonObject,
        path: String,
    ): List<String> = wordsDifference(descriptor, words(schema), path)

    private fun wordsDifference(
        descriptor: SerialDescriptor,
        words: List<String>,
        path: String,
    ): List<String> {
        val own = descriptor.elementNames.toList()
        return if (own.toSet() == words.toSet()) emptyList() else listOf("$path: $own is not $words")
    }

    private fun compareType(
        descriptor: SerialDescriptor,
        schema: JsonObject,
        path: String,
    ): List<String> {
        val wanted =
            when (descriptor.kind) {
                PrimitiveKind.INT, PrimitiveKind.LONG -> "integer"
                PrimitiveKind.DOUBLE -> "number"
                PrimitiveKind.BOOLEAN -> "boolean"
                PrimitiveKind.STRING -> "string"
                else -> error("no field has the kind ${descriptor.kind}")
            }
        return if (schema.type ==
            wanted
        ) {
            emptyList()
        } else {
            listOf("$path: ${descriptor.kind} is no '${schema.type}'")
        }
    }

    private fun words(schema: JsonObject): List<String> =
        (schema["enum"]?.jsonArray ?: listOf(schema.getValue("const"))).map { it.jsonPrimitive.content }

    private fun resolve(schema: JsonObject): JsonObject {
        val reference = schema["\$ref"]?.jsonPrimitive?.content ?: return schema
        return root.at(Field(reference.removePrefix("#/").split('/'))).jsonObject
    }

    private val JsonObject.type: String? get() = this["type"]?.jsonPrimitive?.content
}
