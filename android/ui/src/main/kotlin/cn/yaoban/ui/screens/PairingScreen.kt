package cn.yaoban.ui.screens

import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.rememberScrollState
import androidx.compose.foundation.verticalScroll
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.OutlinedTextField
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.runtime.LaunchedEffect
import androidx.compose.ui.Modifier
import androidx.compose.ui.platform.testTag
import androidx.compose.ui.unit.dp
import cn.yaoban.core.SyncProgress
import cn.yaoban.core.SyncStage
import cn.yaoban.ui.Big
import cn.yaoban.ui.Icons
import cn.yaoban.ui.LocalScope
import cn.yaoban.ui.LocalWording
import cn.yaoban.ui.Middle
import cn.yaoban.ui.Part
import cn.yaoban.ui.Platform
import cn.yaoban.ui.Quiet
import cn.yaoban.ui.Refusal
import cn.yaoban.ui.Waiting
import cn.yaoban.ui.Wording
import cn.yaoban.ui.get
import cn.yaoban.ui.model.PairingModel
import cn.yaoban.ui.model.PairingModel.Phase
import cn.yaoban.ui.model.SyncModel
import cn.yaoban.ui.scanning
import cn.yaoban.ui.tenths
import cn.yaoban.ui.thousands
import kotlinx.coroutines.launch

/** A new phone: the hub's code, whose store it is, the members coming in. */
@Composable
internal fun PairingScreen(
    model: PairingModel,
    platform: Platform,
) {
    val words = LocalWording.current
    val scope = LocalScope.current
    LaunchedEffect(model) { model.follow() }
    if (model.phase == Phase.Unknown) {
        Refusal(model.failure) { scope.launch { model.begin() } }
        return
    }
    Middle {
        Column(
            Modifier.verticalScroll(rememberScrollState()).padding(24.dp),
            Arrangement.spacedBy(20.dp),
        ) {
            Text(words["app.name"], style = MaterialTheme.typography.headlineLarge, color = MaterialTheme.colorScheme.primary)
            val place = model.paired
            if (place != null) {
                Whose(place.storeName, place.chainName)
            } else if (model.phase !is Phase.Offered) {
                Text(words["pairing.welcome"], style = MaterialTheme.typography.bodyLarge)
            }
            when (val phase = model.phase) {
                Phase.Code -> Code(model, platform)
                Phase.Pairing -> Waiting(words["pairing.asking"])
                is Phase.Offered -> Offered(model, phase, platform)
                is Phase.Loading -> {
                    Waiting(loading(words, phase.progress, model.loadedBytes), share(phase.progress))
                    Text(words["pairing.goes_on"], color = MaterialTheme.colorScheme.onSurfaceVariant)
                    Quiet(words["pairing.stop"], Modifier.fillMaxWidth(), onClick = model::stop)
                }
                Phase.Interrupted -> {
                    Text(words["pairing.interrupted"], style = MaterialTheme.typography.bodyLarge)
                    Refusal(model.failure)
                    Big(words["pairing.go_on"], Modifier.fillMaxWidth(), Icons.sync) { scope.launch { model.load() } }
                }
                else -> Unit
            }
            if (model.usable) Usable(model::start)
        }
    }
}

/** The phone can be used before the load is in. */
@Composable
private fun Usable(onStart: () -> Unit) {
    val words = LocalWording.current
    Text(words["pairing.usable"], style = MaterialTheme.typography.bodyLarge)
    Big(words["pairing.start"], Modifier.fillMaxWidth().testTag("start"), onClick = onStart)
}

/** Whose phone it is, or will be. */
@Composable
private fun Whose(
    store: String,
    chain: String,
) {
    Part(LocalWording.current["pairing.place"]) {
        Text(store, style = MaterialTheme.typography.headlineSmall)
        Text(chain, style = MaterialTheme.typography.bodyLarge)
    }
}

/** Before the code is used up the clerk says whether the store is the right one. */
@Composable
private fun Offered(
    model: PairingModel,
    phase: Phase.Offered,
    platform: Platform,
) {
    val words = LocalWording.current
    val scope = LocalScope.current
    Whose(phase.offer.storeName, phase.offer.chainName)
    Big(words["pairing.accept"], Modifier.fillMaxWidth().testTag("accept")) { scope.launch { model.pair(platform.deviceName) } }
    Quiet(words["pairing.decline"], Modifier.fillMaxWidth().testTag("decline"), onClick = model::decline)
}

@Composable
private fun Code(
    model: PairingModel,
    platform: Platform,
) {
    val words = LocalWording.current
    val scope = LocalScope.current
    OutlinedTextField(
        model.code,
        { model.code = it },
        Modifier.fillMaxWidth().testTag("code"),
        label = { Text(words["pairing.code"]) },
        supportingText = { Text(words["pairing.code_hint"]) },
        minLines = 2,
    )
    Refusal(model.failure)
    Big(words["pairing.pair"], Modifier.fillMaxWidth(), enabled = model.code.isNotBlank()) {
        scope.launch { model.ask() }
    }
    Quiet(words["pairing.scan"], Modifier.fillMaxWidth(), Icons.scan, onClick = scanning(platform) { model.code = it })
}

/** How far a first load is: members, and MB. */
private fun loading(
    words: Wording,
    progress: SyncProgress?,
    bytes: ULong,
): String {
    val line = progress(words, progress)
    if (progress?.stage != SyncStage.LOADING || bytes == 0uL) return line
    return words["pairing.with_size", "line" to line, "mb" to tenths((bytes / 100_000uL).toInt())]
}

/** How far a first load is, on the screens of whoever works meanwhile: who is not found here may be at the hub. */
@Composable
internal fun LoadLine(sync: SyncModel) {
    val load = sync.status?.firstLoad ?: return
    Text(
        LocalWording.current["load.partial", "done" to thousands(load.membersDone), "total" to thousands(load.members)],
        Modifier.padding(horizontal = 16.dp, vertical = 4.dp).testTag("load"),
        color = MaterialTheme.colorScheme.onSurfaceVariant,
        style = MaterialTheme.typography.bodyMedium,
    )
}

/** What a round does now. */
internal fun progress(
    words: Wording,
    progress: SyncProgress?,
): String {
    val values = mapOf("done" to progress?.done, "total" to progress?.total)
    return when (progress?.stage) {
        null, SyncStage.CONNECTING -> words["sync.connecting"]
        SyncStage.LOADING -> words["sync.loading", values]
        SyncStage.INDEXING -> words["sync.indexing"]
        SyncStage.PULLING -> words["sync.pulling", values]
        SyncStage.PUSHING -> words["sync.pushing", values]
        SyncStage.CHECKING -> words["sync.checking"]
    }
}

private fun share(progress: SyncProgress?): Float? {
    if (progress?.stage != SyncStage.LOADING || progress.total == 0uL) return null
    return progress.done.toFloat() / progress.total.toFloat()
}
