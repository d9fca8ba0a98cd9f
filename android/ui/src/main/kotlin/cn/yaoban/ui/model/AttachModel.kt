package cn.yaoban.ui.model

import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.setValue
import cn.yaoban.core.RecorderFile
import cn.yaoban.core.RecordingRow
import cn.yaoban.core.bridge.ClerkCore
import cn.yaoban.core.bridge.StreamSource
import cn.yaoban.ui.Recorder

/** The recording of one call: a file of the device's recorder, or the word that there is none. */
class AttachModel(
    private val core: ClerkCore,
    private val attemptId: String,
    private val recorder: Recorder?,
) {
    /** What there is of this call; none until it was read. */
    var row: RecordingRow? by mutableStateOf(null)
        private set

    /** The folder of the recorder; none: it is still to be chosen. */
    var folder: String? by mutableStateOf(null)
        private set

    /** What the recorder wrote: what fits the call by number and time, then the nearest to it. */
    var files: List<RecorderFile> by mutableStateOf(emptyList())
        private set

    /** The folder was looked at; before that nothing can be said of it. */
    var looked by mutableStateOf(false)
        private set

    /** A file is being stored. */
    var busy by mutableStateOf(false)
        private set

    /** Why it was not. */
    var failure: Failure? by mutableStateOf(null)
        private set

    /** Whether the device's recordings can be had at all. */
    val possible: Boolean get() = recorder != null

    /** Looks at what there is; again when the clerk comes back from the dialler. */
    suspend fun look() {
        folder = recorder?.folder()
        val written = recorder?.files().orEmpty()
        var found: RecorderFile? = null
        failure =
            failureOf {
                row = core.call { recordingOf(attemptId) }
                val matched = core.call { matchRecording(attemptId, written) }
                files = matched.files
                found = files.firstOrNull { it.id == matched.found }
            }
        looked = true
        found?.takeIf { unsaid }?.let { attach(it) }
    }

    /** Nothing is known of a recording yet. */
    val unsaid: Boolean get() = row?.let { it.state == NONE && it.reason == null } ?: true

    /** Lets the clerk choose the folder. */
    suspend fun choose() {
        if (recorder?.chooseFolder() == true) look()
    }

    /** This file is the call's. */
    suspend fun attach(file: RecorderFile) {
        if (busy || recorder == null) return
        busy = true
        failure =
            failureOf {
                row =
                    core.call {
                        recorder.open(file)?.let { stream ->
                            StreamSource(stream).use { attachRecording(attemptId, it, file.mediaType) }
                        }
                    } ?: row
            } ?: Failure(null, "recording_gone").takeIf { row?.here != true }
        busy = false
    }

    /** There is none; why, as a code of the core's. */
    suspend fun none() {
        val why =
            when {
                recorder == null -> "not_supported"
                folder == null -> "no_permission"
                else -> "not_found"
            }
        failure = failureOf { row = core.call { noRecording(attemptId, why) } }
    }

    internal companion object {
        /** The state of a call without a recording. */
        const val NONE = "none"
    }
}
