package io.github.dvfl.executorch

import io.github.dvfl.desktop.WholeChain
import org.junit.jupiter.api.BeforeEach
import org.junit.jupiter.api.Test
import org.pytorch.executorch.PythonBridge

class ExecuTorchWholeChainTest {
    private val chain = WholeChain("executorch")

    @BeforeEach
    fun `needs a Python with ExecuTorch`() = PythonBridge.require()

    @Test
    fun `a real video gets Python's tensor and logits`() = chain.requirePython()

    @Test
    fun `a demo clip decoded here is the bundle's reference clip`() = chain.requireReference("zoom_in.mp4")
}
