package io.github.dvfl.android

import io.github.dvfl.Bundle
import io.github.dvfl.BundleException
import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import java.io.File
import java.io.FileNotFoundException
import java.io.IOException
import java.io.InputStream
import java.util.concurrent.Executors
import java.util.concurrent.TimeUnit
import java.util.concurrent.atomic.AtomicInteger

class AssetBundlesTest {
    @TempDir
    lateinit var folder: File

    private val golden = File(System.getProperty("dvfl.root"), "spec/golden/bundle")
    private val shipped get() = File(folder, "assets")
    private val store get() = File(folder, "store")

    @Test
    fun `the copy is the bundle, byte for byte, and opens`() {
        ship()
        val copy = extract(FolderAssets(shipped), "models/bundle", store)
        val expected = golden.walk().filter { it.isFile }.toList()
        for (file in expected) {
            assertArrayEquals(file.readBytes(), File(copy, file.relativeTo(golden).path).readBytes())
        }
        assertEquals(expected.size, copy.walk().count { it.isFile })
        val bundle = Bundle.open(copy)
        bundle.verified(bundle.manifest.artifacts.first())
        assertEquals(sha256(File(golden, "manifest.json").readBytes()), copy.name)
    }

    @Test
    fun `a second call copies nothing`() {
        ship()
        val first = extract(FolderAssets(shipped), "models/bundle", store)
        val assets = FolderAssets(shipped)
        assertEquals(first, extract(assets, "models/bundle", store))
        assertEquals(1, assets.opened.get())
    }

    @Test
    fun `many threads at once copy it once`() {
        ship()
        val assets = FolderAssets(shipped)
        val threads = Executors.newFixedThreadPool(8)
        val copies = List(8) { threads.submit<File> { extract(assets, "models/bundle", store) } }
        assertEquals(1, copies.map { it.get(20, TimeUnit.SECONDS) }.distinct().size)
        threads.shutdown()
        // Each call reads the manifest; one reads every file besides.
        assertEquals(8 + golden.walk().count { it.isFile }, assets.opened.get())
    }

    @Test
    fun `a new bundle replaces the old one`() {
        ship()
        val old = extract(FolderAssets(shipped), "models/bundle", store)
        File(shipped, "models/bundle/manifest.json").appendText("\n")
        val new = extract(FolderAssets(shipped), "models/bundle", store)
        assertFalse(old == new)
        assertFalse(old.exists())
        assertTrue(File(new, "manifest.json").isFile)
    }

    @Test
    fun `an interrupted copy is never taken for a whole one`() {
        ship()
        val failing = FolderAssets(shipped, failAfter = 3)
        val error =
            assertThrows(BundleException::class.java) { extract(failing, "models/bundle", store) }
        assertTrue("cannot be copied" in error.message!! && "No space" in error.message!!, error.message)
        val copy = extract(FolderAssets(shipped), "models/bundle", store)
        assertEquals(golden.walk().count { it.isFile }, copy.walk().count { it.isFile })
        assertEquals(listOf(copy), copy.parentFile.listFiles()!!.toList())
    }

    @Test
    fun `a folder without a manifest is no bundle`() {
        val error =
            assertThrows(BundleException::class.java) { extract(FolderAssets(folder), "models", store) }
        assertEquals(
            "assets/models: no manifest.json, so this is no bundle",
            error.message!!.substringBefore(';'),
        )
    }

    private fun ship() {
        golden.copyRecursively(File(shipped, "models/bundle"))
    }
}

/** A folder in the place of an APK's assets. */
private class FolderAssets(
    private val root: File,
    private val failAfter: Int = Int.MAX_VALUE,
) : Assets {
    val opened = AtomicInteger()

    override fun list(path: String) = File(root, path).list().orEmpty().toList()

    override fun open(path: String): InputStream {
        if (opened.incrementAndGet() > failAfter) throw IOException("No space left on device")
        val file = File(root, path)
        if (!file.isFile) throw FileNotFoundException(path)
        return file.inputStream()
    }
}
