package cn.yaoban.ui.model

import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.setValue
import cn.yaoban.core.RecordingRow
import cn.yaoban.core.bridge.ClerkCore
import cn.yaoban.ui.Platform
import kotlinx.coroutines.Job
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.launch

/** Recordings of calls, of one member or of all: what became of each, and hearing it. */
class RecordingsModel(
    private val core: ClerkCore,
    private val memberId: String?,
) {
    /** Those that may be heard here, latest call first. */
    var rows: List<RecordingRow> by mutableStateOf(emptyList())
        private set

    /** Which one plays. */
    var playing: String? by mutableStateOf(null)
        private set

    /** Why there are none, or one does not play. */
    var failure: Failure? by mutableStateOf(null)
        private set

    private var sound: Job? = null

    /** Shows them, and again whenever rows change, until it is cancelled. */
    suspend fun follow() {
        core.watch { recordings(memberId) }.collect { result ->
            rows = result.getOrDefault(emptyList())
            failure = result.failure
        }
    }

    /** Plays one to its end, in place of the one that plays. */
    suspend fun play(
        row: RecordingRow,
        platform: Platform,
    ) {
        sound?.cancelAndJoin()
        coroutineScope {
            sound =
                launch {
                    playing = row.attemptId
                    try {
                        var played = false
                        val refused = failureOf { played = core.call { playRecording(row.attemptId) }.use { platform.play(it) } }
                        failure = refused ?: Failure(null, "cannot_play").takeIf { !played }
                    } finally {
                        playing = null
                    }
                }
        }
    }

    /** Ends what plays. */
    fun stop() {
        sound?.cancel()
    }

    /** Removes one from this phone. */
    suspend fun remove(row: RecordingRow) {
        failure = failureOf { core.call { removeRecording(row.attemptId) } }
    }
}
