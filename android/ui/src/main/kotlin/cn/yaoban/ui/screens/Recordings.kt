package cn.yaoban.ui.screens

import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.runtime.DisposableEffect
import androidx.compose.runtime.LaunchedEffect
import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.remember
import androidx.compose.runtime.setValue
import androidx.compose.ui.Modifier
import androidx.compose.ui.platform.testTag
import androidx.compose.ui.unit.dp
import androidx.lifecycle.Lifecycle
import androidx.lifecycle.compose.LifecycleEventEffect
import cn.yaoban.core.RecordingRow
import cn.yaoban.core.bridge.ClerkCore
import cn.yaoban.ui.Ask
import cn.yaoban.ui.LocalScope
import cn.yaoban.ui.LocalWording
import cn.yaoban.ui.Part
import cn.yaoban.ui.Platform
import cn.yaoban.ui.Quiet
import cn.yaoban.ui.Recorder
import cn.yaoban.ui.Refusal
import cn.yaoban.ui.Waiting
import cn.yaoban.ui.code
import cn.yaoban.ui.get
import cn.yaoban.ui.model.AttachModel
import cn.yaoban.ui.model.RecordingsModel
import kotlinx.coroutines.launch

/** So many files and recordings are shown. */
private const val SHOWN = 6

/** Recordings of calls, of a member or of everybody: what became of each, to hear or to remove. */
@Composable
internal fun RecordingsOf(
    core: ClerkCore,
    memberId: String?,
    platform: Platform,
) {
    val words = LocalWording.current
    val model = remember(memberId) { RecordingsModel(core, memberId) }
    LaunchedEffect(model) { model.follow() }
    DisposableEffect(model) { onDispose(model::stop) }
    if (model.rows.isEmpty() && model.failure == null) return
    Part(words["recording.title"]) {
        Refusal(model.failure)
        model.rows.take(SHOWN).forEach { Recording(core, model, it, platform) }
        if (model.rows.size > SHOWN) Text(words["phone.more", "n" to model.rows.size - SHOWN])
    }
}

@Composable
private fun Recording(
    core: ClerkCore,
    model: RecordingsModel,
    row: RecordingRow,
    platform: Platform,
) {
    val words = LocalWording.current
    val scope = LocalScope.current
    var removing by remember(row) { mutableStateOf(false) }
    Column(Modifier.fillMaxWidth(), Arrangement.spacedBy(4.dp)) {
        Text(listOfNotNull(row.memberName, words.instant(row.callAtMs)).joinToString(" · "), style = MaterialTheme.typography.bodyLarge)
        Stands(row)
        if (row.state == AttachModel.NONE) {
            Later {
                val attach = remember(row.attemptId) { AttachModel(core, row.attemptId, platform.recorder) }
                LaunchedEffect(attach) { attach.look() }
                Refusal(attach.failure)
                Choice(attach)
            }
        }
        if (row.here) {
            Row(horizontalArrangement = Arrangement.spacedBy(8.dp)) {
                if (model.playing == row.attemptId) {
                    Quiet(words["recording.stop"], onClick = model::stop)
                } else {
                    Quiet(words["recording.play"], Modifier.testTag("play-${row.memberId}")) { scope.launch { model.play(row, platform) } }
                }
                Quiet(words["recording.remove"]) { removing = true }
            }
        }
    }
    if (removing) {
        Ask(words["recording.title"], words["recording.remove_text"], words["recording.remove"], { removing = false }) {
            removing = false
            scope.launch { model.remove(row) }
        }
    }
}

/** Where a recording is, how far its upload, and why there is none. */
@Composable
private fun Stands(row: RecordingRow) {
    val words = LocalWording.current
    val parts =
        listOfNotNull(
            words.code("recording_state", row.state),
            if (row.state == "waiting") words["recording.sent", "done" to mb(row.sentBytes), "all" to mb(row.bytes)] else null,
            (row.reason ?: row.lastError)?.let { words.find("recording_reason.$it") ?: words.reason(it) },
        )
    Text(
        parts.joinToString(" · "),
        Modifier.testTag("recording-${row.memberId}"),
        color = MaterialTheme.colorScheme.onSurfaceVariant,
        style = MaterialTheme.typography.bodyMedium,
    )
}

/** A call that was said to have no recording may still get one. */
@Composable
private fun Later(choice: @Composable () -> Unit) {
    var choosing by remember { mutableStateOf(false) }
    if (choosing) choice() else Quiet(LocalWording.current["recording.attach"], Modifier.testTag("attach")) { choosing = true }
}

/** Of an answered call: which file of the recorder is its recording, or that there is none. */
@Composable
internal fun RecordingOfCall(
    core: ClerkCore,
    attemptId: String,
    platform: Platform,
) {
    val words = LocalWording.current
    val scope = LocalScope.current
    val model = remember(attemptId) { AttachModel(core, attemptId, platform.recorder) }
    LaunchedEffect(model) { model.look() }
    // The recorder writes its file when the call ends: it may be there only now.
    LifecycleEventEffect(Lifecycle.Event.ON_RESUME) { scope.launch { model.look() } }
    val row = model.row
    Part(words["recording.title"]) {
        Refusal(model.failure)
        when {
            model.busy -> Waiting(words["recording.storing"])
            !model.looked -> Waiting(words["state.reading"])
            row == null || model.unsaid -> Choice(model)
            else -> {
                Stands(row)
                if (row.state == AttachModel.NONE) Later { Choice(model) }
            }
        }
    }
}

@Composable
private fun Choice(model: AttachModel) {
    val words = LocalWording.current
    val scope = LocalScope.current
    if (!model.possible) {
        Text(words["recording_reason.not_supported"])
    } else {
        if (model.folder == null) {
            Text(words["recording.choose_text"], style = MaterialTheme.typography.bodyMedium)
            Quiet(words["recording.choose"], Modifier.fillMaxWidth().testTag("choose-folder")) { scope.launch { model.choose() } }
        }
        val files = model.files.take(SHOWN)
        Text(words[if (files.isEmpty()) "recording.no_files" else "recording.which"], style = MaterialTheme.typography.titleMedium)
        files.forEachIndexed { at, file ->
            val name = words["recording.file", "when" to words.instant(file.atMs), "size" to mb(file.bytes)]
            Quiet(name, Modifier.fillMaxWidth().testTag("file-$at")) { scope.launch { model.attach(file) } }
        }
    }
    Quiet(words["recording.none"], Modifier.fillMaxWidth().testTag("no-recording")) { scope.launch { model.none() } }
}

/** Where the device's recorder writes, and choosing another folder. */
@Composable
internal fun RecorderFolder(recorder: Recorder) {
    val words = LocalWording.current
    val scope = LocalScope.current
    var folder by remember { mutableStateOf<String?>(null) }
    LaunchedEffect(recorder) { folder = recorder.folder() }
    Text(words["recording.folder", "name" to (folder ?: words["recording.not_chosen"])], style = MaterialTheme.typography.bodyMedium)
    Quiet(words["recording.choose"], Modifier.fillMaxWidth().testTag("choose-folder")) {
        scope.launch { if (recorder.chooseFolder()) folder = recorder.folder() }
    }
}
