package io.github.dvfl.executorch

import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertNotSame
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import java.io.File
import java.lang.reflect.Modifier
import java.net.URLClassLoader

/** The adapter is compiled against declarations and tested over other classes of the same names. */
class BridgeSignatureTest {
    private val declarations =
        File(System.getProperty("dvfl.root"), "android/compile-only/executorch/target/classes")

    @Test
    fun `every declared member is in the bridge with the same signature`() {
        val loader =
            URLClassLoader(arrayOf(declarations.toURI().toURL()), ClassLoader.getPlatformClassLoader())
        loader.use {
            for (name in listOf("Module", "EValue", "Tensor", "DType")) {
                val declared = loader.loadClass("org.pytorch.executorch.$name")
                val bridge = Class.forName("org.pytorch.executorch.$name")
                assertNotSame(declared, bridge)
                assertTrue(members(declared).isNotEmpty(), name)
                assertEquals(emptySet<String>(), members(declared) - members(bridge), name)
            }
        }
    }

    private fun members(type: Class<*>): Set<String> {
        val methods =
            type.methods.filter { it.declaringClass == type && !it.isSynthetic }.map {
                "${Modifier.isStatic(
                    it.modifiers,
                )} ${it.returnType.name} ${it.name} ${it.parameterTypes.map(Class<*>::getName)}"
            }
        val fields = type.fields.filter { it.declaringClass == type }.map { "${it.type.name} ${it.name}" }
        return (methods + fields).toSet()
    }
}
