package io.github.dvfl

import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertNotEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.DynamicTest
import org.junit.jupiter.api.DynamicTest.dynamicTest
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.TestFactory

class GoldenControlsTest {
    @Test
    fun `every control of the index is implemented`() {
        val implemented = frameFaults.keys + clipFaults.keys + "key_frames"
        assertEquals(
            implemented,
            Golden.index.controls
                .map { it.name }
                .toSet(),
        )
    }

    @TestFactory
    fun `the slow reference itself gives every golden vector`(): List<DynamicTest> =
        Golden.index.frameCases.map { case ->
            dynamicTest(case.name) {
                assertArrayEquals(case.expectedBytes(), slowReference(case.frame(), case.spec))
            }
        }

    @TestFactory
    fun `the comparison of frames catches`(): List<DynamicTest> =
        frameFaults.flatMap { (fault, program) ->
            casesOf(fault, "frame_cases").map { name ->
                dynamicTest("$fault in $name") {
                    val case = Golden.frameCase(name)
                    assertDiffers(case.expectedBytes(), program(case.frame(), case.spec))
                }
            }
        }

    @TestFactory
    fun `the comparison of clips catches`(): List<DynamicTest> =
        clipFaults.flatMap { (fault, program) ->
            casesOf(fault, "clip_cases").map { name ->
                dynamicTest("$fault in $name") {
                    val case = Golden.index.clipCases.first { it.name == name }
                    val expected = case.expected.of(Golden.expected)
                    assertDiffers(expected, program(expected, case.shape))
                }
            }
        }

    @Test
    fun `the comparison of the real clip's indices catches key_frames`() {
        val real = Golden.index.realClip
        assertEquals(listOf("indices"), casesOf("key_frames", "real_clip"))
        assertNotEquals(real.indices, nearestKeyFrames(real.indices, real.keyFrames))
    }

    private fun casesOf(
        fault: String,
        list: String,
    ): List<String> {
        val control = Golden.control(fault)
        assertEquals(list, control.compare)
        assertTrue(control.cases.isNotEmpty())
        return control.cases
    }

    private fun assertDiffers(
        expected: ByteArray,
        wrong: ByteArray,
    ) {
        assertEquals(expected.size, wrong.size)
        assertFalse(expected.contentEquals(wrong))
    }
}
