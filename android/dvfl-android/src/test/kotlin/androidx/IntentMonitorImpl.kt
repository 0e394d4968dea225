package androidx.test.internal.runner.intent

import android.content.Intent
import androidx.test.runner.intent.IntentMonitor

// Robolectric loads these; the real ones are on Google's Maven only, and no test here uses them.
class IntentMonitorImpl : IntentMonitor {
    fun signalIntent(intent: Intent) = Unit
}
