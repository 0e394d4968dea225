package io.github.dvfl

import kotlinx.serialization.SerialName
import kotlinx.serialization.Serializable

/**
 * The whole of a bundle's `manifest.json`: what the converter proved, and all that an SDK needs.
 *
 * Strict on purpose: an unknown field or another schema version is refused, because an SDK that skips what it
 * doesn't know may feed a model the wrong tensor. `spec/manifest.md` explains every field.
 *
 * @throws BundleException from the constructor, if the fields contradict each other.
 */
@Serializable
public data class Manifest(
    val schemaVersion: Int,
    val model: ModelCard,
    /** Class names; the index is the logit's. */
    val labels: List<String>,
    val preprocessing: PreprocessingSpec,
    val reference: ReferenceFile?,
    val artifacts: List<Artifact>,
    val referenceVectors: List<ReferenceVector>,
) {
    init {
        check(schemaVersion == SCHEMA_VERSION) {
            "schema version $schemaVersion, this SDK reads $SCHEMA_VERSION"
        }
        check(labels.isNotEmpty()) { "labels: there are none" }
        val names = artifacts.map { it.name }
        check(names.distinct() == names) { "artifacts: two have the same target and precision" }
        val heads = artifacts.map { it.output.classes } + referenceVectors.map { it.logits.size }
        check(heads.all { it == labels.size }) {
            "${labels.size} labels, but outputs of ${heads.distinct()} logits"
        }
    }

    public companion object {
        /** The version of the manifest that this SDK reads. */
        public const val SCHEMA_VERSION: Int = 1
    }
}

/** A file of the bundle. */
public interface StoredFile {
    /** Path relative to the bundle, with `/`. */
    public val file: String

    /** Lower-case hexadecimal; for a folder that of its listing, see `spec/manifest.md`. */
    public val sha256: String

    /** Size in bytes. */
    public val bytes: Long
}

/** The PyTorch reference's weights, for `dvfl verify`; an app leaves them out. */
@Serializable
public data class ReferenceFile(
    override val file: String,
    override val sha256: String,
    override val bytes: Long,
) : StoredFile {
    init {
        checkStored()
    }
}

/** The model behind every artifact of the bundle. */
@Serializable
public data class ModelCard(
    val name: String,
    val depths: List<Int>,
    val width: Int,
    val parameters: Long,
    /** Multiply-accumulates of one clip. */
    val macs: Long,
    /** T. */
    val frames: Int,
    /** Height and width of the input, in pixels. */
    val size: Int,
    val checkpoint: String,
    val checkpointSha256: String,
)

/** One converted model: a target at a precision. */
@Serializable
public data class Artifact(
    override val file: String,
    override val sha256: String,
    override val bytes: Long,
    /** `litert`, `executorch` or `coreml`. */
    val target: String,
    val precision: Precision,
    val input: InputContract,
    val output: OutputContract,
    /** The conversion options of the target. */
    val options: Map<String, String>,
    val operators: OperatorReport?,
    val parity: ParityReport,
    /** Versions that made it. */
    val tools: Map<String, String>,
) : StoredFile {
    init {
        checkStored()
    }

    /** `target-precision`, unique in a bundle. */
    val name: String get() = "$target-${precision.id}"

    /** The oldest runtimes on which it was found right, `ai-edge-litert 1.0.1, ...`; `null` if unknown. */
    val minRuntime: String? get() = options["min_runtime"]
}

/** Number format of an artifact's weights and, where the runtime computes in it, activations. */
@Serializable
public enum class Precision(
    /** As in the manifest. */
    public val id: String,
) {
    @SerialName("fp32")
    FP32("fp32"),

    @SerialName("fp16")
    FP16("fp16"),

    @SerialName("int8")
    INT8("int8"),
}

/**
 * The tensor an artifact takes: the uint8 clip's values, 0..255, cast to [dtype] and laid out as [layout].
 * Mean and standard deviation are inside the artifact.
 */
@Serializable
public data class InputContract(
    val name: String,
    val dtype: InputType,
    val layout: TensorLayout,
    val shape: List<Int>,
    val valueRange: List<Int>,
) {
    init {
        check(shape.size == TensorLayout.RANK && shape.all { it >= 1 }) {
            "input.shape: must have 4 positive sizes, not $shape"
        }
        check(valueRange == listOf(0, 255)) { "input.value_range: must be [0, 255], not $valueRange" }
    }
}

/** Number type of an input tensor. */
@Serializable
public enum class InputType(
    /** Bytes of one value. */
    public val bytes: Int,
) {
    @SerialName("float32")
    FLOAT32(4),

    @SerialName("uint8")
    UINT8(1),
}

/** Axes in memory order: T frames, H rows, W columns, C = R, G, B. */
@Serializable
public enum class TensorLayout {
    THWC,
    TCHW,
    ;

    internal companion object {
        const val RANK = 4
    }
}

/** The tensor an artifact returns: logits, one per label, `[1, K]`. */
@Serializable
public data class OutputContract(
    val name: String,
    val dtype: OutputType,
    val shape: List<Int>,
    val meaning: OutputMeaning,
) {
    init {
        check(
            shape.size == 2 && shape[0] == 1 && shape[1] >= 1,
        ) { "output.shape: must be [1, K], not $shape" }
    }

    /** K, the number of labels. */
    val classes: Int get() = shape[1]
}

/** Number type of an output tensor. */
@Serializable
public enum class OutputType {
    @SerialName("float32")
    FLOAT32,
}

/** What an output tensor holds. */
@Serializable
public enum class OutputMeaning {
    @SerialName("logits")
    LOGITS,
}

/** Operator compatibility of one program on one target. */
@Serializable
public data class OperatorReport(
    val delegate: String?,
    /** Partitions handed to the accelerator library: 1 is best. */
    val delegateCalls: Int,
    val operators: List<OperatorUse>,
)

/** One operator of an exported program and where the phone runtime runs it. */
@Serializable
public data class OperatorUse(
    val operator: String,
    val placement: Placement,
    val where: String,
    val count: Int,
    val macs: Long,
    /** 0..1. */
    val macsShare: Double,
    val reason: String,
    val source: String?,
)

/** Where an operator runs. */
@Serializable
public enum class Placement {
    @SerialName("delegate")
    DELEGATE,

    @SerialName("native")
    NATIVE,

    @SerialName("portable")
    PORTABLE,

    @SerialName("unsupported")
    UNSUPPORTED,
}

/** Agreement of an artifact with the PyTorch reference over all clips, measured at conversion. */
@Serializable
public data class ParityReport(
    val status: ParityStatus,
    val reason: String?,
    val gate: Gate,
    val clips: List<ClipParity>,
)

/** Outcome of a parity check. */
@Serializable
public enum class ParityStatus {
    @SerialName("passed")
    PASSED,

    @SerialName("failed")
    FAILED,

    @SerialName("not_run")
    NOT_RUN,
}

/** The tolerances an artifact must meet; null means that the figure is reported, not gated. */
@Serializable
public data class Gate(
    val maxErrorOfRange: Double?,
    val minMeanCosine: Double?,
    val minWorstCosine: Double?,
    val minTop1Agreement: Double?,
)

/** One clip's agreement between an artifact and the PyTorch reference. */
@Serializable
public data class ClipParity(
    val clip: String,
    val maxAbsError: Double,
    /** Maximum error as a share of the reference logits' range. */
    val errorOfRange: Double,
    val cosine: Double,
    val snrDb: Double,
    val top1Agrees: Boolean,
    val top5Agrees: Boolean,
)

/** A real clip's uint8 tensor (gzip of the raw bytes, THWC) and the PyTorch reference's logits. */
@Serializable
public data class ReferenceVector(
    override val file: String,
    override val sha256: String,
    override val bytes: Long,
    val name: String,
    /** `[T, H, W, 3]`. */
    val shape: List<Int>,
    val logits: List<Double>,
) : StoredFile {
    init {
        checkStored()
        check(shape.size == TensorLayout.RANK && shape.all { it >= 1 } && shape.last() == CHANNELS) {
            "reference vector '$name': shape must be [T, H, W, 3], not $shape"
        }
    }
}

private val SHA256 = Regex("[0-9a-f]{64}")

private fun StoredFile.checkStored() {
    val parts = file.split('/').filter { it.isNotEmpty() && it != "." }
    check(parts.isNotEmpty() && !file.startsWith('/') && '\\' !in file && ':' !in file && ".." !in parts) {
        "path '$file' must be relative and stay inside the bundle"
    }
    check(SHA256.matches(sha256)) { "sha256 of '$file' must be 64 lower-case hexadecimal digits" }
    check(bytes >= 0) { "bytes of '$file' must be 0 or more, not $bytes" }
}

private inline fun check(
    holds: Boolean,
    problem: () -> String,
) {
    if (!holds) throw BundleException(problem())
}
