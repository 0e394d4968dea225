plugins {
    id("com.android.application")
    id("org.jetbrains.kotlin.android")
}

// Pinned together with the sample app's, in its gradle.properties.
val dvflVersion: String by project
val litertVersion: String by project
val executorchVersion: String by project

android {
    namespace = "io.github.dvfl.devicetest"
    compileSdk = 36
    defaultConfig {
        applicationId = "io.github.dvfl.devicetest"
        minSdk = 24
        targetSdk = 36
        versionCode = 1
        versionName = dvflVersion
        manifestPlaceholders["litertVersion"] = litertVersion
        manifestPlaceholders["executorchVersion"] = executorchVersion
        ndk { abiFilters += listOf("arm64-v8a", "x86_64") }
    }
    buildTypes {
        release {
            // A debuggable app runs slower; the debug key is enough to install it.
            signingConfig = signingConfigs.getByName("debug")
        }
    }
    sourceSets["main"].assets.srcDir("../sample-app/src/main/assets")
}

kotlin {
    jvmToolchain(17)
}

dependencies {
    implementation("io.github.dvfl:dvfl-android:$dvflVersion")
    implementation("io.github.dvfl:dvfl-litert:$dvflVersion")
    implementation("io.github.dvfl:dvfl-executorch:$dvflVersion")
    implementation("com.google.ai.edge.litert:litert:$litertVersion")
    implementation("com.google.ai.edge.litert:litert-gpu:$litertVersion")
    implementation("com.google.ai.edge.litert:litert-gpu-api:$litertVersion")
    implementation("org.pytorch:executorch-android:$executorchVersion")
}
