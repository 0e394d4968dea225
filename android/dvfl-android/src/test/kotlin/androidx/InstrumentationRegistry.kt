package androidx.test.platform.app

import android.app.Instrumentation
import android.os.Bundle

// Robolectric loads these; the real ones are on Google's Maven only, and no test here uses them.
object InstrumentationRegistry {
    private var registered: Instrumentation? = null

    @JvmStatic
    fun registerInstance(
        instrumentation: Instrumentation?,
        arguments: Bundle?,
    ) {
        registered = instrumentation
    }

    @JvmStatic
    fun getInstrumentation(): Instrumentation = checkNotNull(registered)
}
