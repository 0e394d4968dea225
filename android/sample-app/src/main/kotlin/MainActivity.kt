package io.github.dvfl.sample

import android.Manifest
import android.app.Activity
import android.content.Context
import android.content.Intent
import android.content.pm.PackageManager
import android.hardware.camera2.CameraAccessException
import android.hardware.camera2.CameraManager
import android.hardware.display.DisplayManager
import android.net.Uri
import android.os.Bundle
import android.view.Display
import android.view.SurfaceHolder
import android.view.WindowManager
import io.github.dvfl.DvflException
import io.github.dvfl.Entered
import io.github.dvfl.Left
import io.github.dvfl.Result
import io.github.dvfl.Update
import io.github.dvfl.android.CameraFrames
import io.github.dvfl.android.cameraOrientation
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.cancel
import kotlinx.coroutines.launch
import kotlinx.coroutines.runInterruptible
import java.util.Locale

/**
 * Live recognition from the camera, and recognition of a picked video.
 *
 * The camera's thread offers frames to the stream; a coroutine collects its updates, which runs the model; the
 * main thread only draws. The camera runs while the app is resumed, the surface is there and the model is loaded.
 */
public class MainActivity :
    Activity(),
    SurfaceHolder.Callback {
    private val scope = CoroutineScope(SupervisorJob() + Dispatchers.Default)
    private lateinit var screen: Screen
    private var recognition: Recognition? = null
    private var camera: LiveCamera? = null
    private var facing = Facing.BACK
    private var resumed = false
    private var surfaceReady = false
    private var busyWithVideo = false

    override fun onCreate(state: Bundle?) {
        super.onCreate(state)
        window.addFlags(WindowManager.LayoutParams.FLAG_KEEP_SCREEN_ON)
        screen = Screen(this, onSwitchCamera = ::switchCamera, onPickVideo = ::pickVideo)
        setContentView(screen)
        screen.preview.holder.addCallback(this)
        screen.showMessage("Loading the model ...")
        if (!mayUseCamera()) requestPermissions(arrayOf(Manifest.permission.CAMERA), CAMERA_REQUEST)
        scope.launch {
            try {
                val opened = Recognition.open(applicationContext)
                runOnUiThread { use(opened) }
                opened.stream.updates.collect { update -> runOnUiThread { show(update) } }
            } catch (error: DvflException) {
                showError(error)
            }
        }
    }

    override fun onResume() {
        super.onResume()
        resumed = true
        recognition?.stream?.resume()
        startCamera()
    }

    override fun onPause() {
        resumed = false
        stopCamera()
        recognition?.stream?.pause()
        super.onPause()
    }

    override fun onDestroy() {
        scope.cancel()
        // Waits for an inference that runs, so not on the main thread.
        recognition?.let { Thread(it::close).start() }
        recognition = null
        super.onDestroy()
    }

    override fun onRequestPermissionsResult(
        request: Int,
        permissions: Array<out String>,
        results: IntArray,
    ) {
        if (mayUseCamera()) {
            startCamera()
        } else {
            screen.showMessage(
                "No camera permission; pick a video instead.",
            )
        }
    }

    override fun onActivityResult(
        request: Int,
        result: Int,
        data: Intent?,
    ) {
        val video = data?.data
        if (request == VIDEO_REQUEST && result == RESULT_OK && video != null) recognize(video)
    }

    override fun surfaceCreated(holder: SurfaceHolder) {
        surfaceReady = true
        startCamera()
    }

    override fun surfaceChanged(
        holder: SurfaceHolder,
        format: Int,
        width: Int,
        height: Int,
    ): Unit = Unit

    override fun surfaceDestroyed(holder: SurfaceHolder) {
        surfaceReady = false
        stopCamera()
    }

    private fun use(opened: Recognition) {
        if (isDestroyed) {
            Thread(opened::close).start()
            return
        }
        recognition = opened
        screen.showMessage("")
        startCamera()
    }

    private fun startCamera() {
        val stream = recognition?.stream ?: return
        if (!resumed || !surfaceReady || busyWithVideo || camera != null || !mayUseCamera()) return
        val chosen =
            try {
                chooseCamera(getSystemService(Context.CAMERA_SERVICE) as CameraManager, facing)
            } catch (error: CameraAccessException) {
                return screen.showMessage("The cameras cannot be listed: ${error.message}")
            } ?: return screen.showMessage("This device has no camera; pick a video instead.")
        val display =
            (
                getSystemService(
                    Context.DISPLAY_SERVICE,
                ) as DisplayManager
            ).getDisplay(Display.DEFAULT_DISPLAY)
        val orientation = { cameraOrientation(chosen.characteristics, display.rotation) }
        showPreviewOf(chosen, orientation().rotation)
        val frames = CameraFrames(stream, onError = ::showError, orientation = orientation)
        camera =
            LiveCamera(this, chosen, screen.preview.holder.surface, frames) { message ->
                runOnUiThread { screen.showMessage(message) }
            }.also { it.open() }
    }

    private fun showPreviewOf(
        chosen: ChosenCamera,
        rotation: Int,
    ) {
        val (width, height) = chosen.size.width to chosen.size.height
        screen.preview.holder.setFixedSize(width, height)
        if (rotation % HALF_TURN == 0) {
            screen.preview.setUprightSize(width, height)
        } else {
            screen.preview.setUprightSize(height, width)
        }
    }

    private fun stopCamera() {
        camera?.close()
        camera = null
    }

    private fun switchCamera() {
        // After a video the same camera comes back first.
        if (camera != null) facing = if (facing == Facing.BACK) Facing.FRONT else Facing.BACK
        stopCamera()
        // Another camera is another scene, and perhaps another clock.
        recognition?.stream?.reset()
        startCamera()
    }

    private fun pickVideo() {
        val intent =
            Intent(
                Intent.ACTION_OPEN_DOCUMENT,
            ).addCategory(Intent.CATEGORY_OPENABLE).setType("video/*")
        startActivityForResult(intent, VIDEO_REQUEST)
    }

    private fun recognize(video: Uri) {
        val used =
            recognition ?: return screen.showMessage("The model is still loading; pick the video again.")
        busyWithVideo = true
        stopCamera()
        screen.showMessage("Reading the video ...")
        scope.launch {
            try {
                val predictions =
                    runInterruptible(Dispatchers.IO) { used.recognize(applicationContext, video) }
                runOnUiThread { screen.showPredictions(predictions) }
            } catch (error: DvflException) {
                showError(error)
            } finally {
                // The result stays until the user asks for the camera.
                runOnUiThread { busyWithVideo = false }
            }
        }
    }

    private fun show(update: Update) {
        when (update) {
            is Result -> screen.showPredictions(update.predictions)
            is Entered -> screen.showEvent("▶ ${update.label} ${seconds(update.timeS)}")
            is Left -> screen.showEvent("■ ${update.label} ${seconds(update.timeS)}")
        }
    }

    private fun showError(error: DvflException) {
        runOnUiThread { screen.showMessage(error.message.orEmpty()) }
    }

    private fun seconds(timeS: Double) = String.format(Locale.ROOT, "%.1f s", timeS)

    private fun mayUseCamera() =
        checkSelfPermission(Manifest.permission.CAMERA) == PackageManager.PERMISSION_GRANTED

    private companion object {
        const val CAMERA_REQUEST = 1
        const val VIDEO_REQUEST = 2
        const val HALF_TURN = 180
    }
}
