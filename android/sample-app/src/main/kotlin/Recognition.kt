package io.github.dvfl.sample

import android.content.Context
import android.net.Uri
import io.github.dvfl.ActionRecognizer
import io.github.dvfl.Prediction
import io.github.dvfl.StreamingActionRecognizer
import io.github.dvfl.android.AssetBundles
import io.github.dvfl.android.loadClip

/** One model in memory, for the live stream and for picked videos: it runs one inference at a time. */
internal class Recognition private constructor(
    private val recognizer: ActionRecognizer,
) : AutoCloseable {
    val stream = StreamingActionRecognizer(recognizer)

    /**
     * Decodes and recognizes a whole video. Blocks; interrupting the thread stops the decoding.
     *
     * @throws io.github.dvfl.DvflException if the video cannot be read.
     */
    fun recognize(
        context: Context,
        video: Uri,
    ): List<Prediction> = recognizer.recognize(loadClip(context, video, recognizer.spec))

    override fun close() {
        stream.close()
        recognizer.close()
    }

    companion object {
        /**
         * Blocks while the bundle is copied and the model is loaded and warmed up.
         *
         * @throws io.github.dvfl.DvflException if there is no bundle, or no engine runs it.
         */
        fun open(context: Context): Recognition {
            val recognizer = ActionRecognizer.open(AssetBundles.extract(context, "bundle"))
            recognizer.warmUp()
            return Recognition(recognizer)
        }
    }
}
