package io.github.dvfl

import kotlinx.serialization.ExperimentalSerializationApi
import kotlinx.serialization.SerialName
import kotlinx.serialization.Serializable
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonNamingStrategy
import java.io.File
import java.nio.ByteBuffer

/** The repository's root. */
val root: File = File(System.getProperty("dvfl.root"))

/** `spec/golden`, read as `spec/README.md` describes it; a field or list it doesn't know is an error. */
@OptIn(ExperimentalSerializationApi::class)
object Golden {
    val folder: File = root.resolve("spec/golden")
    private val json = Json { namingStrategy = JsonNamingStrategy.SnakeCase }
    val index: GoldenIndex = json.decodeFromString(folder.resolve("index.json").readText())
    val inputs: ByteArray = folder.resolve(index.inputs).readBytes()
    val expected: ByteArray = folder.resolve(index.expected).readBytes()

    fun frameCase(name: String): FrameCase = index.frameCases.first { it.name == name }

    fun control(name: String): Control = index.controls.first { it.name == name }
}

@Serializable
data class GoldenIndex(
    val format: Int,
    val specSha256: String,
    val inputs: String,
    val expected: String,
    val frameCases: List<FrameCase>,
    val clipCases: List<ClipCase>,
    val clipIndexCases: List<ClipIndexCase>,
    val windowIndexCases: List<WindowIndexCase>,
    val colorCases: List<ColorCase>,
    val tenBitCase: TenBitCase,
    val realClip: RealClip,
    val controls: List<Control>,
    val inputsSha256: String,
    val expectedSha256: String,
)

/** Bytes of one of the binary files, and for a plane how they are laid out. */
@Serializable
data class Place(
    val offset: Int,
    val length: Int,
    val rowStride: Int = 0,
    val pixelStride: Int = 0,
) {
    fun of(file: ByteArray): ByteArray = file.copyOfRange(offset, offset + length)
}

@Serializable
data class FrameCase(
    val name: String,
    val size: Int,
    val shortSide: Int,
    val kind: Kind,
    val width: Int,
    val height: Int,
    val crop: List<Int> = listOf(0, 0, width, height),
    val rotation: Int = 0,
    val mirrored: Boolean = false,
    val matrix: ColorMatrix? = null,
    val range: ColorRange? = null,
    val y: Place? = null,
    val u: Place? = null,
    val v: Place? = null,
    val pixels: Place? = null,
    val expected: Place,
) {
    @Serializable
    enum class Kind {
        @SerialName("yuv420")
        YUV420,

        @SerialName("rgb")
        RGB,
    }

    val spec: PreprocessingSpec get() = PreprocessingSpec.default().withClip(size = size)

    fun frame(storage: Storage = Storage.HEAP): VideoFrame {
        val rect = Rect(crop[0], crop[1], crop[2], crop[3])
        return when (kind) {
            Kind.YUV420 -> {
                Frame(
                    0.0,
                    storage.plane(y!!),
                    storage.plane(u!!),
                    storage.plane(v!!),
                    width,
                    height,
                    rect,
                    rotation,
                    mirrored,
                    matrix,
                    range,
                )
            }

            Kind.RGB -> {
                val bytes = buffer(pixels!!.of(Golden.inputs), direct = storage != Storage.HEAP)
                RgbFrame(
                    0.0,
                    bytes,
                    width,
                    height,
                    RgbFormat.RGB,
                    crop = rect,
                    rotation = rotation,
                    mirrored = mirrored,
                )
            }
        }
    }

    fun expectedBytes(): ByteArray = expected.of(Golden.expected)
}

/** Where a test puts the bytes of a plane. */
enum class Storage {
    HEAP,
    DIRECT,

    /** A direct buffer of the whole input file; the plane begins at an offset. */
    AT_OFFSET,
    ;

    fun plane(place: Place): Plane =
        if (this == AT_OFFSET) {
            Plane(wholeFile, place.rowStride, place.pixelStride, place.offset)
        } else {
            val bytes = place.of(Golden.inputs)
            Plane(buffer(bytes, direct = this == DIRECT), place.rowStride, place.pixelStride)
        }

    private companion object {
        val wholeFile: ByteBuffer by lazy { buffer(Golden.inputs, direct = true) }
    }
}

@Serializable
data class ClipCase(
    val name: String,
    val frames: List<String>,
    val size: Int,
    val shape: List<Int>,
    val expected: Place,
)

@Serializable
data class ClipIndexCase(
    val frames: Int,
    val frameCount: Int,
    val indices: List<Int>,
)

@Serializable
data class WindowIndexCase(
    val name: String,
    val frames: Int,
    val timestamps: List<Double>,
    val windowEndS: Double,
    val windowS: Double,
    val indices: List<Int>,
)

@Serializable
data class ColorCase(
    val matrix: ColorMatrix,
    val range: ColorRange,
    val count: Int,
    val yuv: Place,
    val expected: Place,
)

@Serializable
data class TenBitCase(
    val count: Int,
    val samples: Place,
    val expected: Place,
)

@Serializable
data class RealClip(
    val file: String,
    val sha256: String,
    val frameCount: Int,
    val indices: List<Int>,
    val keyFrames: List<Int>,
    val decodedFrames: List<DecodedFrame>,
    val tensor: Tensor,
    val smallTensor: SmallTensor,
    val planes: Planes,
) {
    @Serializable
    data class Planes(
        val file: String,
        val length: Int,
        val sha256: String,
    )

    @Serializable
    data class DecodedFrame(
        val index: Int,
        val width: Int,
        val height: Int,
        val timeS: Double,
        val matrix: ColorMatrix,
        val range: ColorRange,
        val ySha256: String,
        val uSha256: String,
        val vSha256: String,
    )

    @Serializable
    data class Tensor(
        val size: Int,
        val shape: List<Int>,
        val sha256: String,
    )

    @Serializable
    data class SmallTensor(
        val size: Int,
        val shortSide: Int,
        val shape: List<Int>,
        val sha256: String,
        val expected: Place,
    )
}

@Serializable
data class Control(
    val name: String,
    val fault: String,
    val compare: String,
    val cases: List<String>,
)

fun buffer(
    bytes: ByteArray,
    direct: Boolean,
): ByteBuffer =
    if (direct) {
        ByteBuffer.allocateDirect(bytes.size).put(bytes).apply {
            clear()
        }
    } else {
        ByteBuffer.wrap(bytes)
    }

/** All bytes up to the limit, whatever the position. */
fun ByteBuffer.bytes(): ByteArray =
    ByteArray(limit()).also {
        for (index in it.indices) it[index] = get(index)
    }

/** One frame through the code under test, into a direct or heap buffer. */
fun preprocessed(
    frame: VideoFrame,
    spec: PreprocessingSpec,
    direct: Boolean = true,
): ByteArray {
    val preprocessor = Preprocessor(spec)
    val out = buffer(ByteArray(preprocessor.frameBytes), direct)
    preprocessor.preprocess(frame, out)
    return out.bytes()
}
