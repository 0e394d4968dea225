plugins {
    id("com.android.application")
    id("org.jetbrains.kotlin.android")
}

val dvflVersion: String by project
val coroutinesVersion: String by project
val litertVersion: String by project

android {
    namespace = "io.github.dvfl.sample"
    compileSdk = 36
    defaultConfig {
        applicationId = "io.github.dvfl.sample"
        minSdk = 24
        targetSdk = 36
        versionCode = 1
        versionName = dvflVersion
        ndk { abiFilters += listOf("arm64-v8a", "x86_64") }
    }
    buildTypes {
        release {
            isMinifyEnabled = true
            proguardFiles(getDefaultProguardFile("proguard-android-optimize.txt"))
        }
    }
}

kotlin {
    jvmToolchain(17)
}

dependencies {
    implementation("io.github.dvfl:dvfl-android:$dvflVersion")
    implementation("io.github.dvfl:dvfl-litert:$dvflVersion")
    implementation("com.google.ai.edge.litert:litert:$litertVersion")
    implementation("org.jetbrains.kotlinx:kotlinx-coroutines-core:$coroutinesVersion")
}
