package io.github.dvfl.android

import android.content.Context
import android.graphics.Bitmap
import android.graphics.Color
import android.hardware.DataSpace
import android.os.Build
import android.os.PowerManager
import io.github.dvfl.BundleException
import io.github.dvfl.ColorMatrix
import io.github.dvfl.ColorRange
import io.github.dvfl.Frame
import io.github.dvfl.FrameException
import io.github.dvfl.PreprocessingSpec
import io.github.dvfl.Rect
import io.github.dvfl.RgbFormat
import io.github.dvfl.RgbFrame
import io.github.dvfl.VideoException
import org.junit.Assert.assertEquals
import org.junit.Assert.assertNull
import org.junit.Assert.assertSame
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Rule
import org.junit.Test
import org.junit.rules.TemporaryFolder
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.Shadows.shadowOf
import org.robolectric.annotation.Config
import org.robolectric.annotation.GraphicsMode
import org.robolectric.util.ReflectionHelpers
import java.io.File

/** Framework classes as far as Robolectric has them: Android 15's own Java code and Skia, the rest imitated. */
@RunWith(RobolectricTestRunner::class)
@GraphicsMode(GraphicsMode.Mode.NATIVE)
@Config(sdk = [35], manifest = Config.NONE)
class OnAndroidTest {
    @get:Rule
    val folder = TemporaryFolder()

    private val context: Context get() = RuntimeEnvironment.getApplication()
    private val spec = PreprocessingSpec.default().withClip(frames = 2, size = 4)

    @Test
    fun `a bitmap's pixels are copied with their place, time and orientation`() {
        val frame = bitmap(Bitmap.Config.ARGB_8888).toFrame(1.5, rotation = 90, mirrored = true)
        assertEquals(listOf(10, 20, 30), frame.rgb(4, 2))
        assertEquals(1.5, frame.timeS, 0.0)
        assertEquals(90 to true, frame.rotation to frame.mirrored)
    }

    @Test
    fun `a bitmap of another kind is drawn into one that is read`() {
        val frame = bitmap(Bitmap.Config.RGB_565).toFrame(0.0)
        // 5 and 6 bits: what is left of 10, 20, 30.
        assertTrue(
            "${frame.rgb(4, 2)}",
            frame.rgb(4, 2).zip(listOf(10, 20, 30)).all { (a, b) ->
                a - b in
                    -8..8
            },
        )
        assertEquals(listOf(0, 0, 0), frame.rgb(0, 0))
    }

    @Test
    fun `a series of bitmaps uses one buffer`() {
        val frames = BitmapFrames()
        val first = frames.frame(bitmap(Bitmap.Config.ARGB_8888), 0.0)
        val second = frames.frame(bitmap(Bitmap.Config.ARGB_8888, Color.rgb(1, 2, 3)), 0.1)
        assertSame(first.pixels, second.pixels)
        assertEquals(listOf(1, 2, 3), second.rgb(4, 2))
    }

    @Test
    fun `a recycled bitmap is refused`() {
        val recycled = bitmap(Bitmap.Config.ARGB_8888).apply { recycle() }
        assertThrows(FrameException::class.java) { recycled.toFrame(0.0) }
    }

    @Test
    fun `an image's strides, crop, time and data space become the frame's`() {
        val frame = FakeImage(dataSpace = DataSpace.DATASPACE_BT709).toFrame(270, mirrored = true)
        assertEquals(listOf(8, 6), listOf(frame.width, frame.height))
        assertEquals(Rect(2, 1, 5, 4), frame.crop)
        assertEquals(listOf(10, 1, 12, 2), frame.strides())
        assertEquals(2.5, frame.timeS, 0.0)
        assertEquals(270 to true, frame.rotation to frame.mirrored)
        assertEquals(ColorMatrix.BT709 to ColorRange.LIMITED, frame.matrix to frame.range)
        val first = listOf(frame.y, frame.u, frame.v).map { it.data.get(it.offset).toInt() }
        assertEquals(listOf(11, 77, 88), first)
    }

    @Test
    fun `a given matrix and range win over the image's`() {
        val image = FakeImage(dataSpace = DataSpace.DATASPACE_BT2020_PQ)
        assertThrows(FrameException::class.java) { image.toFrame() }
        val frame = image.toFrame(matrix = ColorMatrix.BT601, range = ColorRange.FULL, timeS = 7.0)
        assertEquals(ColorMatrix.BT601 to ColorRange.FULL, frame.matrix to frame.range)
        assertEquals(7.0, frame.timeS, 0.0)
    }

    @Test
    fun `before Android 13 an image says nothing of its colours`() {
        ReflectionHelpers.setStaticField(Build.VERSION::class.java, "SDK_INT", 32)
        try {
            val frame = FakeImage(dataSpace = DataSpace.DATASPACE_BT2020_PQ).toFrame()
            assertNull(frame.matrix)
            assertNull(frame.range)
        } finally {
            ReflectionHelpers.setStaticField(Build.VERSION::class.java, "SDK_INT", 35)
        }
    }

    @Test
    fun `an image of another format is refused`() {
        val error = assertThrows(FrameException::class.java) { FakeImage(format = 0x36).toFrame() }
        assertTrue(error.message!!.startsWith("image has the format 0x36, only 8-bit YUV_420_888"))
    }

    @Test
    fun `the phone says its name, heat and memory`() {
        val power = context.getSystemService(Context.POWER_SERVICE) as PowerManager
        val device = AndroidDevice(context)
        val words =
            (PowerManager.THERMAL_STATUS_NONE..PowerManager.THERMAL_STATUS_SHUTDOWN).map {
                shadowOf(power).setCurrentThermalStatus(it)
                device.thermal()
            }
        val expected = listOf("none", "light", "moderate", "severe", "critical", "emergency", "shutdown")
        assertEquals(expected, words)
        assertEquals("Android" to "15 (API 35)", device.info().os to device.info().osVersion)
        assertTrue(device.info().manufacturer.isNotBlank() && device.info().model.isNotBlank())
    }

    @Test
    fun `an app without a bundle is told how to add one`() {
        val error = assertThrows(BundleException::class.java) { AssetBundles.extract(context, "bundle") }
        assertTrue(error.message!!.startsWith("assets/bundle: no manifest.json"))
    }

    @Test
    fun `files that are no video are refused before a decoder sees them`() {
        val video = File(System.getProperty("dvfl.root"), "assets/carving_ice.mp4").readBytes()
        val cut = folder.newFile("cut.mp4").apply { writeBytes(video.copyOf(video.size / 2)) }
        refused(cut, "$cut: the video is damaged: it is cut off at ${cut.length()} of ")
        val empty = folder.newFile("empty.mp4")
        refused(empty, "$empty: is empty (0 bytes)")
        val missing = File(folder.root, "missing.mp4")
        refused(missing, "$missing: no such file")
        refused(folder.root, "${folder.root}: is a folder, give a video file")
        val text = folder.newFile("text.mp4").apply { writeText("no video") }
        refused(text, "$text: ")
    }

    private fun refused(
        file: File,
        message: String,
    ) {
        val error = assertThrows(VideoException::class.java) { loadClip(file, spec) }
        assertEquals(message, error.message!!.take(message.length))
        assertEquals(1, error.message!!.lines().size)
    }

    private fun bitmap(
        config: Bitmap.Config,
        color: Int = Color.rgb(10, 20, 30),
    ): Bitmap = Bitmap.createBitmap(5, 3, config).apply { setPixel(4, 2, color) }

    /** Skia on a desktop stores blue first; Android documents red first, which is what the frame says. */
    private fun RgbFrame.rgb(
        x: Int,
        y: Int,
    ): List<Int> {
        assertEquals(RgbFormat.RGBA, format)
        return List(3) { pixels.get(y * rowStride + x * format.pixelBytes + it).toInt() and 0xFF }.reversed()
    }

    private fun Frame.strides() = listOf(y.rowStride, y.pixelStride, u.rowStride, u.pixelStride)
}
