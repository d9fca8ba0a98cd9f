package cn.yaoban.ui.screens

import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.fillMaxSize
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.rememberScrollState
import androidx.compose.foundation.verticalScroll
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.Switch
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.runtime.LaunchedEffect
import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.remember
import androidx.compose.runtime.saveable.rememberSaveable
import androidx.compose.runtime.setValue
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.platform.testTag
import androidx.compose.ui.semantics.contentDescription
import androidx.compose.ui.semantics.semantics
import androidx.compose.ui.unit.dp
import cn.yaoban.core.StaffRow
import cn.yaoban.ui.AppModel
import cn.yaoban.ui.Ask
import cn.yaoban.ui.Big
import cn.yaoban.ui.Danger
import cn.yaoban.ui.Entry
import cn.yaoban.ui.Head
import cn.yaoban.ui.Icons
import cn.yaoban.ui.LocalScope
import cn.yaoban.ui.LocalWording
import cn.yaoban.ui.Part
import cn.yaoban.ui.Platform
import cn.yaoban.ui.Points
import cn.yaoban.ui.Quiet
import cn.yaoban.ui.Refusal
import cn.yaoban.ui.Waiting
import cn.yaoban.ui.code
import cn.yaoban.ui.get
import cn.yaoban.ui.model.SettingsModel
import cn.yaoban.ui.model.SyncModel
import cn.yaoban.ui.tenths
import kotlinx.coroutines.launch

/** The phone itself: how it stands with the hub, what is stuck and why, who uses it, what it holds. */
@Composable
internal fun PhoneScreen(
    app: AppModel,
    platform: Platform,
    staff: StaffRow,
) {
    val words = LocalWording.current
    val model = remember { SettingsModel(app.core) }
    LaunchedEffect(model) { model.follow() }
    Column(Modifier.fillMaxSize()) {
        Head(words["nav.phone"])
        Column(
            Modifier.weight(1f).verticalScroll(rememberScrollState()).padding(16.dp, 4.dp).testTag("phone"),
            Arrangement.spacedBy(12.dp),
        ) {
            Refusal(model.failure)
            Rounds(app.sync)
            Stuck(app.sync)
            Who(app, staff)
            Holds(model, platform)
            RecordingsOf(app.core, null, platform)
            Health(model)
            Support(model, platform)
            Licences(platform)
            End(app, model, platform)
        }
    }
}

@Composable
private fun Rounds(sync: SyncModel) {
    val words = LocalWording.current
    val scope = LocalScope.current
    val status = sync.status
    Part(words["phone.sync"]) {
        if (status == null) {
            if (sync.unread == null) Text(words["state.reading"]) else Refusal(sync.unread)
            return@Part
        }
        Text("${status.storeName} · ${status.chainName}", style = MaterialTheme.typography.titleMedium)
        status.locked?.let { Danger(words["refused.device_locked", "locked" to words.code("locked", it)]) }
        if (status.setAside != null) Danger(words["phone.set_aside", "n" to status.salvagedOps])
        Entry(words["phone.last"], status.lastSyncMs?.let { words.instant(it) } ?: words["phone.never"])
        Entry(words["phone.waiting"], status.waiting.toString(), strong = status.waiting > 0)
        if (status.held > 0) Entry(words.code("op_state", "held"), status.held.toString())
        Refusal(sync.failure)
        val running = sync.progress
        if (running != null) {
            Waiting(progress(words, running))
        } else {
            Big(words["phone.sync_now"], Modifier.fillMaxWidth().testTag("sync"), Icons.sync) { scope.launch { sync.syncNow() } }
        }
    }
}

/** What the hub refused or could not read; and what is on its way. */
@Composable
private fun Stuck(sync: SyncModel) {
    val words = LocalWording.current
    val scope = LocalScope.current
    val ops = sync.queue?.ops.orEmpty()
    if (ops.isEmpty()) return
    Part(words["phone.queue"]) {
        for (op in ops.take(SHOWN)) {
            Row(Modifier.fillMaxWidth(), Arrangement.spacedBy(10.dp), Alignment.CenterVertically) {
                Column(Modifier.weight(1f)) {
                    Text(
                        listOfNotNull(words.code("op", op.op), op.memberName, words.instant(op.atMs)).joinToString(" · "),
                        style = MaterialTheme.typography.bodyMedium,
                    )
                    Text(
                        listOfNotNull(words.code("op_state", op.state), op.reason?.let { words.reason(it, op.values) }).joinToString("："),
                        color = if (op.stuck) MaterialTheme.colorScheme.error else MaterialTheme.colorScheme.onSurfaceVariant,
                        style = MaterialTheme.typography.bodyMedium,
                    )
                }
                if (op.stuck) Quiet(words["phone.seen"]) { scope.launch { sync.putAway(op.outboxId) } }
            }
        }
        if (ops.size > SHOWN) Text(words["phone.more", "n" to ops.size - SHOWN])
    }
}

/** So many operations are listed. */
private const val SHOWN = 20

@Composable
private fun Who(
    app: AppModel,
    staff: StaffRow,
) {
    val words = LocalWording.current
    val scope = LocalScope.current
    Part(words["phone.who"]) {
        Text("${staff.name} · ${words.code("role", staff.role)}", style = MaterialTheme.typography.titleMedium)
        Refusal(app.signIn.failure)
        Row(horizontalArrangement = Arrangement.spacedBy(8.dp)) {
            if (staff.hasPin) Quiet(words["phone.lock"], Modifier.testTag("lock"), Icons.lock) { scope.launch { app.signIn.lock() } }
            Quiet(words["phone.switch"], Modifier.testTag("switch")) { scope.launch { app.signIn.signOut() } }
        }
    }
}

@Composable
private fun Holds(
    model: SettingsModel,
    platform: Platform,
) {
    val words = LocalWording.current
    val scope = LocalScope.current
    val storage = model.storage ?: return
    Part(words["phone.holds"]) {
        Entry(words["phone.members"], storage.members.toString())
        Entry(words["phone.data"], mb(storage.fileBytes))
        model.recordings?.let { use ->
            Entry(words["phone.recordings"], words["phone.of", "used" to mb(use.bytes), "max" to mb(use.bytesMax)])
            Setting(words["phone.wifi_only"], use.wifiOnly) { scope.launch { model.wifiOnly(it) } }
            use.heldBack?.let { Text(words.code("recording_held", it), color = MaterialTheme.colorScheme.onSurfaceVariant) }
        }
        platform.recorder?.let { RecorderFolder(it) }
        SmsItself(platform)
    }
}

/** Texts go out by the SMS app, unless the clerk lets this one send them. */
@Composable
private fun SmsItself(platform: Platform) {
    val words = LocalWording.current
    val scope = LocalScope.current
    val sender = platform.smsSender ?: return
    var on by remember { mutableStateOf(sender.on) }
    var denied by remember { mutableStateOf(false) }
    Setting(words["phone.sms_itself"], on) {
        scope.launch {
            sender.turn(it)
            on = sender.on
            denied = it && !on
        }
    }
    if (denied) Text(words["phone.sms_denied"], color = MaterialTheme.colorScheme.error)
}

/** A setting that is on or off. */
@Composable
private fun Setting(
    name: String,
    on: Boolean,
    onChange: (Boolean) -> Unit,
) {
    Row(Modifier.fillMaxWidth(), verticalAlignment = Alignment.CenterVertically) {
        Text(name, Modifier.weight(1f), style = MaterialTheme.typography.bodyMedium)
        Switch(on, onChange, Modifier.semantics { contentDescription = name })
    }
}

/** So many bytes in MB. */
internal fun mb(bytes: ULong): String = tenths((bytes / 100_000uL).toInt()) + " MB"

@Composable
private fun Health(model: SettingsModel) {
    val words = LocalWording.current
    val scope = LocalScope.current
    Part(words["phone.health"]) {
        val checkup = model.checkup
        if (model.checking) {
            Waiting(words["phone.checking"])
        } else {
            if (checkup != null) {
                Text(words["phone.version", "app" to checkup.appVersion], style = MaterialTheme.typography.bodyMedium)
                if (checkup.findings.isEmpty()) Text(words["phone.well"], style = MaterialTheme.typography.bodyLarge)
                Points(checkup.findings.map { words.code("doctor_finding", it) })
            }
            Quiet(words["phone.check"], Modifier.fillMaxWidth()) { scope.launch { model.check() } }
        }
    }
}

/** What support needs, sealed for it alone, by whatever app the clerk has at hand. */
@Composable
private fun Support(
    model: SettingsModel,
    platform: Platform,
) {
    val words = LocalWording.current
    val scope = LocalScope.current
    var nobody by remember { mutableStateOf(false) }
    Part(words["phone.bundle"]) {
        Text(words["phone.bundle_text"], style = MaterialTheme.typography.bodyMedium)
        if (nobody) Text(words["phone.bundle_nobody"], color = MaterialTheme.colorScheme.error)
        Quiet(words["phone.bundle_send"], Modifier.fillMaxWidth().testTag("bundle"), enabled = !model.checking) {
            scope.launch {
                val bytes = model.bundle() ?: return@launch
                nobody = !platform.shareFile("yaoban-support.bin", "application/octet-stream", bytes)
            }
        }
    }
}

@Composable
private fun Licences(platform: Platform) {
    val words = LocalWording.current
    var shown by rememberSaveable { mutableStateOf(false) }
    Part(words["phone.licences"], action = {
        Quiet(words[if (shown) "today.hide" else "phone.show"], Modifier.testTag("licences")) { shown = !shown }
    }) {
        if (shown) platform.licences().forEach { Text(it, style = MaterialTheme.typography.bodySmall) }
    }
}

/** The end of the pairing: everything here is deleted; what was not sent only if it may be lost. */
@Composable
private fun End(
    app: AppModel,
    model: SettingsModel,
    platform: Platform,
) {
    val words = LocalWording.current
    val scope = LocalScope.current
    var asking by remember { mutableStateOf(false) }
    val unsent = model.failure?.code == "unsent"
    Part(words["phone.unpair"]) {
        Text(words["phone.unpair_text"], style = MaterialTheme.typography.bodyMedium)
        Quiet(words[if (unsent) "phone.unpair_lose" else "phone.unpair"], Modifier.fillMaxWidth().testTag("unpair")) { asking = true }
    }
    if (asking) {
        Ask(words["phone.unpair"], words["phone.unpair_text"], words["phone.unpair"], { asking = false }) {
            asking = false
            scope.launch {
                if (model.unpair(lose = unsent)) platform.unpaired() else app.sync.syncNow()
            }
        }
    }
}
