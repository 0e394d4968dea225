package io.github.dvfl.desktop

import io.github.dvfl.ColorMatrix
import io.github.dvfl.PreprocessingSpec
import io.github.dvfl.clipFrameIndices
import kotlinx.serialization.json.jsonArray
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Test
import java.io.File

class VideoDecoderTest {
    private val spec = PreprocessingSpec.default()
    private val golden = GoldenFiles.realClip

    @Test
    fun `the decoded planes are those of the golden file`() {
        val file = File(GoldenFiles.root, golden.text("file"))
        assertEquals(golden.text("sha256"), sha256(file))
        val frames = decodeVideo(file, spec)
        assertEquals(golden.text("frame_count").toInt(), frames.size)
        val indices = clipFrameIndices(frames.size, spec).toList()
        assertEquals(golden.getValue("indices").jsonArray.map { it.jsonPrimitive.content.toInt() }, indices)
        val expected = golden.getValue("decoded_frames").jsonArray.map { it.jsonObject }
        assertEquals(indices, expected.map { it.text("index").toInt() })
        for (picture in expected) {
            val frame = frames[picture.text("index").toInt()]
            assertEquals(picture.text("time_s").toDouble(), frame.timeS, 1e-6)
            assertEquals(picture.text("width").toInt(), frame.width)
            assertEquals(picture.text("height").toInt(), frame.height)
            assertEquals(
                ColorMatrix.valueOf(picture.text("matrix")),
                frame.matrix ?: spec.color.untaggedMatrix,
            )
            val chroma = (frame.width + 1) / 2 to (frame.height + 1) / 2
            assertEquals(picture.text("y_sha256"), sha256(frame.y, frame.width, frame.height))
            assertEquals(picture.text("u_sha256"), sha256(frame.u, chroma.first, chroma.second))
            assertEquals(picture.text("v_sha256"), sha256(frame.v, chroma.first, chroma.second))
        }
    }
}
