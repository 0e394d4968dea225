package io.github.dvfl.sample

import android.annotation.SuppressLint
import android.content.Context
import android.graphics.ImageFormat
import android.hardware.camera2.CameraAccessException
import android.hardware.camera2.CameraCaptureSession
import android.hardware.camera2.CameraCharacteristics
import android.hardware.camera2.CameraDevice
import android.hardware.camera2.CameraManager
import android.media.ImageReader
import android.os.Handler
import android.os.HandlerThread
import android.util.Size
import android.view.Surface
import kotlin.math.abs

/** Which way a lens looks. */
internal enum class Facing(
    val code: Int,
) {
    BACK(CameraCharacteristics.LENS_FACING_BACK),
    FRONT(CameraCharacteristics.LENS_FACING_FRONT),
}

/** A camera that was chosen: what is needed before it is opened. */
internal class ChosenCamera(
    val id: String,
    val characteristics: CameraCharacteristics,
    /** Of the preview and of the images, as the sensor stores them. */
    val size: Size,
)

/** The first camera that looks [facing], else any; null if there is none. */
internal fun chooseCamera(
    manager: CameraManager,
    facing: Facing,
): ChosenCamera? {
    val all = manager.cameraIdList.map { it to manager.getCameraCharacteristics(it) }
    val (id, characteristics) =
        all.firstOrNull { it.second.get(CameraCharacteristics.LENS_FACING) == facing.code }
            ?: all.firstOrNull()
            ?: return null
    val sizes =
        characteristics
            .get(CameraCharacteristics.SCALER_STREAM_CONFIGURATION_MAP)
            ?.getOutputSizes(ImageFormat.YUV_420_888)
            .orEmpty()
    // The model looks at 224 x 224: a small picture is enough and cheap.
    val size = sizes.minByOrNull { abs(it.width - WIDTH) + abs(it.height - HEIGHT) } ?: Size(WIDTH, HEIGHT)
    return ChosenCamera(id, characteristics, size)
}

private const val WIDTH = 640
private const val HEIGHT = 480

/**
 * One camera session: frames to a preview and to a listener, until it is closed.
 *
 * All camera calls and the listener run on its own thread; [close] may be called on any other and returns when the
 * camera is let go and no listener runs.
 */
internal class LiveCamera(
    context: Context,
    private val camera: ChosenCamera,
    private val preview: Surface,
    listener: ImageReader.OnImageAvailableListener,
    private val onError: (String) -> Unit,
) : AutoCloseable {
    private val manager = context.getSystemService(Context.CAMERA_SERVICE) as CameraManager
    private val thread = HandlerThread("camera").apply { start() }
    private val handler = Handler(thread.looper)
    private val reader =
        ImageReader
            .newInstance(camera.size.width, camera.size.height, ImageFormat.YUV_420_888, IMAGES)
            .apply { setOnImageAvailableListener(listener, handler) }
    private var device: CameraDevice? = null
    private var closed = false

    /** The app must hold the CAMERA permission. */
    @SuppressLint("MissingPermission")
    fun open() {
        handler.post {
            try {
                if (!closed) manager.openCamera(camera.id, DeviceCallback(), handler)
            } catch (error: CameraAccessException) {
                onError("the camera cannot be opened: ${error.message}")
            } catch (error: SecurityException) {
                onError("the camera may not be used: ${error.message}")
            }
        }
    }

    override fun close() {
        handler.post {
            closed = true
            device?.close()
            device = null
            reader.close()
        }
        thread.quitSafely()
        thread.join()
    }

    private inner class DeviceCallback : CameraDevice.StateCallback() {
        override fun onOpened(camera: CameraDevice) {
            if (closed) {
                camera.close()
                return
            }
            device = camera
            try {
                // The newer call needs API 28.
                @Suppress("DEPRECATION")
                camera.createCaptureSession(listOf(preview, reader.surface), SessionCallback(), handler)
            } catch (error: CameraAccessException) {
                onError("the camera cannot be used: ${error.message}")
            } catch (_: IllegalArgumentException) {
                // The preview went away while the camera opened; the app closes this session.
            } catch (_: IllegalStateException) {
                // The camera was closed meanwhile.
            }
        }

        override fun onDisconnected(camera: CameraDevice) {
            camera.close()
            device = null
            onError("another app took the camera")
        }

        override fun onError(
            camera: CameraDevice,
            error: Int,
        ) {
            camera.close()
            device = null
            onError("the camera failed with code $error")
        }
    }

    private inner class SessionCallback : CameraCaptureSession.StateCallback() {
        override fun onConfigured(session: CameraCaptureSession) {
            try {
                val request = session.device.createCaptureRequest(CameraDevice.TEMPLATE_PREVIEW)
                request.addTarget(preview)
                request.addTarget(reader.surface)
                session.setRepeatingRequest(request.build(), null, handler)
            } catch (error: CameraAccessException) {
                onError("the camera cannot be started: ${error.message}")
            } catch (_: IllegalStateException) {
                // The session was closed meanwhile.
            }
        }

        override fun onConfigureFailed(session: CameraCaptureSession) {
            onError("the camera cannot deliver ${camera.size}")
        }
    }

    private companion object {
        /** One in work, one that arrives, one to spare. */
        const val IMAGES = 3
    }
}
