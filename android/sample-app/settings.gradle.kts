pluginManagement {
    val agpVersion: String by settings
    val kotlinVersion: String by settings
    repositories {
        google()
        mavenCentral()
        gradlePluginPortal()
    }
    plugins {
        id("com.android.application") version agpVersion
        id("org.jetbrains.kotlin.android") version kotlinVersion
    }
}

dependencyResolutionManagement {
    repositoriesMode = RepositoriesMode.FAIL_ON_PROJECT_REPOS
    repositories {
        google()
        mavenCentral()
        // The libraries, after 'mvn install' in the folder above.
        mavenLocal { content { includeGroup("io.github.dvfl") } }
    }
}

rootProject.name = "dvfl-sample"
include(":device-test")
project(":device-test").projectDir = file("../device-test")
