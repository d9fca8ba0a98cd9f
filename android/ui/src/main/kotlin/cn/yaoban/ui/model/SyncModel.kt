package cn.yaoban.ui.model

import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.setValue
import cn.yaoban.core.PhoneStatus
import cn.yaoban.core.SyncProgress
import cn.yaoban.core.SyncQueue
import cn.yaoban.core.bridge.BackgroundEvent
import cn.yaoban.core.bridge.ClerkCore

/** How the phone stands with the hub. */
class SyncModel(
    private val core: ClerkCore,
) {
    /** How the phone stands. */
    var status: PhoneStatus? by mutableStateOf(null)
        private set

    /** What is on its way, and what got stuck; none while nobody uses the phone. */
    var queue: SyncQueue? by mutableStateOf(null)
        private set

    /** How far the round is that runs. */
    var progress: SyncProgress? by mutableStateOf(null)
        private set

    /** Why the last round did not get through. */
    var failure: Failure? by mutableStateOf(null)
        private set

    /** Why nobody knows how the phone stands. */
    var unread: Failure? by mutableStateOf(null)
        private set

    /** Shows how the phone stands, and again whenever rows change, until it is cancelled. */
    suspend fun follow() {
        core.watch { status() to syncQueue() }.collect { result ->
            status = result.getOrNull()?.first
            queue = result.getOrNull()?.second
            unread = result.failure
        }
    }

    /** Keeps the phone in sync until it is cancelled. */
    suspend fun run() {
        try {
            failureOf {
                core.backgroundSync().collect { event ->
                    when (event) {
                        is BackgroundEvent.Progress -> progress = event.progress
                        is BackgroundEvent.Synced -> ended(null)
                        is BackgroundEvent.Failed -> ended(Failure.of(event.error))
                    }
                }
            }?.let { failure = it }
        } finally {
            progress = null
        }
    }

    /** One round now; one that is under way is waited for. */
    suspend fun syncNow() {
        ended(failureOf { core.sync { progress = it } })
    }

    /** A stuck operation was seen. */
    suspend fun putAway(outboxId: Long) {
        failure = failureOf { core.call { putAway(outboxId) } }
    }

    private fun ended(why: Failure?) {
        progress = null
        failure = why
    }
}
