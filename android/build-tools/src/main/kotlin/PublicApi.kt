package io.github.dvfl.build

import java.io.File

/** Compares a module's public API with the dump that is kept in git. */
public object PublicApi
