package io.github.dvfl.android

import android.content.Context
import android.content.res.AssetManager
import io.github.dvfl.Bundle
import io.github.dvfl.BundleException
import java.io.File
import java.io.FileNotFoundException
import java.io.IOException
import java.io.InputStream
import java.io.RandomAccessFile

/** Bundles that an app ships in its assets. */
public object AssetBundles {
    /**
     * Copies a bundle from the assets to a folder of the app, once, and returns that folder, for
     * `ActionRecognizer.open(File)`. Engines read models from files, which assets are not.
     *
     * The copy lies under `Context.getNoBackupFilesDir()`, named by the sha256 of its manifest: a new version of
     * the app's bundle is copied anew and the old one is removed. Threads and processes may call it at the same
     * time; one copies, the others wait. An interrupted copy is never taken for a whole one.
     *
     * Reads and writes the whole bundle the first time, later only the manifest: call it on a worker thread.
     *
     * @param assetFolder path inside `assets/`, such as `bundle`.
     * @throws BundleException if the assets hold no bundle there, or it cannot be copied, such as for lack of space.
     */
    public fun extract(
        context: Context,
        assetFolder: String,
    ): File {
        val application = context.applicationContext ?: context
        val store = File(application.noBackupFilesDir, STORE)
        return extract(AndroidAssets(application.assets), assetFolder.trim('/'), store)
    }

    private const val STORE = "dvfl"
}

/** A read-only tree of files, as Android's assets are. */
internal interface Assets {
    /** Names in a folder; none for a file or a path that isn't there. */
    @Throws(IOException::class)
    fun list(path: String): List<String>

    /** @throws FileNotFoundException for a folder or a path that isn't there. */
    @Throws(IOException::class)
    fun open(path: String): InputStream
}

private class AndroidAssets(
    private val manager: AssetManager,
) : Assets {
    override fun list(path: String): List<String> = manager.list(path).orEmpty().toList()

    override fun open(path: String): InputStream = manager.open(path, AssetManager.ACCESS_STREAMING)
}

/** The bundle in [folder] of [assets], whole, under [store]. */
internal fun extract(
    assets: Assets,
    folder: String,
    store: File,
): File {
    val manifest =
        try {
            assets.open("$folder/${Bundle.MANIFEST_FILE}").use(InputStream::readBytes)
        } catch (error: IOException) {
            throw BundleException(
                "assets/$folder: no ${Bundle.MANIFEST_FILE}, so this is no bundle; copy the folder that " +
                    "'dvfl convert' made to src/main/assets/$folder",
                error,
            )
        }
    val versions = File(store, folder.replace('/', '_').ifEmpty { "assets" })
    val whole = File(versions, sha256(manifest))
    if (whole.isDirectory) return whole
    try {
        copyOnce(assets, folder, versions, whole)
    } catch (error: IOException) {
        throw BundleException(
            "assets/$folder: cannot be copied to $whole: ${error.message}; free some space",
            error,
        )
    }
    return whole
}

private fun copyOnce(
    assets: Assets,
    folder: String,
    versions: File,
    whole: File,
) {
    if (!versions.isDirectory && !versions.mkdirs() && !versions.isDirectory) {
        throw IOException("cannot make the folder $versions")
    }
    // The lock on the file keeps other processes out, the monitor this process's threads: a file lock can't.
    synchronized(AssetBundles) {
        RandomAccessFile(File(versions.parentFile, "${versions.name}.lock"), "rw").use { file ->
            file.channel.lock().use {
                if (whole.isDirectory) return
                val partial = File(versions, "${whole.name}.part")
                partial.deleteRecursively()
                copy(assets, folder, partial)
                if (!partial.renameTo(whole)) throw IOException("cannot rename $partial")
                versions
                    .listFiles()
                    .orEmpty()
                    .filter { it != whole }
                    .forEach(File::deleteRecursively)
            }
        }
    }
}

private fun copy(
    assets: Assets,
    from: String,
    to: File,
) {
    val names = assets.list(from)
    if (names.isEmpty()) {
        assets.open(from).use { source ->
            to.outputStream().use { target ->
                source.copyTo(target)
                target.fd.sync()
            }
        }
        return
    }
    if (!to.mkdirs()) throw IOException("cannot make the folder $to")
    for (name in names) copy(assets, "$from/$name", File(to, name))
}
