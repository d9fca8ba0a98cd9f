// The core: its library (make package-android), the Kotlin that uniffi wrote (make bindings), the bridge.
plugins {
    alias(libs.plugins.android.library)
}

android {
    namespace = "cn.yaoban.core"
    compileSdk = 37
    defaultConfig {
        minSdk = 26
        consumerProguardFiles("consumer-rules.pro")
    }
    sourceSets["main"].kotlin.directories += "../../target/bindings/kotlin"
    sourceSets["main"].jniLibs.directories += "../../target/package/android/jni"
}

kotlin { jvmToolchain(17) }

dependencies {
    api(libs.kotlinx.coroutines.core)
    implementation(libs.jna) { artifact { type = "aar" } }
}
