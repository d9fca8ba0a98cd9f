package cn.yaoban.ui

import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import cn.yaoban.core.bridge.ClerkCore

/** What the app was opened for, other than by its icon. */
sealed interface Opened {
    /** A pairing link. */
    data class Pairing(val code: String) : Opened

    /** The notification of due tasks. */
    data object Tasks : Opened

    /** The notification of an emergency, or of an attempt that waits for its outcome. */
    data class Task(val taskId: String) : Opened
}

/** The app: every screen, over the core, the device and the texts. [opened] is shown once the phone is unlocked. */
@Composable
fun YaobanApp(
    core: ClerkCore,
    platform: Platform,
    texts: Texts,
    opened: Opened? = null,
) {
    MaterialTheme { Text(texts["app.name"]) }
}
