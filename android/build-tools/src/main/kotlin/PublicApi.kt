package io.github.dvfl.build

import org.jetbrains.kotlin.abi.tools.AbiFilters
import org.jetbrains.kotlin.abi.tools.AbiToolsFactory
import java.io.File
import java.util.ServiceLoader

/** Compares a module's public API with the dump that is kept in git, `api/<module>.api`. */
public object PublicApi {
    /** Set to `true`, this system property makes [check] write the dump instead of comparing. */
    public const val UPDATE: String = "dvfl.api.update"

    private const val SHOWN_LINES = 5

    /**
     * Compares the public API of `target/classes` with the dump in git.
     *
     * @param module the module's folder, by default the one whose tests run; its name is the dump's.
     * @throws AssertionError with the first lines that differ and the command that updates the dump.
     */
    public fun check(
        module: File = File(System.getProperty("dvfl.module")),
        update: Boolean = java.lang.Boolean.getBoolean(UPDATE),
    ) {
        val file = File(module, "api/${module.name}.api")
        val found = dump(File(module, "target/classes"))
        if (update) {
            file.parentFile.mkdirs()
            file.writeText(found)
            return
        }
        val kept = if (file.isFile) file.readText() else ""
        difference(kept, found)?.let { throw AssertionError(explain(module.name, it)) }
    }

    /** The public JVM API of a folder of class files, one line per class or member. */
    public fun dump(classes: File): String {
        val files =
            classes
                .walkTopDown()
                .filter { it.extension == "class" }
                .sorted()
                .toList()
        if (files.isEmpty()) throw AssertionError("$classes: no class files; compile the module first")
        val tools = ServiceLoader.load(AbiToolsFactory::class.java).single().get()
        return buildString { tools.printJvmDump(this, files, AbiFilters.EMPTY) }
    }

    /** The first lines that only one of two dumps has, marked with `-` (kept) or `+` (found); null if equal. */
    internal fun difference(
        kept: String,
        found: String,
    ): List<String>? {
        if (kept == found) return null
        val before = kept.lines()
        val after = found.lines()
        val same = before.zip(after).takeWhile { (left, right) -> left == right }.size
        val lost = before.drop(same) - after.toSet()
        val gained = after.drop(same) - before.toSet()
        val changed = lost.take(SHOWN_LINES).map { "- $it" } + gained.take(SHOWN_LINES).map { "+ $it" }
        return changed.ifEmpty { listOf("line ${same + 1}: the same lines in another order or number") }
    }

    private fun explain(
        module: String,
        difference: List<String>,
    ): String =
        difference.joinToString(
            separator = "\n",
            prefix = "the public API of $module is not the one in api/$module.api:\n",
            postfix =
                "\nIf that is intended: make android-api, or in android/: " +
                    "mvn -B -ntp -pl $module -am verify -D$UPDATE=true",
        )
}
