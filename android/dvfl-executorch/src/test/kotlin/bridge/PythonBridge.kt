package org.pytorch.executorch

import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Assumptions.assumeTrue
import java.io.DataInputStream
import java.io.DataOutputStream
import java.io.File

/** The Python with ExecuTorch: `-Ddvfl.python=FILE`, by default the repository's `.venv`; one process of it. */
object PythonBridge {
    private val python =
        File(System.getProperty("dvfl.python") ?: (System.getProperty("dvfl.root") + "/.venv/bin/python"))
    private val usable by lazy {
        val question = "import importlib.util as u, sys; sys.exit(u.find_spec('executorch') is None)"
        python.canExecute() && ProcessBuilder(python.path, "-c", question).start().waitFor() == 0
    }
    private val process by lazy {
        val script = File(checkNotNull(javaClass.getResource("/executorch_bridge.py")).toURI())
        // It ends with this JVM, which closes its standard input.
        ProcessBuilder(python.path, script.path)
            .redirectError(File(System.getProperty("dvfl.module"), "target/executorch_bridge.log"))
            .start()
    }
    private val requests by lazy { Requests(DataOutputStream(process.outputStream.buffered())) }
    private val answers by lazy { Answers(DataInputStream(process.inputStream.buffered())) }

    /** Skips the test without such a Python; in continuous integration (`CI=true`) it fails instead. */
    fun require() {
        val message = "no Python with ExecuTorch at $python; give -Ddvfl.python=FILE"
        if ("true" in listOf(System.getProperty("CI"), System.getenv("CI"))) assertTrue(usable, message)
        assumeTrue(usable, message)
    }

    @Synchronized
    internal fun <T> ask(
        write: (Requests) -> Unit,
        read: (Answers) -> T,
    ): T {
        write(requests)
        requests.flush()
        if (answers.number() == 0) return read(answers)
        throw IllegalStateException("[Executorch Error]\n" + answers.text())
    }
}

internal class Requests(
    private val stream: DataOutputStream,
) {
    fun number(value: Int) = apply { stream.writeInt(Integer.reverseBytes(value)) }

    fun text(value: String) = value.encodeToByteArray().let { number(it.size).bytes(it) }

    fun bytes(value: ByteArray) = apply { stream.write(value) }

    fun flush() = stream.flush()
}

internal class Answers(
    private val stream: DataInputStream,
) {
    fun number(): Int = Integer.reverseBytes(stream.readInt())

    fun text(): String = bytes(number()).decodeToString()

    fun bytes(size: Int): ByteArray = ByteArray(size).also(stream::readFully)
}
