package io.github.dvfl.litert

import io.github.dvfl.ActionRecognizer
import io.github.dvfl.Precision
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Test
import java.io.File

class FoundByItselfTest {
    @Test
    fun `the dependency is enough to open a bundle`() {
        val bundle = File(System.getProperty("dvfl.root"), "spec/golden/bundle")
        ActionRecognizer.open(bundle).use { recognizer ->
            assertEquals("litert", recognizer.engine)
            assertEquals(Precision.FP32, recognizer.precision)
            recognizer.warmUp()
        }
    }
}
