package io.github.dvfl

import io.github.dvfl.engine.Engine
import io.github.dvfl.engine.EngineProvider
import java.io.File
import java.util.ServiceLoader

/** What `ShrinkTest` shrinks: reads a bundle, a clip and the default contract, and looks for engines. */
fun main(arguments: Array<String>) {
    val bundle = Bundle.open(File(arguments.single()))
    val manifest = bundle.manifest
    val engines = ServiceLoader.load(EngineProvider::class.java).map { it.target }
    println(
        "${PreprocessingSpec.default().temporal.frames} frames; ${manifest.artifacts.joinToString {
            it.name
        }}; " +
            "${bundle.referenceClip(manifest.referenceVectors.first()).frames} frames; " +
            "engines: ${engines.joinToString()}",
    )
}

/** What a library with an engine brings; `ShrinkTest` names it in META-INF/services. */
class ShrunkAppProvider : EngineProvider {
    override val target: String = "test"

    override fun obstacle(): String? = "only for the shrink test"

    override fun load(
        bundle: Bundle,
        artifact: Artifact,
        threads: Int?,
    ): Engine = throw EngineException("only for the shrink test")
}
