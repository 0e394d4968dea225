package io.github.dvfl.android

import android.content.Context
import android.content.res.AssetFileDescriptor
import android.net.Uri
import android.os.ParcelFileDescriptor
import io.github.dvfl.Clip
import io.github.dvfl.PreprocessingSpec
import io.github.dvfl.VideoException
import java.io.File
import java.io.FileDescriptor
import java.io.FileInputStream
import java.io.IOException
import java.nio.ByteBuffer

/**
 * A video file as a model's input: exactly the frames that the spec asks for, by count among those that decode,
 * in presentation order; orientation and colour tags of the file are obeyed.
 *
 * Decodes the whole video, so call it on a worker thread, never on the main one; interrupting the thread stops
 * it (`runInterruptible` in a coroutine). Holds one decoder and one clip, T x size x size x 3 bytes, whatever the
 * video's length. Needs no permission beyond reading the file.
 *
 * @throws VideoException the file is missing, empty, no video, damaged, cut off, of one frame only, of 10 bits,
 *   HDR, or in a codec or colour standard that isn't supported; one line that names the file.
 * @throws InterruptedException if the thread is interrupted.
 */
@Throws(InterruptedException::class)
public fun loadClip(
    file: File,
    spec: PreprocessingSpec,
): Clip {
    if (file.isDirectory) throw VideoException("$file: is a folder, give a video file")
    if (!file.exists()) throw VideoException("$file: no such file")
    return opened(file.path) {
        val descriptor = ParcelFileDescriptor.open(file, ParcelFileDescriptor.MODE_READ_ONLY)
        AssetFileDescriptor(descriptor, 0, AssetFileDescriptor.UNKNOWN_LENGTH)
    }.use { loadClip(it, spec, file.path) }
}

/**
 * The same for a `content:`, `file:` or `android.resource:` address, such as `ACTION_OPEN_DOCUMENT` returns. The
 * provider must give a real file: a pipe, as some cloud providers give, is refused.
 */
@Throws(InterruptedException::class)
public fun loadClip(
    context: Context,
    uri: Uri,
    spec: PreprocessingSpec,
): Clip =
    opened(uri.toString()) { context.contentResolver.openAssetFileDescriptor(uri, "r") }
        .use { loadClip(it, spec, uri.toString()) }

/**
 * The same for a part of an open file, such as `AssetManager.openFd` gives. The descriptor stays open and its
 * position where it is.
 *
 * @param name what errors call it.
 */
@Throws(InterruptedException::class)
public fun loadClip(
    descriptor: AssetFileDescriptor,
    spec: PreprocessingSpec,
    name: String = "video",
): Clip {
    try {
        val length = checkedLength(descriptor)
        val source =
            MediaCodecSource { it.setDataSource(descriptor.fileDescriptor, descriptor.startOffset, length) }
        return VideoReader(spec).read(source)
    } catch (error: VideoException) {
        throw VideoException("$name: ${error.message}", error)
    }
}

private fun opened(
    name: String,
    open: () -> AssetFileDescriptor?,
): AssetFileDescriptor =
    try {
        open()
    } catch (error: IOException) {
        throw VideoException("$name: cannot be read (${error.message})", error)
    } catch (error: SecurityException) {
        throw VideoException(
            "$name: no permission to read it (${error.message}); ask the user for the file",
            error,
        )
    } ?: throw VideoException("$name: cannot be read; its provider gives no file")

/** Length in bytes, of a file that is neither empty nor shorter than it says. */
private fun checkedLength(descriptor: AssetFileDescriptor): Long {
    try {
        val file =
            DescriptorAccess(descriptor.fileDescriptor, descriptor.startOffset, descriptor.declaredLength)
        if (file.size <= 0) throw VideoException("is empty (0 bytes); copy or record it again")
        val declared = declaredSize(file)
        if (declared != null && declared > file.size) {
            throw damaged("it is cut off at ${file.size} of $declared bytes")
        }
        return file.size
    } catch (error: IOException) {
        throw VideoException("cannot be read (${error.message}); copy it to a file first", error)
    }
}

/** A part of an open file, read without moving the file's position. */
private class DescriptorAccess(
    descriptor: FileDescriptor,
    private val start: Long,
    declared: Long,
) : RandomAccess {
    // Not closed: that would close the caller's descriptor.
    private val channel = FileInputStream(descriptor).channel

    override val size: Long =
        if (declared == AssetFileDescriptor.UNKNOWN_LENGTH) channel.size() - start else declared

    override fun read(
        position: Long,
        count: Int,
    ): ByteArray {
        val left = (size - position).coerceIn(0, count.toLong()).toInt()
        val bytes = ByteBuffer.allocate(left)
        while (bytes.hasRemaining() && channel.read(bytes, start + position + bytes.position()) > 0) {
            // Reading advances the buffer.
        }
        return bytes.array().copyOf(bytes.position())
    }
}
