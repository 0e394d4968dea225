package io.github.dvfl.litert

import io.github.dvfl.desktop.WholeChain
import org.junit.jupiter.api.Test

class LiteRtWholeChainTest {
    private val chain = WholeChain("litert")

    @Test
    fun `a real video gets Python's tensor, logits and labels`() = chain.requirePython()

    @Test
    fun `a demo clip decoded here is the bundle's reference clip`() = chain.requireReference("zoom_in.mp4")
}
