package io.github.dvfl.android

import io.github.dvfl.build.PublicApi
import org.junit.jupiter.api.Test

class ApiTest {
    @Test
    fun `the public API is the one in git`() = PublicApi.check()
}
