package io.github.dvfl.devicetest

import io.github.dvfl.Artifact
import io.github.dvfl.Manifest
import java.io.File

/** What `adb shell am instrument -e NAME VALUE` asked for. */
internal data class TestArguments(
    /** A bundle's folder on the phone, or null for the app's own. */
    val bundle: File? = null,
    /** `target-precision` names; null means all that this phone's system can run. */
    val artifacts: List<String>? = null,
    val accelerators: List<String> = listOf("cpu"),
    val threads: Int = 4,
    val runs: Int = 50,
    /** Wait before each artifact, in seconds, so that the last one's heat is gone. */
    val pauseS: Int = 5,
) {
    /**
     * The artifacts to run, in the manifest's order.
     *
     * @throws IllegalArgumentException naming those that the manifest does not hold.
     */
    fun choose(manifest: Manifest): List<Artifact> {
        val runnable = manifest.artifacts.filter { it.target in ANDROID_TARGETS }
        val wanted = artifacts ?: return runnable
        val unknown = wanted - runnable.map { it.name }.toSet()
        require(unknown.isEmpty()) {
            "artifacts: no $unknown for Android in this bundle; it holds ${runnable.map { it.name }}"
        }
        return runnable.filter { it.name in wanted }
    }

    companion object {
        private val ANDROID_TARGETS = setOf("litert", "executorch")
        private val NAMES = setOf("bundle", "artifacts", "accelerators", "threads", "runs", "pause_s")

        /**
         * @throws IllegalArgumentException for an unknown name or a value that is not valid: a misspelt argument
         *   would measure something else than was asked.
         */
        fun parse(values: Map<String, String>): TestArguments {
            val unknown = values.keys - NAMES
            require(unknown.isEmpty()) { "unknown arguments $unknown; there are $NAMES" }
            val defaults = TestArguments()
            return TestArguments(
                bundle = values["bundle"]?.let(::File),
                artifacts = values["artifacts"]?.takeIf { it != "all" }?.let { list("artifacts", it) },
                accelerators =
                    values["accelerators"]?.let { list("accelerators", it) } ?: defaults.accelerators,
                threads = number(values, "threads", defaults.threads, least = 1),
                runs = number(values, "runs", defaults.runs, least = 1),
                pauseS = number(values, "pause_s", defaults.pauseS, least = 0),
            )
        }

        private fun list(
            name: String,
            value: String,
        ): List<String> {
            val parts = value.split(',').map { it.trim() }
            require(parts.none { it.isEmpty() } && parts.distinct() == parts) {
                "$name: must be names with commas between, none twice, not '$value'"
            }
            return parts
        }

        private fun number(
            values: Map<String, String>,
            name: String,
            default: Int,
            least: Int,
        ): Int {
            val text = values[name] ?: return default
            val number = text.toIntOrNull()
            require(
                number != null && number >= least,
            ) { "$name: must be a number of at least $least, not '$text'" }
            return number
        }
    }
}
