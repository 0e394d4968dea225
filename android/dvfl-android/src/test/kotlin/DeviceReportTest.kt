package io.github.dvfl.android

import io.github.dvfl.Artifact
import io.github.dvfl.Bundle
import io.github.dvfl.Clip
import io.github.dvfl.EngineException
import io.github.dvfl.engine.Engine
import io.github.dvfl.engine.EngineProvider
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonNull
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.float
import kotlinx.serialization.json.int
import kotlinx.serialization.json.jsonArray
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import java.io.File
import kotlin.math.abs

class DeviceReportTest {
    private val bundle = Bundle.open(File(System.getProperty("dvfl.root"), "spec/golden/bundle"))
    private val artifact = bundle.manifest.artifacts.first()
    private val vectors = bundle.manifest.referenceVectors

    @Test
    fun `the file has the keys of the format, all of them and no other`() {
        val json = parsed(measured(ReferenceEngine(bundle)))
        assertEquals(
            setOf("schema_version", "manifest_sha256", "created_at", "device", "sdk", "runs"),
            json.keys,
        )
        assertEquals(setOf("manufacturer", "model", "os", "os_version", "soc"), json.child("device").keys)
        assertEquals(setOf("name", "version"), json.child("sdk").keys)
        val run = json["runs"]!!.jsonArray.single().jsonObject
        val runKeys =
            "target precision artifact_sha256 accelerator threads runtime status reason load_ms first_ms " +
                "clips latency_ms memory_bytes thermal_before thermal_after"
        assertEquals(runKeys.split(' ').toSet(), run.keys)
        val clip = run["clips"]!!.jsonArray.first().jsonObject
        assertEquals(setOf("clip", "logits", "max_abs_error", "top1_agrees"), clip.keys)
        assertEquals(setOf("runs", "min", "p50", "p90"), run.child("latency_ms").keys)
    }

    @Test
    fun `what was measured is what the file says`() {
        val json = parsed(measured(ReferenceEngine(bundle)))
        assertEquals(1, json["schema_version"]!!.jsonPrimitive.int)
        assertEquals(sha256(File(bundle.root, "manifest.json").readBytes()), json.text("manifest_sha256"))
        assertEquals("2026-11-22T10:00:00Z", json.text("created_at"))
        assertEquals(JsonNull, json.child("device")["soc"])
        val run = json["runs"]!!.jsonArray.single().jsonObject
        assertEquals(artifact.sha256, run.text("artifact_sha256"))
        assertEquals("ran", run.text("status"))
        assertEquals(JsonNull, run["reason"])
        assertEquals(JsonNull, run["threads"])
        assertEquals("none" to "light", run.text("thermal_before") to run.text("thermal_after"))
        assertEquals(300, run["memory_bytes"]!!.jsonPrimitive.int)
        assertEquals(vectors.map { it.name }, run["clips"]!!.jsonArray.map { it.jsonObject.text("clip") })
        for ((clip, vector) in run["clips"]!!.jsonArray.zip(vectors)) {
            val logits = clip.jsonObject["logits"]!!.jsonArray.map { it.jsonPrimitive.float }
            assertEquals(vector.logits.map { it.toFloat() }, logits)
        }
    }

    @Test
    fun `the error is the largest distance from the reference, worked out in double`() {
        val run = measured(ReferenceEngine(bundle) { it.apply { this[1] += 0.25f } })
        assertEquals(RunStatus.RAN, run.status)
        for ((clip, vector) in run.clips.zip(vectors)) {
            val moved = (vector.logits[1].toFloat() + 0.25f).toDouble()
            val others = vector.logits.maxOf { abs(it.toFloat().toDouble() - it) }
            assertEquals(maxOf(abs(moved - vector.logits[1]), others), clip.maxAbsError)
        }
    }

    @Test
    fun `another best class is seen`() {
        assertTrue(measured(ReferenceEngine(bundle)).clips.all { it.top1Agrees })
        val wrong = ReferenceEngine(bundle) { logits -> FloatArray(logits.size) { -logits[it] } }
        assertTrue(measured(wrong).clips.none { it.top1Agrees })
    }

    @Test
    fun `a runtime that fails is a result with a reason in one line`() {
        val failures =
            mapOf(
                EngineException(
                    "cannot allocate tensors;\n  use fp32",
                ) to "cannot allocate tensors; use fp32",
                IllegalStateException("delegate") to
                    "the runtime throws java.lang.IllegalStateException: delegate",
                UnsatisfiedLinkError("no x.so") to
                    "the runtime's library cannot be loaded: java.lang.UnsatisfiedLinkError: no x.so",
            )
        for ((error, reason) in failures) {
            val run = measured(ReferenceEngine(bundle) { throw error })
            assertEquals(RunStatus.FAILED, run.status)
            assertEquals(reason, run.reason)
            assertEquals(emptyList<ClipRun>(), run.clips)
            assertNull(run.latencyMs)
            assertEquals("failed", parsed(run)["runs"]!!.jsonArray[0].jsonObject.text("status"))
        }
    }

    @Test
    fun `logits that are no numbers fail the run, so that the file stays JSON`() {
        val run = measured(ReferenceEngine(bundle) { it.apply { this[0] = Float.NaN } })
        assertEquals(RunStatus.FAILED, run.status)
        assertTrue("NaN" in run.reason!!)
        assertFalse("NaN" in parsed(run)["runs"]!!.jsonArray[0].jsonObject["clips"].toString())
    }

    @Test
    fun `an engine that cannot run here fails with its obstacle`() {
        val engine = ReferenceEngine(bundle, obstacle = "add the dependency")
        assertEquals("fake cannot run here: add the dependency", measured(engine).reason)
    }

    @Test
    fun `every run is counted and the engine is closed`() {
        val engine = ReferenceEngine(bundle)
        val run = measured(engine, MeasureOptions(runs = 7, warmUps = 2))
        assertEquals(7, run.latencyMs!!.runs)
        assertEquals(vectors.size + 2 + 7, engine.runs)
        assertTrue(engine.closed)
        assertNull(measured(ReferenceEngine(bundle), MeasureOptions(runs = 0)).latencyMs)
    }

    @Test
    fun `percentiles are nearest ranks`() {
        assertEquals(Latency(1, 3.0, 3.0, 3.0), latencyOf(doubleArrayOf(3.0)))
        assertEquals(Latency(10, 1.0, 5.0, 9.0), latencyOf(DoubleArray(10) { 10.0 - it }))
        assertEquals(Latency(11, 1.0, 6.0, 10.0), latencyOf(DoubleArray(11) { it + 1.0 }))
    }

    @Test
    fun `the SDK's version is the build's`() {
        val build = File(System.getProperty("dvfl.module"), "pom.xml").readText()
        assertEquals(
            SdkInfo("dvfl-android", Regex("<version>(.*?)</version>").find(build)!!.groupValues[1]),
            SdkInfo(),
        )
    }

    @Test
    fun `options that mean nothing are refused`() {
        assertThrows(IllegalArgumentException::class.java) { MeasureOptions(accelerator = "GPU 1") }
        assertThrows(IllegalArgumentException::class.java) { MeasureOptions(threads = 0) }
        assertThrows(IllegalArgumentException::class.java) { MeasureOptions(runs = -1) }
        assertThrows(IllegalArgumentException::class.java) { MeasureOptions(warmUps = -1) }
    }

    private fun measured(
        engine: ReferenceEngine,
        options: MeasureOptions = MeasureOptions(runs = 3, warmUps = 1),
    ) = measure(bundle, artifact, engine, "Fake 1.0", options, FakeProbe())

    private fun parsed(run: DeviceRun): JsonObject {
        val report =
            DeviceReport(
                manifestSha256 = manifestSha256(bundle),
                createdAt = DeviceReport.utc(1_795_341_600_000),
                device = DeviceInfo("Maker", "Phone", "Android", "15 (API 35)", null),
                sdk = SdkInfo(),
                runs = listOf(run),
            )
        val text = report.toJson()
        System.getProperty("dvfl.module")?.let { File(it, "target/device-report.json").writeText(text) }
        return Json.parseToJsonElement(text).jsonObject
    }

    private fun JsonObject.child(key: String): JsonObject = getValue(key).jsonObject

    private fun JsonObject.text(key: String): String = getValue(key).jsonPrimitive.content
}

/** Answers with the manifest's logits of the clip it is given, told by its bytes. */
private class ReferenceEngine(
    private val bundle: Bundle,
    private val obstacle: String? = null,
    private val change: (FloatArray) -> FloatArray = { it },
) : EngineProvider,
    Engine {
    override val target = "fake"
    var runs = 0
    var closed = false
    private val known = bundle.manifest.referenceVectors.map { bundle.referenceClip(it).pixels to it }

    override fun obstacle() = obstacle

    override fun load(
        bundle: Bundle,
        artifact: Artifact,
        threads: Int?,
    ): Engine = this

    override fun run(clip: Clip): FloatArray {
        runs++
        val (_, vector) = known.first { it.first == clip.pixels }
        return change(FloatArray(vector.logits.size) { vector.logits[it].toFloat() })
    }

    override fun close() {
        closed = true
    }
}

private class FakeProbe : DeviceProbe {
    private var asked = 0
    private var memory = 100L

    override fun thermal() = if (asked++ == 0) "none" else "light"

    override fun memoryBytes(): Long {
        memory = if (memory == 300L) 200 else 300
        return memory
    }
}
