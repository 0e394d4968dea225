package io.github.dvfl.desktop

import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertNotSame
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.tensorflow.lite.Interpreter
import java.io.File
import java.lang.reflect.Modifier
import java.net.URLClassLoader

class JniReplacementTest {
    private val originals = File(System.getProperty("compile.only.tflite"))
    private val names =
        originals
            .walkTopDown()
            .filter { it.name.endsWith(".class") }
            .map {
                it
                    .relativeTo(originals)
                    .invariantSeparatorsPath
                    .removeSuffix(".class")
                    .replace('/', '.')
            }.toList()

    @Test
    fun `every class of the AARs is there with the same members and no other`() {
        assertTrue(names.size > 30, "classes found: $names")
        loader().use { loader ->
            for (name in names) {
                val original = loader.loadClass(name)
                val ours = Class.forName(name, false, javaClass.classLoader)
                assertNotSame(original, ours)
                assertEquals(members(original), members(ours), name)
            }
        }
    }

    @Test
    fun `only native methods lost a modifier`() {
        loader().use { loader ->
            val replaced =
                names.filter { name ->
                    val original = natives(loader.loadClass(name))
                    val left = natives(Class.forName(name, false, javaClass.classLoader))
                    assertTrue(left.isEmpty() || left == original, name)
                    original.isNotEmpty() && left.isEmpty()
                }
            assertEquals(
                setOf("InterpreterFactoryImpl", "NativeInterpreterWrapper", "TensorFlowLite", "TensorImpl"),
                replaced.map { it.substringAfterLast('.') }.toSet(),
            )
        }
    }

    @Test
    fun `the interpreter here is the rewritten one`() {
        val wrapper = Class.forName("org.tensorflow.lite.NativeInterpreterWrapper")
        assertEquals(Interpreter::class.java.protectionDomain.codeSource, wrapper.protectionDomain.codeSource)
        assertTrue(natives(wrapper).isEmpty())
    }

    private fun loader() =
        URLClassLoader(arrayOf(originals.toURI().toURL()), ClassLoader.getPlatformClassLoader())

    private fun natives(type: Class<*>) =
        type.declaredMethods
            .filter { Modifier.isNative(it.modifiers) }
            .map { it.name }
            .toSet()

    private fun members(type: Class<*>): Set<String> {
        val methods = type.declaredMethods.map { it.toGenericString().replace(" native ", " ") }
        val others =
            type.declaredConstructors.map { it.toGenericString() } +
                type.declaredFields.map { it.toGenericString() }
        return (methods + others).toSet() + "${type.superclass} ${type.genericInterfaces.toList()}"
    }
}
