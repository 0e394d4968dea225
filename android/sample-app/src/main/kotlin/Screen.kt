package io.github.dvfl.sample

import android.annotation.SuppressLint
import android.content.Context
import android.graphics.Color
import android.graphics.Typeface
import android.view.Gravity
import android.view.SurfaceView
import android.view.ViewGroup.LayoutParams.MATCH_PARENT
import android.view.ViewGroup.LayoutParams.WRAP_CONTENT
import android.widget.Button
import android.widget.FrameLayout
import android.widget.LinearLayout
import android.widget.TextView
import io.github.dvfl.Prediction
import java.util.ArrayDeque
import java.util.Locale
import kotlin.math.roundToInt

/** Everything on the screen: the camera's picture, the labels over it, two buttons. Main thread only. */
@SuppressLint("SetTextI18n")
internal class Screen(
    context: Context,
    onSwitchCamera: () -> Unit,
    onPickVideo: () -> Unit,
) : FrameLayout(context) {
    val preview = PreviewView(context)
    private val labels = text(Typeface.MONOSPACE, LABEL_SP)
    private val events = text(Typeface.DEFAULT, EVENT_SP)
    private val lastEvents = ArrayDeque<String>()

    init {
        setBackgroundColor(Color.BLACK)
        // Keeps the buttons clear of the system's bars, which newer Android draws over the app.
        fitsSystemWindows = true
        addView(preview, LayoutParams(MATCH_PARENT, MATCH_PARENT, Gravity.CENTER))
        val column = LinearLayout(context).apply { orientation = LinearLayout.VERTICAL }
        column.addView(labels)
        column.addView(events)
        addView(column, LayoutParams(MATCH_PARENT, WRAP_CONTENT, Gravity.TOP))
        val row = LinearLayout(context).apply { gravity = Gravity.CENTER }
        row.addView(button("Switch camera", onSwitchCamera))
        row.addView(button("Pick a video", onPickVideo))
        addView(row, LayoutParams(MATCH_PARENT, WRAP_CONTENT, Gravity.BOTTOM))
    }

    fun showPredictions(predictions: List<Prediction>) {
        labels.text =
            predictions.joinToString("\n") {
                val bar = "█".repeat((it.score * BAR).roundToInt()).padEnd(BAR, '·')
                "$bar ${String.format(Locale.ROOT, "%3.0f", it.score * PERCENT)} % ${it.label}"
            }
    }

    fun showEvent(event: String) {
        if (lastEvents.size == MOST_EVENTS) lastEvents.removeFirst()
        lastEvents.addLast(event)
        events.text = lastEvents.joinToString("\n")
    }

    /** Something instead of predictions: progress, or an error. */
    fun showMessage(message: String) {
        labels.text = message
    }

    private fun text(
        face: Typeface,
        size: Float,
    ) = TextView(context).apply {
        typeface = face
        textSize = size
        setTextColor(Color.WHITE)
        setShadowLayer(SHADOW, 0f, 0f, Color.BLACK)
        setPadding(PADDING, PADDING, PADDING, 0)
    }

    private fun button(
        label: String,
        onClick: () -> Unit,
    ) = Button(context).apply {
        text = label
        setOnClickListener { onClick() }
    }

    private companion object {
        const val LABEL_SP = 14f
        const val EVENT_SP = 16f
        const val BAR = 12
        const val PERCENT = 100
        const val MOST_EVENTS = 6
        const val SHADOW = 4f
        const val PADDING = 24
    }
}

/** A surface with the proportions of the camera's upright picture. The system turns the picture with the display. */
internal class PreviewView(
    context: Context,
) : SurfaceView(context) {
    private var pictureWidth = 0
    private var pictureHeight = 0

    fun setUprightSize(
        width: Int,
        height: Int,
    ) {
        pictureWidth = width
        pictureHeight = height
        requestLayout()
    }

    override fun onMeasure(
        widthMeasureSpec: Int,
        heightMeasureSpec: Int,
    ) {
        val width = MeasureSpec.getSize(widthMeasureSpec)
        val height = MeasureSpec.getSize(heightMeasureSpec)
        if (pictureWidth == 0 || pictureHeight == 0) {
            setMeasuredDimension(width, height)
        } else if (width * pictureHeight <= height * pictureWidth) {
            setMeasuredDimension(width, width * pictureHeight / pictureWidth)
        } else {
            setMeasuredDimension(height * pictureWidth / pictureHeight, height)
        }
    }
}
