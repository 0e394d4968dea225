package io.github.dvfl.android

/**
 * Marks code that needs a newer Android than the library's oldest, 7.0 (API 24); its caller checks
 * `Build.VERSION.SDK_INT` first. The build's check against API 24 passes over what is marked.
 */
@Target(AnnotationTarget.FUNCTION)
@Retention(AnnotationRetention.BINARY)
internal annotation class SinceApi(
    val level: Int,
)
