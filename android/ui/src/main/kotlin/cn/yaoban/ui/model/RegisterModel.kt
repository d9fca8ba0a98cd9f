package cn.yaoban.ui.model

import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.setValue
import cn.yaoban.core.NewMember
import cn.yaoban.core.Registered
import cn.yaoban.core.bridge.ClerkCore

/** A new member at the counter. */
class RegisterModel(
    private val core: ClerkCore,
) {
    /** Who was registered, and who else is on the number. */
    var registered: Registered? by mutableStateOf(null)
        private set

    /** It is being stored. */
    var busy by mutableStateOf(false)
        private set

    /** Why nobody was. */
    var failure: Failure? by mutableStateOf(null)
        private set

    /** Registers; without a network too. */
    suspend fun register(new: NewMember) {
        if (busy || registered != null) return
        busy = true
        failure = failureOf { registered = core.call { register(new) } }
        busy = false
    }
}
