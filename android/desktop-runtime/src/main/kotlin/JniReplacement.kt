package io.github.dvfl.desktop

import org.objectweb.asm.ClassReader
import org.objectweb.asm.ClassVisitor
import org.objectweb.asm.ClassWriter
import org.objectweb.asm.MethodVisitor
import org.objectweb.asm.Opcodes
import org.objectweb.asm.Type
import java.io.File
import java.util.zip.ZipFile

/**
 * Writes the classes of the TFLite AARs, byte for byte Google's but for one thing: a `native` method of the
 * interpreter calls the function of the same name and signature in this module instead of Android's JNI library.
 *
 * So a test on a desktop runs the same `org.tensorflow.lite.Interpreter`, with its argument checks, tensor
 * bookkeeping and error paths, over TFLite's own kernels. What it doesn't prove: Google's JNI library itself, its ARM
 * kernels, and the GPU and NNAPI delegates, whose native methods stay as they are and fail to link here.
 *
 * Arguments: the AARs' classes (a jar or a folder), and the folder to write to.
 */
public fun main(arguments: Array<String>) {
    val (source, target) = arguments.map(::File)
    classesOf(source).forEach { (path, bytes) ->
        val file = File(target, path)
        file.parentFile.mkdirs()
        file.writeBytes(withoutJni(path.removeSuffix(CLASS), bytes))
    }
}

private fun classesOf(source: File): Map<String, ByteArray> =
    if (source.isDirectory) {
        source
            .walkTopDown()
            .filter { it.isFile && it.name.endsWith(CLASS) }
            .associate { it.relativeTo(source).invariantSeparatorsPath to it.readBytes() }
    } else {
        ZipFile(source).use { zip ->
            zip
                .entries()
                .asSequence()
                .filter { it.name.endsWith(CLASS) }
                .associate { it.name to zip.getInputStream(it).readBytes() }
        }
    }

private fun withoutJni(
    className: String,
    bytes: ByteArray,
): ByteArray {
    val replacement = REPLACEMENTS[className] ?: return bytes
    val writer = ClassWriter(ClassWriter.COMPUTE_MAXS)
    ClassReader(bytes).accept(NativeMethodsToCalls(replacement, writer), 0)
    return writer.toByteArray()
}

/** Gives each `native` method a body that calls the static method of the same name and signature of [replacement]. */
private class NativeMethodsToCalls(
    private val replacement: Class<*>,
    next: ClassVisitor,
) : ClassVisitor(Opcodes.ASM9, next) {
    override fun visitMethod(
        access: Int,
        name: String,
        descriptor: String,
        signature: String?,
        exceptions: Array<String>?,
    ): MethodVisitor {
        if (access and Opcodes.ACC_NATIVE == 0) {
            return super.visitMethod(access, name, descriptor, signature, exceptions)
        }
        check(access and Opcodes.ACC_STATIC != 0) { "$name is not static" }
        check(replacement.methods.any { it.name == name && Type.getMethodDescriptor(it) == descriptor }) {
            "${replacement.name} lacks $name$descriptor"
        }
        val method =
            super.visitMethod(access and Opcodes.ACC_NATIVE.inv(), name, descriptor, signature, exceptions)
        method.visitCode()
        var slot = 0
        for (type in Type.getArgumentTypes(descriptor)) {
            method.visitVarInsn(type.getOpcode(Opcodes.ILOAD), slot)
            slot += type.size
        }
        method.visitMethodInsn(
            Opcodes.INVOKESTATIC,
            Type.getInternalName(replacement),
            name,
            descriptor,
            false,
        )
        method.visitInsn(Type.getReturnType(descriptor).getOpcode(Opcodes.IRETURN))
        method.visitMaxs(0, 0)
        method.visitEnd()
        return method
    }
}

private const val CLASS = ".class"
private const val LITE = "org/tensorflow/lite"
private val REPLACEMENTS =
    mapOf(
        "$LITE/TensorFlowLite" to LibraryNatives::class.java,
        "$LITE/InterpreterFactoryImpl" to LibraryNatives::class.java,
        "$LITE/NativeInterpreterWrapper" to InterpreterNatives::class.java,
        "$LITE/TensorImpl" to TensorNatives::class.java,
    )
