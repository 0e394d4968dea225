package org.pytorch.executorch

import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Assumptions.assumeTrue
import java.io.File

/** The Python with ExecuTorch: `-Ddvfl.python=FILE`, by default the repository's `.venv`. */
object PythonBridge {
    val python =
        File(System.getProperty("dvfl.python") ?: (System.getProperty("dvfl.root") + "/.venv/bin/python"))
    val script: File by lazy {
        File(checkNotNull(javaClass.getResource("/executorch_bridge.py")).toURI())
    }

    /** Skips the test without such a Python; in continuous integration (`CI=true`) it fails instead. */
    fun require() {
        val message = "no Python with ExecuTorch at $python; give -Ddvfl.python=FILE"
        if ("true" in listOf(System.getProperty("CI"), System.getenv("CI"))) assertTrue(usable, message)
        assumeTrue(usable, message)
    }

    private val usable by lazy {
        val question = "import importlib.util as u, sys; sys.exit(u.find_spec('executorch') is None)"
        python.canExecute() && ProcessBuilder(python.path, "-c", question).start().waitFor() == 0
    }
}
