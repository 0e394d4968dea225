package io.github.dvfl

import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonArray
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonNull
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows
import org.junit.jupiter.api.io.TempDir
import java.io.File

class SpecTest {
    private val file = File(System.getProperty("dvfl.root"), "spec/preprocessing.json")
    private val json = Json.parseToJsonElement(file.readText())

    @Test
    fun `the shipped contract is the repository's`() {
        assertEquals(PreprocessingSpec.read(file), PreprocessingSpec.default())
        assertEquals(
            json,
            strictJson.encodeToJsonElement(PreprocessingSpec.serializer(), PreprocessingSpec.default()),
        )
    }

    @Test
    fun `every field that is missing is named`() {
        val fields = json.fields()
        assertTrue(fields.size > 60) { "${fields.size} fields" }
        for (field in fields) assertEquals("test: ${field.text}: is missing", refusal(json.without(field)))
    }

    @Test
    fun `an unknown field of every object is named`() {
        val objects = json.fields().filter { json.at(it) is JsonObject && !it.isMap } + Field(emptyList())
        for (field in objects) {
            val unknown = field + "colour"
            assertEquals(
                "test: ${unknown.text}: is unknown to this SDK",
                refusal(json.with(unknown, JsonNull)),
            )
        }
    }

    @Test
    fun `every rule that is a word refuses another word`() {
        val words = json.fields().filter { (json.at(it) as? JsonPrimitive)?.isString == true }
        assertTrue(words.size > 20) { "${words.size} words" }
        for (field in words) {
            val message = refusal(json.with(field, JsonPrimitive("other")))
            assertTrue(message.startsWith("test: ${field.text}: must be '")) { message }
            assertTrue(message.endsWith(", not \"other\"")) { message }
        }
    }

    @Test
    fun `no value may be null or of another type`() {
        for (field in json.fields()) {
            assertEquals("test: ${field.text}: is null", refusal(json.with(field, JsonNull)))
            val wrong = if (json.at(field) is JsonObject) JsonArray(emptyList()) else JsonObject(emptyMap())
            val message = refusal(json.with(field, wrong))
            assertTrue(message.startsWith("test: ${field.text}: must be ")) { message }
        }
    }

    @Test
    fun `numbers and truth values may not be quoted`() {
        val fields = json.fields().filter { (json.at(it) as? JsonPrimitive)?.isString == false }
        assertTrue(fields.size > 20) { "${fields.size} numbers" }
        for (field in fields) {
            val quoted = JsonPrimitive((json.at(field) as JsonPrimitive).content)
            val message = refusal(json.with(field, quoted))
            assertTrue(message.startsWith("test: ${field.text}: must be ")) { message }
            assertTrue(message.endsWith(", not $quoted")) { message }
        }
        val text = file.readText().replace("123.675", "\"123.675\"")
        assertEquals("test: normalization.mean.0: must be a number, not \"123.675\"", refusal(text))
    }

    @Test
    fun `an integer is written as one`() {
        for (number in listOf("8.0", "8e0", "1e99", "3000000000", "0x8", "NaN")) {
            val text = file.readText().replace("\"frames\": 8", "\"frames\": $number")
            assertTrue(refusal(text).startsWith("test: ")) { number }
        }
    }

    @Test
    fun `values that contradict each other are refused`() {
        val cases =
            listOf(
                "schema_version" to "2" to "schema_version: is 2, this SDK reads 1",
                "temporal.frames" to "0" to "temporal.frames: must be at least 1, not 0",
                "temporal.excluded_frames" to "-1" to "temporal.excluded_frames: must be 0 or more, not -1",
                "temporal.minimum_frames" to "3" to
                    "temporal.minimum_frames: must be greater than excluded_frames",
                "window.ticks_per_second" to "0" to "window.ticks_per_second: must be at least 1, not 0",
                "orientation.rotations" to "[0,90]" to
                    "orientation.rotations: must be [0, 90, 180, 270], not [0, 90]",
                "resize.antialias" to "true" to "resize.antialias: must be false",
                "resize.coefficient_bits" to "12" to "resize.coefficient_bits: must be 1..11, not 12",
                "resize.vertical_shift" to "31" to "resize.vertical_shift: must be 0..30, not 31",
                "resize.vertical_shift" to "15" to
                    "resize: the three shifts must add up to twice coefficient_bits",
                "resize.final_rounding" to "-1" to "resize.final_rounding: must be 0 or more, not -1",
                "resize.short_side" to "223" to "crop.size: 224 is larger than short_side 223",
                "color.chroma_shift_x" to "0" to "color.chroma_shift_x: must be 1, not 0",
                "color.chroma_shift_y" to "2" to "color.chroma_shift_y: must be 1, not 2",
                "color.shift" to "-1" to "color.shift: must be 0..30, not -1",
                "color.untagged_code" to "-2" to "color.untagged_code: must be 0 or more, not -2",
                "color.conversions" to "[]" to "color.conversions: lacks the one for untagged streams",
                "color.ten_bit.shift" to "31" to "color.ten_bit.shift: must be 0..30, not 31",
                "normalization.mean" to "[1,2]" to "normalization.mean: must have 3 numbers",
                "normalization.std" to "[1,0,1]" to "normalization.std: must have 3 positive numbers",
            )
        for ((change, problem) in cases) {
            val changed = json.with(Field(change.first.split('.')), Json.parseToJsonElement(change.second))
            assertEquals("test: $problem", refusal(changed))
        }
    }

    @Test
    fun `the steps have one order and a conversion is there once`() {
        val order = Field(listOf("orientation", "order"))
        val turned = JsonArray((json.at(order) as JsonArray).reversed())
        assertTrue(refusal(json.with(order, turned)).startsWith("test: orientation.order: must be "))
        val conversions = Field(listOf("color", "conversions"))
        val twice = (json.at(conversions) as JsonArray).let { JsonArray(it + it.first()) }
        assertEquals(
            "test: color.conversions: holds the same matrix and range twice",
            refusal(json.with(conversions, twice)),
        )
    }

    @Test
    fun `what is no JSON is refused in one line`() {
        for (text in listOf("", "{", "not json", "[]", file.readText().dropLast(40))) refusal(text)
    }

    @Test
    fun `a file that is not there is named`(
        @TempDir folder: File,
    ) {
        val missing = File(folder, "none.json")
        val message = oneLine(assertThrows<SpecException> { PreprocessingSpec.read(missing) })
        assertTrue(message.startsWith("$missing: cannot read the preprocessing spec")) { message }
    }

    @Test
    fun `another size has the short side that Python gives`() {
        // with_clip(size=n).resize.short_side for n = 32..320: all from 37 to 366 without 44, 52, ..., 364.
        val fromPython = (37..366) - (44..364 step 8).toSet()
        val spec = PreprocessingSpec.default()
        assertEquals(fromPython, (32..320).map { spec.withClip(size = it).resize.shortSide })
        // A spec made for 32 has the proportion 37 : 32.
        val small = spec.withClip(size = 32)
        val sizes = listOf(32, 64, 111, 113, 224, 320)
        assertEquals(
            listOf(37, 74, 128, 131, 259, 370),
            sizes.map { small.withClip(size = it).resize.shortSide },
        )
    }

    @Test
    fun `another clip length changes nothing else`() {
        val spec = PreprocessingSpec.default()
        val longer = spec.withClip(frames = 16)
        assertEquals(16, longer.temporal.frames)
        assertEquals(spec, longer.withClip(frames = 8))
        assertEquals(spec, spec.withClip())
    }

    @Test
    fun `a length or size below 1 is refused by name`() {
        val spec = PreprocessingSpec.default()
        val frames = assertThrows<SpecException> { spec.withClip(frames = 0) }
        assertEquals("temporal.frames: must be at least 1, not 0", frames.message)
        for (size in listOf(0, -32)) {
            val error = assertThrows<SpecException> { spec.withClip(size = size) }
            assertEquals("crop.size: must be at least 1, not $size", error.message)
        }
    }

    @Test
    fun `a conversion is found by matrix and range`() {
        val color = PreprocessingSpec.default().color
        assertEquals(76309 to 104597, color.conversion(null, null).let { it.y to it.rV })
        assertEquals(103206, color.conversion(ColorMatrix.BT709, ColorRange.FULL).rV)
        val fewer = color.copy(conversions = color.conversions.take(1))
        val error = assertThrows<SpecException> { fewer.conversion(ColorMatrix.BT709, null) }
        assertTrue("no conversion for matrix BT709, range LIMITED" in oneLine(error))
    }

    private fun refusal(json: JsonElement): String = refusal(json.toString())

    private fun refusal(text: String): String {
        val message = oneLine(assertThrows<SpecException> { PreprocessingSpec.fromJson(text, "test") })
        assertTrue(message.startsWith("test: ")) { message }
        return message
    }
}
