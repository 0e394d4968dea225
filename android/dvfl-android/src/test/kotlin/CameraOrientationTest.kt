package io.github.dvfl.android

import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Test

class CameraOrientationTest {
    @Test
    fun `a back camera turns against the display`() {
        val expected = mapOf(0 to 90, 90 to 0, 180 to 270, 270 to 180)
        for ((display, rotation) in expected) {
            assertEquals(CameraOrientation(rotation, false), cameraOrientation(90, display, front = false))
        }
    }

    @Test
    fun `a front camera turns with the display and is mirrored`() {
        val expected = mapOf(0 to 270, 90 to 0, 180 to 90, 270 to 180)
        for ((display, rotation) in expected) {
            assertEquals(CameraOrientation(rotation, true), cameraOrientation(270, display, front = true))
        }
    }

    @Test
    fun `a sensor that is upright in landscape needs no turn there`() {
        assertEquals(CameraOrientation(0, false), cameraOrientation(0, 0, front = false))
        assertEquals(CameraOrientation(180, false), cameraOrientation(270, 90, front = false))
    }

    @Test
    fun `mirroring can be left out and never applies to a back camera`() {
        assertEquals(
            CameraOrientation(270, false),
            cameraOrientation(270, 0, front = true, mirrorFront = false),
        )
        assertEquals(
            CameraOrientation(90, false),
            cameraOrientation(90, 0, front = false, mirrorFront = true),
        )
    }

    @Test
    fun `an angle that is no quarter turn is refused`() {
        for (angle in listOf(-90, 45, 360)) {
            assertThrows(IllegalArgumentException::class.java) { cameraOrientation(angle, 0, front = false) }
            assertThrows(IllegalArgumentException::class.java) { cameraOrientation(0, angle, front = false) }
        }
    }

    @Test
    fun `display rotations become degrees`() {
        assertEquals(listOf(0, 90, 180, 270), (0..3).map(::displayDegrees))
        assertThrows(IllegalArgumentException::class.java) { displayDegrees(90) }
    }
}
