package io.github.dvfl.executorch

import io.github.dvfl.ActionRecognizer
import io.github.dvfl.Precision
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Test
import org.pytorch.executorch.PythonBridge
import java.io.File

class FoundByItselfTest {
    @Test
    fun `the dependency is enough to open a bundle`() {
        PythonBridge.require()
        val bundle = File(System.getProperty("dvfl.root"), "spec/golden/bundle")
        ActionRecognizer.open(bundle).use { recognizer ->
            assertEquals("executorch", recognizer.engine)
            assertEquals(Precision.FP32, recognizer.precision)
            recognizer.warmUp()
        }
    }
}
