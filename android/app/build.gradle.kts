// The app. Before it: make bindings, make package-android, texts/generate.py (see ../README.md).
plugins {
    alias(libs.plugins.android.application)
    alias(libs.plugins.kotlin.compose)
}

android {
    namespace = "cn.yaoban.app"
    compileSdk = 37
    defaultConfig {
        applicationId = "cn.yaoban.app"
        minSdk = 26
        targetSdk = 35
        versionCode = 1
        versionName = "0.1.0"
        ndk { abiFilters += listOf("arm64-v8a", "armeabi-v7a", "x86_64", "x86") }
    }
    sourceSets["main"].kotlin.directories += "../../target/texts/android/kotlin"
    sourceSets["main"].res.directories += "../../target/texts/android/res"
    // Its tests need the host build: a hub and the core for this machine.
    sourceSets["test"].kotlin.directories.clear()

    signingConfigs {
        // From the environment, so that no key lies in a project's folder.
        create("release") {
            System.getenv("YAOBAN_KEYSTORE")?.let { storeFile = file(it) }
            storePassword = System.getenv("YAOBAN_KEYSTORE_PASSWORD")
            keyAlias = System.getenv("YAOBAN_KEY_ALIAS")
            keyPassword = System.getenv("YAOBAN_KEY_PASSWORD")
        }
    }
    buildTypes {
        release {
            isMinifyEnabled = true
            isShrinkResources = true
            proguardFiles(getDefaultProguardFile("proguard-android-optimize.txt"), "proguard-rules.pro")
            signingConfig = signingConfigs.getByName("release").takeIf { it.storeFile != null }
        }
    }
    buildFeatures { compose = true }
    packaging { jniLibs.useLegacyPackaging = false }
}

kotlin { jvmToolchain(17) }

dependencies {
    implementation(project(":core-bridge"))
    implementation(project(":ui"))
    implementation(libs.androidx.activity.compose)
    implementation(libs.androidx.compose.foundation)
    implementation(libs.androidx.compose.material3)
    implementation(libs.androidx.compose.ui)
    implementation(libs.androidx.core.ktx)
    implementation(libs.androidx.lifecycle.runtime.compose)
    implementation(libs.androidx.work.runtime)
    implementation(libs.kotlinx.coroutines.android)
    implementation(libs.wechat.sdk)
    implementation(libs.zxing.android.embedded)
}
