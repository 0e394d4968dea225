package io.github.dvfl

import io.github.dvfl.engine.EngineProvider
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import java.io.File
import java.util.concurrent.TimeUnit
import java.util.jar.JarFile

/**
 * A shrunk and renamed app still reads a bundle and finds its engines. ProGuard does here what R8, which takes
 * the same rules from the same place of a jar, does in an app.
 */
class ShrinkTest(
    @param:TempDir private val folder: File,
) {
    private val module = File(System.getProperty("dvfl.module"))
    private val bundle = TestBundle(File(folder, "bundle"))

    // Only here, so that no other test finds this provider.
    private val services = File(folder, "services")

    init {
        File(services, "META-INF/services/${EngineProvider::class.java.name}").run {
            parentFile.mkdirs()
            writeText(ShrunkAppProvider::class.java.name)
        }
    }

    @Test
    fun `an app that is shrunk with the SDK's rules works`() {
        val jar = shrink(File(module, "src/main/resources/META-INF/proguard/dvfl-core.pro"))
        assertEquals("8 frames; litert-fp32, coreml-fp32; 2 frames; engines: test", run(jar))
        val names = JarFile(jar).use { file -> file.entries().toList().map { it.name } }
        assertTrue("io/github/dvfl/Manifest.class" !in names) { "nothing was renamed" }
    }

    @Test
    fun `without them it finds no engine`() {
        val output = run(shrink(rules = null))
        assertTrue("engines: test" !in output) { output }
    }

    private fun shrink(rules: File?): File {
        val jar = File(folder, "app-${rules?.name}.jar")
        val configuration = File(folder, "app-${rules?.name}.pro")
        val libraries = classPath().filter { LIBRARY.containsMatchIn(it.name) }
        configuration.writeText(
            buildString {
                appendLine("-injars '${File(module, "target/classes")}'")
                appendLine("-injars '${File(module, "target/test-classes")}'(**Shrunk*.class)")
                appendLine("-injars '$services'")
                libraries.forEach {
                    appendLine(
                        "-injars '$it'(!META-INF/versions/**,!META-INF/*.kotlin_module)",
                    )
                }
                appendLine("-outjars '$jar'")
                // The JDK stands for android.jar.
                appendLine(
                    "-libraryjars '${System.getProperty(
                        "java.home",
                    )}/jmods/java.base.jmod'(!**.jar;!module-info.class)",
                )
                appendLine("-ignorewarnings")
                appendLine("-dontoptimize")
                appendLine("-repackageclasses")
                appendLine(
                    "-keep class io.github.dvfl.ShrunkAppKt { public static void main(java.lang.String[]); }",
                )
                libraries.flatMap { shippedRules(it) }.forEach(::appendLine)
                rules?.let { appendLine("-include '$it'") }
            },
        )
        java("-cp", System.getProperty("java.class.path"), "proguard.ProGuard", "@$configuration")
        return jar
    }

    private fun shippedRules(jar: File): List<String> =
        JarFile(jar).use { file ->
            file
                .entries()
                .toList()
                .filter { it.name.matches(Regex("META-INF/proguard/.*\\.pro")) }
                .map { entry -> file.getInputStream(entry).use { it.readBytes().decodeToString() } }
        }

    private fun run(jar: File): String = java("-cp", "$jar", "io.github.dvfl.ShrunkAppKt", "${bundle.root}")

    private fun java(vararg arguments: String): String {
        val output = File(folder, "output.txt")
        val program = File(System.getProperty("java.home"), "bin/java").path
        val process =
            ProcessBuilder(program, *arguments).redirectErrorStream(true).redirectOutput(output).start()
        assertTrue(process.waitFor(2, TimeUnit.MINUTES)) { "${arguments.toList()} does not end" }
        assertEquals(0, process.exitValue()) { output.readText() }
        return output.readText().trim()
    }

    private fun classPath(): List<File> =
        System.getProperty("java.class.path").split(File.pathSeparator).map(::File)

    private companion object {
        val LIBRARY =
            Regex("^(kotlin-stdlib|kotlinx-(serialization|coroutines)-(core|json)-jvm)-[0-9.]+\\.jar$")
    }
}
