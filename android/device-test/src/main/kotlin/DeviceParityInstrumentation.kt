package io.github.dvfl.devicetest

import android.app.Activity
import android.app.Instrumentation
import android.content.pm.PackageManager
import io.github.dvfl.Artifact
import io.github.dvfl.Bundle
import io.github.dvfl.DvflException
import io.github.dvfl.android.AndroidDevice
import io.github.dvfl.android.AssetBundles
import io.github.dvfl.android.DeviceReport
import io.github.dvfl.android.DeviceRun
import io.github.dvfl.android.MeasureOptions
import io.github.dvfl.android.RunStatus
import io.github.dvfl.android.SdkInfo
import io.github.dvfl.android.manifestSha256
import io.github.dvfl.android.measure
import java.io.File
import java.io.IOException

/**
 * The parity test on a phone: every reference vector of a bundle through every asked artifact and accelerator,
 * then latency, memory and thermal state, into `device-results.json` as `spec/device-results.md` defines it.
 *
 * ```
 * adb install device-test/build/outputs/apk/release/device-test-release.apk
 * adb shell am instrument -w \
 *     -e artifacts litert-fp32,litert-int8 -e accelerators cpu,gpu -e threads 4 -e runs 50 -e pause_s 5 \
 *     io.github.dvfl.devicetest/.DeviceParityInstrumentation
 * adb pull /sdcard/Android/data/io.github.dvfl.devicetest/files/device-results.json
 * dvfl report BUNDLE --device-results device-results.json
 * ```
 *
 * Every argument may be left out: all artifacts for Android, the CPU, 4 threads, 50 runs, 5 s of pause. Instead of
 * the bundle in the app's assets, one on the phone (give its path once; the app may read only its own folder):
 *
 * ```
 * adb push BUNDLE /sdcard/Android/data/io.github.dvfl.devicetest/files/bundle
 * adb shell am instrument -w -e bundle /sdcard/Android/data/io.github.dvfl.devicetest/files/bundle \
 *     io.github.dvfl.devicetest/.DeviceParityInstrumentation
 * ```
 *
 * Unplug the phone from a fast charger, let it cool and keep the screen on: all three change the times. The file is
 * written anew after each run, so that a native crash of one artifact keeps the ones before. The result code is -1
 * (`Activity.RESULT_OK`) if every run went through, else 0. A plain `Instrumentation`: no test library is needed.
 */
public class DeviceParityInstrumentation : Instrumentation() {
    private var arguments = emptyMap<String, String>()

    override fun onCreate(arguments: android.os.Bundle?) {
        super.onCreate(arguments)
        this.arguments =
            arguments
                ?.keySet()
                .orEmpty()
                .associateWith { arguments?.getString(it).orEmpty() }
        // The test then runs in onStart, on its own thread.
        start()
    }

    override fun onStart() {
        super.onStart()
        val problem =
            try {
                val failed = runAll(TestArguments.parse(arguments)).count { it.status == RunStatus.FAILED }
                if (failed > 0) "$failed runs failed" else null
            } catch (error: DvflException) {
                error.message
            } catch (error: IllegalArgumentException) {
                error.message
            } catch (error: IOException) {
                "cannot write the results: ${error.message}"
            }
        tell(problem ?: "all runs went through")
        finish(if (problem == null) Activity.RESULT_OK else Activity.RESULT_CANCELED, android.os.Bundle())
    }

    private fun runAll(arguments: TestArguments): List<DeviceRun> {
        val bundle = Bundle.open(arguments.bundle ?: AssetBundles.extract(targetContext, ASSETS))
        val device = AndroidDevice(targetContext)
        val file = File(targetContext.getExternalFilesDir(null) ?: targetContext.filesDir, RESULTS)
        val runs = ArrayList<DeviceRun>()
        for (artifact in arguments.choose(bundle.manifest)) {
            for (accelerator in arguments.accelerators) {
                Thread.sleep(arguments.pauseS * MILLISECONDS)
                tell("${artifact.name} on $accelerator ...")
                runs += run(bundle, artifact, accelerator, arguments, device)
                tell(summary(runs.last()))
                write(DeviceReport(manifestSha256(bundle), utcNow(), device.info(), SdkInfo(), runs), file)
            }
        }
        tell("results: $file")
        return runs
    }

    private fun run(
        bundle: Bundle,
        artifact: Artifact,
        accelerator: String,
        arguments: TestArguments,
        device: AndroidDevice,
    ): DeviceRun =
        measure(
            bundle = bundle,
            artifact = artifact,
            provider = provider(artifact.target, accelerator),
            runtime = runtime(artifact.target),
            options = MeasureOptions(accelerator, arguments.threads, arguments.runs),
            probe = device,
        )

    /** Name and version, which the Gradle build writes into the app's manifest. */
    @Suppress("DEPRECATION")
    private fun runtime(target: String): String =
        targetContext.packageManager
            .getApplicationInfo(targetContext.packageName, PackageManager.GET_META_DATA)
            .metaData
            ?.getString("dvfl.runtime.$target")
            ?: "$target of unknown version"

    private fun tell(line: String) {
        sendStatus(
            Activity.RESULT_OK,
            android.os.Bundle().apply { putString(REPORT_KEY_STREAMRESULT, "$line\n") },
        )
    }

    private companion object {
        const val ASSETS = "bundle"
        const val RESULTS = "device-results.json"
        const val MILLISECONDS = 1000L
    }
}

private fun utcNow(): String = DeviceReport.utc(System.currentTimeMillis())

internal fun summary(run: DeviceRun): String =
    if (run.status == RunStatus.FAILED) {
        "  failed: ${run.reason}"
    } else {
        val worst = run.clips.maxOfOrNull { it.maxAbsError }
        "  ${run.clips.count {
            it.top1Agrees
        }} of ${run.clips.size} agree on the best class, largest error $worst, " +
            "p50 ${run.latencyMs?.p50} ms"
    }

/** Whole or not at all. */
internal fun write(
    report: DeviceReport,
    file: File,
) {
    val partial = File(file.path + ".part")
    partial.writeText(report.toJson())
    if (!partial.renameTo(file)) throw IOException("cannot rename $partial")
}
