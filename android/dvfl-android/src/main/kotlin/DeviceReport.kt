package io.github.dvfl.android

import kotlinx.serialization.ExperimentalSerializationApi
import kotlinx.serialization.SerialName
import kotlinx.serialization.Serializable
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonNamingStrategy
import java.text.SimpleDateFormat
import java.util.Date
import java.util.Locale
import java.util.TimeZone

/**
 * What a device test found, for `dvfl report BUNDLE --device-results FILE`: the file that
 * `spec/device-results.md` defines. Times are in milliseconds, memory in bytes.
 */
@Serializable
public data class DeviceReport(
    /** sha256 of the bytes of the bundle's `manifest.json`. */
    val manifestSha256: String,
    /** When the test ended: see [utc]. */
    val createdAt: String,
    val device: DeviceInfo,
    val sdk: SdkInfo,
    val runs: List<DeviceRun>,
    val schemaVersion: Int = SCHEMA_VERSION,
) {
    init {
        require(runs.isNotEmpty()) { "a device report needs at least one run" }
    }

    /** The file's text. Any thread. */
    public fun toJson(): String = reportJson.encodeToString(serializer(), this)

    public companion object {
        /** The version of the file. */
        public const val SCHEMA_VERSION: Int = 1

        /** A time in milliseconds since 1970 as `2026-11-22T10:00:00Z`. */
        public fun utc(timeMs: Long): String =
            // java.time is there only since API 26.
            SimpleDateFormat("yyyy-MM-dd'T'HH:mm:ss'Z'", Locale.ROOT)
                .apply { timeZone = TimeZone.getTimeZone("UTC") }
                .format(Date(timeMs))
    }
}

/** The device as it names itself. */
@Serializable
public data class DeviceInfo(
    val manufacturer: String,
    val model: String,
    val os: String,
    val osVersion: String,
    /** The chip, or null where the system doesn't tell. */
    val soc: String?,
)

/** Which SDK wrote the report: this one, unless said otherwise. */
@Serializable
public data class SdkInfo(
    val name: String = "dvfl-android",
    val version: String = "0.1.0",
)

/** One artifact on one accelerator. */
@Serializable
public data class DeviceRun(
    val target: String,
    /** `fp32`, `fp16` or `int8`. */
    val precision: String,
    val artifactSha256: String,
    val accelerator: String,
    /** CPU threads, or null where that has no meaning. */
    val threads: Int?,
    /** Name and version of the runtime. */
    val runtime: String,
    val status: RunStatus,
    /** Why it failed, in one line; else null. */
    val reason: String?,
    /** Opening the artifact until the first run can start. */
    val loadMs: Double?,
    /** The first run, which allocates and packs weights. */
    val firstMs: Double?,
    val clips: List<ClipRun>,
    val latencyMs: Latency?,
    /** The largest of the samples taken during the run. */
    val memoryBytes: Long?,
    val thermalBefore: String?,
    val thermalAfter: String?,
)

/** Whether every reference clip went through. */
@Serializable
public enum class RunStatus {
    @SerialName("ran")
    RAN,

    @SerialName("failed")
    FAILED,
}

/** One reference clip: the logits as they came out, and their distance from the manifest's. */
@Serializable
public data class ClipRun(
    /** Name of the reference vector. */
    val clip: String,
    val logits: List<Float>,
    val maxAbsError: Double,
    val top1Agrees: Boolean,
)

/** Milliseconds per clip without preprocessing, of [runs] runs after warm-up; percentiles by nearest rank. */
@Serializable
public data class Latency(
    val runs: Int,
    val min: Double,
    val p50: Double,
    val p90: Double,
)

@OptIn(ExperimentalSerializationApi::class)
private val reportJson =
    Json {
        namingStrategy = JsonNamingStrategy.SnakeCase
        encodeDefaults = true
        prettyPrint = true
    }
