package io.github.dvfl.desktop

import org.bytedeco.tensorflowlite.global.tensorflowlite

/** In place of the JNI functions of `TensorFlowLite` and `InterpreterFactoryImpl`. */
public object LibraryNatives {
    @JvmStatic
    public fun nativeDoNothing() {
        // Google's classes call it to see whether the library is there.
    }

    @JvmStatic
    public fun nativeRuntimeVersion(): String = tensorflowlite.TfLiteVersion().string

    @JvmStatic
    public fun nativeSchemaVersion(): String = "3"
}
