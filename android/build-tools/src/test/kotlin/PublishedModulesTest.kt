package io.github.dvfl.build

import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.w3c.dom.Element
import org.w3c.dom.Node
import java.io.File
import javax.xml.parsers.DocumentBuilderFactory

/** Every module that is published has what Maven Central asks for, and the checks that a library needs. */
class PublishedModulesTest {
    private val build = File(System.getProperty("dvfl.module")).absoluteFile.parentFile
    private val parent = readPom(build)
    private val modules = parent.child("modules")!!.children("module").map { it.textContent.trim() }
    private val published =
        modules
            .associateWith {
                readPom(
                    File(build, it),
                )
            }.filterValues { it.isPublished() }

    @Test
    fun `the core is published and the build tools are not`() {
        assertTrue("dvfl-core" in published)
        assertTrue("build-tools" in modules && "build-tools" !in published)
    }

    @Test
    fun `what all modules inherit is stated once`() {
        assertEquals(emptyList<String>(), problemsOfParent(parent))
    }

    @Test
    fun `each says what it is, and is checked`() {
        val problems = published.flatMap { (module, pom) -> problemsOfModule(module, pom) }
        assertEquals(emptyList<String>(), problems)
    }

    @Test
    fun `a missing entry is seen`() {
        for (entry in listOf("url", "licenses", "developers", "scm", "description", "name")) {
            val lacking = readPom(build).apply { removeChild(child(entry)) }
            assertTrue(problemsOfParent(lacking).isNotEmpty()) { "no problem without $entry" }
        }
        val core = readPom(File(build, "dvfl-core"))
        for (plugin in core.plugins()) {
            val lacking = readPom(File(build, "dvfl-core"))
            lacking.child("build")!!.child("plugins")!!.let { plugins ->
                plugins.removeChild(plugins.children("plugin").single { it.text("artifactId") == plugin })
            }
            assertEquals(
                plugin in REQUIRED_PLUGINS,
                problemsOfModule("dvfl-core", lacking).isNotEmpty(),
            ) { plugin }
        }
    }

    private fun problemsOfParent(pom: Element): List<String> {
        val required =
            listOf(
                "name",
                "description",
                "url",
                "licenses/license/name",
                "licenses/license/url",
                "developers/developer/name",
                "scm/url",
                "scm/connection",
                "scm/developerConnection",
            )
        return required.filter { pom.text(it).isNullOrBlank() }.map { "pom.xml: no $it" }
    }

    private fun problemsOfModule(
        module: String,
        pom: Element,
    ): List<String> {
        val entries = listOf("name", "description").filter { pom.text(it).isNullOrBlank() }
        val files = listOf("api/$module.api", "src/test/kotlin/ApiTest.kt")
        val absent = files.filterNot { File(build, "$module/$it").isFile }
        return (entries + (REQUIRED_PLUGINS - pom.plugins()) + absent).map { "$module: no $it" }
    }

    private companion object {
        val REQUIRED_PLUGINS =
            setOf("kotlin-maven-plugin", "animal-sniffer-maven-plugin", "maven-source-plugin")
    }
}

private fun readPom(folder: File): Element =
    DocumentBuilderFactory
        .newInstance()
        .newDocumentBuilder()
        .parse(File(folder, "pom.xml"))
        .documentElement

private fun Element.isPublished(): Boolean = text("properties/maven.deploy.skip") != "true"

private fun Element.plugins(): Set<String> =
    child("build")
        ?.child("plugins")
        ?.children("plugin")
        .orEmpty()
        .mapNotNull { it.text("artifactId") }
        .toSet()

private fun Element.children(name: String): List<Element> =
    generateSequence<Node>(firstChild) { it.nextSibling }
        .filterIsInstance<Element>()
        .filter {
            it.tagName ==
                name
        }.toList()

private fun Element.child(name: String): Element? = children(name).firstOrNull()

private fun Element.text(path: String): String? =
    path
        .split('/')
        .fold<String, Element?>(this) { at, name -> at?.child(name) }
        ?.textContent
        ?.trim()
