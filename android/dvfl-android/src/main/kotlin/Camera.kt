package io.github.dvfl.android

import android.hardware.camera2.CameraCharacteristics
import android.media.Image
import android.media.ImageReader
import android.view.Surface
import io.github.dvfl.ClosedException
import io.github.dvfl.ColorMatrix
import io.github.dvfl.ColorRange
import io.github.dvfl.DvflException
import io.github.dvfl.StreamingActionRecognizer

/** How a camera's picture is shown upright: turned clockwise by [rotation] degrees, then flipped if [mirrored]. */
public data class CameraOrientation(
    /** 0, 90, 180 or 270. */
    val rotation: Int,
    /** Left-right, after the rotation. */
    val mirrored: Boolean,
)

/**
 * The orientation of a camera's pictures on a display. Pure arithmetic; any thread.
 *
 * @param sensorOrientation `CameraCharacteristics.SENSOR_ORIENTATION`, in degrees.
 * @param displayRotation the display's rotation in degrees, 0, 90, 180 or 270; see [displayDegrees].
 * @param front whether the lens faces the user.
 * @param mirrorFront whether a front camera's picture is flipped as its preview is. Pass false if left and right
 *   matter to the model and its training videos were not mirrored: recorded files usually are not.
 * @throws IllegalArgumentException if an angle is no quarter turn.
 */
public fun cameraOrientation(
    sensorOrientation: Int,
    displayRotation: Int,
    front: Boolean,
    mirrorFront: Boolean = true,
): CameraOrientation {
    for (angle in listOf(sensorOrientation, displayRotation)) {
        require(angle in 0 until FULL_TURN && angle % QUARTER_TURN == 0) {
            "an angle must be 0, 90, 180 or 270 degrees, not $angle"
        }
    }
    // The sensor of a front camera turns against the display, seen from the lens.
    val turn = if (front) sensorOrientation + displayRotation else sensorOrientation - displayRotation
    return CameraOrientation(Math.floorMod(turn, FULL_TURN), front && mirrorFront)
}

/** The same from a Camera2 device and `Display.getRotation()`. An external camera counts as a back one. */
public fun cameraOrientation(
    camera: CameraCharacteristics,
    displayRotation: Int,
    mirrorFront: Boolean = true,
): CameraOrientation =
    cameraOrientation(
        sensorOrientation = camera.get(CameraCharacteristics.SENSOR_ORIENTATION) ?: 0,
        displayRotation = displayDegrees(displayRotation),
        front = camera.get(CameraCharacteristics.LENS_FACING) == CameraCharacteristics.LENS_FACING_FRONT,
        mirrorFront = mirrorFront,
    )

/**
 * `Surface.ROTATION_0`, `_90`, `_180` or `_270`, as `Display.getRotation()` gives it, in degrees.
 *
 * @throws IllegalArgumentException for any other number.
 */
public fun displayDegrees(rotation: Int): Int =
    when (rotation) {
        Surface.ROTATION_0 -> 0
        Surface.ROTATION_90 -> 90
        Surface.ROTATION_180 -> 180
        Surface.ROTATION_270 -> 270
        else -> throw IllegalArgumentException("a display rotation is Surface.ROTATION_*, not $rotation")
    }

/**
 * Offers a camera's images to a live stream; each image is closed whatever happens.
 *
 * Give it to an `ImageReader` of format `YUV_420_888` with at least 2 images, and a handler of its own thread:
 * preprocessing runs there (never the model), and the camera waits for it. When it falls behind, images between
 * are left out, and the stream, which goes by time stamps, is as it would be at a lower frame rate.
 *
 * Lifecycle: `stream.pause()` in `onPause`, `stream.resume()` in `onResume`; close the camera first, then the
 * reader on the handler's thread, then the stream. The stream keeps only preprocessed frames (size x size x 3
 * bytes each), no images.
 *
 * The time is `Image.getTimestamp()`, whose zero is the device's choice: use one stream per camera session, or
 * `reset()` it when switching cameras.
 *
 * @param orientation asked for every image, on the handler's thread, since the display may turn.
 * @param matrix instead of what the image says (API 33 and later), or of BT.601 where it says nothing.
 * @param range instead of what the image says, or of the full range where it says nothing: Android's cameras
 *   deliver JFIF.
 * @param onError told of an image that cannot be used, on the handler's thread. An image after the stream's
 *   `close()` is dropped without a word.
 */
public class CameraFrames(
    private val stream: StreamingActionRecognizer,
    private val matrix: ColorMatrix? = null,
    private val range: ColorRange? = null,
    private val onError: (DvflException) -> Unit = {},
    private val orientation: () -> CameraOrientation,
) : ImageReader.OnImageAvailableListener {
    override fun onImageAvailable(reader: ImageReader) {
        reader.acquireLatestImage()?.let(::use)
    }

    internal fun use(image: Image) {
        try {
            val shown = orientation()
            val tags = cameraTags(image.colorTags()).overriddenBy(matrix, range)
            stream.offer(image.frameOf(shown.rotation, shown.mirrored, tags, image.timestamp / NANOSECONDS))
        } catch (_: ClosedException) {
            // The camera may deliver one more image while the app closes.
        } catch (error: DvflException) {
            onError(error)
        } finally {
            image.close()
        }
    }
}

/** A camera's image that doesn't say is JFIF: BT.601, full range. */
internal fun cameraTags(said: ColorTags): ColorTags =
    said.copy(matrix = said.matrix ?: ColorMatrix.BT601, range = said.range ?: ColorRange.FULL)

private const val FULL_TURN = 360
private const val QUARTER_TURN = 90
