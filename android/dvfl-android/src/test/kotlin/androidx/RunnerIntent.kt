package androidx.test.runner.intent

import android.app.Instrumentation
import android.content.Intent

// Robolectric loads these; the real ones are on Google's Maven only, and no test here uses them.
interface IntentMonitor

interface IntentStubber {
    fun getActivityResultForIntent(intent: Intent): Instrumentation.ActivityResult?
}

object IntentMonitorRegistry {
    @JvmStatic
    fun registerInstance(monitor: IntentMonitor) = Unit
}

object IntentStubberRegistry {
    @JvmStatic
    fun isLoaded(): Boolean = false

    @JvmStatic
    fun getInstance(): IntentStubber = throw UnsupportedOperationException()
}
