package io.github.dvfl

/** Faulty programs, by their names in `controls`: a comparison that cannot fail proves nothing. */
val frameFaults: Map<String, (VideoFrame, PreprocessingSpec) -> ByteArray> =
    mapOf(
        "antialias" to { frame, spec ->
            val upright = uprightPicture(frame, spec)
            val (width, height) = resizedSize(upright, spec, roundUp = 0.5)
            centreCut(antialiasedResize(upright, width, height), spec.crop.size).bytes()
        },
        "bgr" to { frame, spec ->
            val right = slowReference(frame, spec)
            ByteArray(right.size) { right[it - it % CHANNELS + 2 - it % CHANNELS] }
        },
        "squash" to { frame, spec ->
            slowResize(uprightPicture(frame, spec), spec.crop.size, spec.crop.size, spec.resize).bytes()
        },
        "wrong_range" to { frame, spec ->
            val other =
                if ((frame as Frame).range ==
                    ColorRange.LIMITED
                ) {
                    ColorRange.FULL
                } else {
                    ColorRange.LIMITED
                }
            slowReference(frame.changed(range = other), spec)
        },
        "wrong_matrix" to { frame, spec ->
            val other =
                if ((frame as Frame).matrix ==
                    ColorMatrix.BT601
                ) {
                    ColorMatrix.BT709
                } else {
                    ColorMatrix.BT601
                }
            slowReference(frame.changed(matrix = other), spec)
        },
        "ignored_stride" to { frame, spec ->
            val chromaStride = (frame.width + 1) / 2
            val tight =
                (frame as Frame).changed(
                    y = Plane(frame.y.data, frame.width),
                    u = Plane(frame.u.data, chromaStride),
                    v = Plane(frame.v.data, chromaStride),
                )
            slowReference(tight, spec)
        },
        "truncated_short_side" to { frame, spec ->
            // 1e-9 forgives 255.99999 for the short side itself: the fault is in the long side.
            val upright = uprightPicture(frame, spec)
            val (width, height) = resizedSize(upright, spec, roundUp = 1e-9)
            centreCut(slowResize(upright, width, height, spec.resize), spec.crop.size).bytes()
        },
    )

/** The same for whole clips `[T, H, W, 3]`. */
val clipFaults: Map<String, (ByteArray, shape: List<Int>) -> ByteArray> =
    mapOf(
        "reversed_frames" to { clip, shape ->
            val frameBytes = clip.size / shape[0]
            ByteArray(clip.size) { clip[(shape[0] - 1 - it / frameBytes) * frameBytes + it % frameBytes] }
        },
        "time_channel_scramble" to { clip, _ ->
            // Byte (c, t, h, w) of C,T,H,W in order; t, h and w together are one position.
            val positions = clip.size / CHANNELS
            ByteArray(clip.size) { clip[it % positions * CHANNELS + it / positions] }
        },
    )

/** The fault `key_frames`: what a seek to each index gives. */
fun nearestKeyFrames(
    indices: List<Int>,
    keyFrames: List<Int>,
): List<Int> = indices.map { index -> keyFrames.last { it <= index } }

private fun resizedSize(
    upright: Picture,
    spec: PreprocessingSpec,
    roundUp: Double,
): Pair<Int, Int> {
    val scale = spec.resize.shortSide.toDouble() / minOf(upright.width, upright.height)
    return (upright.width * scale + roundUp).toInt() to (upright.height * scale + roundUp).toInt()
}

private fun Frame.changed(
    y: Plane = this.y,
    u: Plane = this.u,
    v: Plane = this.v,
    matrix: ColorMatrix? = this.matrix,
    range: ColorRange? = this.range,
) = Frame(timeS, y, u, v, width, height, crop, rotation, mirrored, matrix, range)
