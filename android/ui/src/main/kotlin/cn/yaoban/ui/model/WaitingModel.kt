package cn.yaoban.ui.model

import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.setValue
import cn.yaoban.core.MessageDeferred
import cn.yaoban.core.OpenMessage
import cn.yaoban.core.Told
import cn.yaoban.core.bridge.ClerkCore

/** Messages that wait for the clerk. */
class WaitingModel(
    private val core: ClerkCore,
) {
    /** The gate put them off, oldest first; none until that was read. */
    var deferred: List<MessageDeferred>? by mutableStateOf(null)
        private set

    /** Nobody said whether they were sent: the app was left, or ended, meanwhile. Newest first. */
    var untold: List<OpenMessage> by mutableStateOf(emptyList())
        private set

    /** Why there are none, or what was said was not stored. */
    var failure: Failure? by mutableStateOf(null)
        private set

    /** Shows them, and again whenever rows change, until it is cancelled. */
    suspend fun follow() {
        core.watch { deferredMessages() to openMessages() }.collect { result ->
            deferred = result.getOrNull()?.first
            untold = result.getOrNull()?.second.orEmpty()
            failure = result.failure
        }
    }

    /** The clerk says whether one was sent. */
    suspend fun told(
        message: OpenMessage,
        sent: Boolean,
    ) {
        failure = failureOf { core.call { messageTold(message.key, if (sent) Told.Sent else Told.NotSent) } }
    }
}
