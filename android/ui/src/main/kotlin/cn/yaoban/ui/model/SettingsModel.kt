package cn.yaoban.ui.model

import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.setValue
import cn.yaoban.core.Checkup
import cn.yaoban.core.RecordingUsage
import cn.yaoban.core.StorageUse
import cn.yaoban.core.bridge.ClerkCore

/** What the phone's data take up, how it is, and the end of its pairing. */
class SettingsModel(
    private val core: ClerkCore,
) {
    /** What the data take up; none until that was read. */
    var storage: StorageUse? by mutableStateOf(null)
        private set

    /** What recordings take up. */
    var recordings: RecordingUsage? by mutableStateOf(null)
        private set

    /** How the phone is, once it was looked at. */
    var checkup: Checkup? by mutableStateOf(null)
        private set

    /** The phone is being looked at. */
    var checking by mutableStateOf(false)
        private set

    /** Why something was not done. */
    var failure: Failure? by mutableStateOf(null)
        private set

    /** Shows what is taken up, and again whenever rows change, until it is cancelled. */
    suspend fun follow() {
        core.watch { storage() to recordingUsage() }.collect { result ->
            storage = result.getOrNull()?.first
            recordings = result.getOrNull()?.second
            failure = result.failure
        }
    }

    /** Recordings go up by Wi-Fi only, or by any network. */
    suspend fun wifiOnly(on: Boolean) {
        failure =
            failureOf {
                core.call { setRecordingWifiOnly(on) }
                recordings = core.call { recordingUsage() }
            }
    }

    /** Looks at everything; asks the hub too. */
    suspend fun check() {
        if (checking) return
        checking = true
        try {
            failure = failureOf { checkup = core.cancellable { checkup(true, it) } }
        } finally {
            checking = false
        }
    }

    /** A bundle for support, sealed by the core; none: why stands in [failure]. */
    suspend fun bundle(): ByteArray? {
        if (checking) return null
        checking = true
        var bytes: ByteArray? = null
        try {
            failure = failureOf { bytes = core.cancellable { diagnosticBundle(true, it) } }
        } finally {
            checking = false
        }
        return bytes
    }

    /** Ends the pairing; whether it ended. [lose]: what was not sent may be lost. */
    suspend fun unpair(lose: Boolean): Boolean {
        failure = failureOf { core.call { unpair(lose) } }
        return failure == null
    }
}
