package io.github.dvfl.android

import android.hardware.DataSpace
import io.github.dvfl.ActionRecognizer
import io.github.dvfl.Artifact
import io.github.dvfl.Bundle
import io.github.dvfl.Clip
import io.github.dvfl.DvflException
import io.github.dvfl.RecognizerOptions
import io.github.dvfl.StreamingActionRecognizer
import io.github.dvfl.engine.Engine
import io.github.dvfl.engine.EngineProvider
import org.junit.After
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.annotation.Config
import java.io.File

@RunWith(RobolectricTestRunner::class)
@Config(sdk = [35], manifest = Config.NONE)
class CameraFramesTest {
    private val bundle = Bundle.open(File(System.getProperty("dvfl.root"), "spec/golden/bundle"))
    private val recognizer = ActionRecognizer.open(bundle, RecognizerOptions(providers = listOf(Constant)))
    private val stream = StreamingActionRecognizer(recognizer)
    private val errors = ArrayList<DvflException>()
    private val frames = CameraFrames(stream, onError = { errors += it }) { CameraOrientation(90, false) }

    @After
    fun close() {
        stream.close()
        recognizer.close()
    }

    @Test
    fun `every image is offered and closed`() {
        val images = List(3) { FakeImage(timestampNs = 1_000_000_000L + it * 40_000_000) }
        images.forEach(frames::use)
        assertEquals(3L, stream.counters.received)
        assertTrue(images.all { it.closed })
        assertEquals(emptyList<DvflException>(), errors)
    }

    @Test
    fun `an image that cannot be used is told of and closed`() {
        val image = FakeImage(dataSpace = DataSpace.DATASPACE_BT2020_HLG)
        frames.use(image)
        assertTrue(errors.single().message!!.startsWith("image is HDR (HLG)"))
        assertTrue(image.closed)
        assertEquals(0L, stream.counters.received)
    }

    @Test
    fun `an image after the stream was closed is dropped without a word`() {
        stream.close()
        val image = FakeImage()
        frames.use(image)
        assertTrue(image.closed)
        assertEquals(emptyList<DvflException>(), errors)
    }
}

private object Constant : EngineProvider {
    override val target = "litert"

    override fun obstacle() = null

    override fun load(
        bundle: Bundle,
        artifact: Artifact,
        threads: Int?,
    ) = object : Engine {
        override fun run(clip: Clip) = FloatArray(bundle.manifest.labels.size)

        override fun close() = Unit
    }
}
