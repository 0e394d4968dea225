package io.github.dvfl.android

import android.content.Context
import android.os.Build
import android.os.Debug
import android.os.PowerManager

/**
 * Reads the state of the phone that runs the app. Any thread; [memoryBytes] takes some ten milliseconds, so don't
 * call it for every frame.
 */
public class AndroidDevice(
    context: Context,
) : DeviceProbe {
    private val power = context.getSystemService(Context.POWER_SERVICE) as? PowerManager

    /**
     * `none`, `light`, `moderate`, `severe`, `critical`, `emergency` or `shutdown`; null below Android 10
     * (API 29). From `severe` on, lengthen the stride of a stream or pause it.
     */
    override fun thermal(): String? =
        if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.Q) power?.thermalWord() else null

    /** The process's proportional set size: native memory of the runtime included, shared pages by share. */
    override fun memoryBytes(): Long? = (Debug.getPss() * BYTES_PER_KIB).takeIf { it > 0 }

    /** How the phone names itself. */
    public fun info(): DeviceInfo =
        DeviceInfo(
            manufacturer = Build.MANUFACTURER.named(),
            model = Build.MODEL.named(),
            os = "Android",
            osVersion = "${Build.VERSION.RELEASE} (API ${Build.VERSION.SDK_INT})",
            soc = if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.S) socName() else null,
        )

    private companion object {
        const val BYTES_PER_KIB = 1024L
    }
}

@SinceApi(29)
private fun PowerManager.thermalWord(): String? =
    when (currentThermalStatus) {
        PowerManager.THERMAL_STATUS_NONE -> "none"
        PowerManager.THERMAL_STATUS_LIGHT -> "light"
        PowerManager.THERMAL_STATUS_MODERATE -> "moderate"
        PowerManager.THERMAL_STATUS_SEVERE -> "severe"
        PowerManager.THERMAL_STATUS_CRITICAL -> "critical"
        PowerManager.THERMAL_STATUS_EMERGENCY -> "emergency"
        PowerManager.THERMAL_STATUS_SHUTDOWN -> "shutdown"
        else -> null
    }

@SinceApi(31)
private fun socName(): String? =
    listOf(Build.SOC_MANUFACTURER, Build.SOC_MODEL)
        .filter { it.isNotBlank() && it != Build.UNKNOWN }
        .joinToString(" ")
        .ifEmpty { null }

private fun String?.named(): String = if (isNullOrBlank()) Build.UNKNOWN else this
