// The screens: only API that Jetpack Compose and Compose Multiplatform share.
plugins {
    alias(libs.plugins.android.library)
    alias(libs.plugins.kotlin.compose)
}

android {
    namespace = "cn.yaoban.ui"
    compileSdk = 37
    defaultConfig { minSdk = 26 }
    // Its tests are the host build's.
    sourceSets["test"].kotlin.directories.clear()
}

kotlin { jvmToolchain(17) }

dependencies {
    api(project(":core-bridge"))
    implementation(libs.androidx.compose.foundation)
    implementation(libs.androidx.compose.material3)
    implementation(libs.androidx.compose.ui)
    implementation(libs.androidx.lifecycle.runtime.compose)
    implementation(libs.androidx.lifecycle.viewmodel.compose)
}
