package cn.yaoban.ui.screens

import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.BoxWithConstraints
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.PaddingValues
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.fillMaxSize
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.layout.width
import androidx.compose.foundation.lazy.LazyColumn
import androidx.compose.foundation.lazy.items
import androidx.compose.foundation.shape.RoundedCornerShape
import androidx.compose.material3.Icon
import androidx.compose.material3.IconButton
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.OutlinedTextField
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.runtime.LaunchedEffect
import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.saveable.rememberSaveable
import androidx.compose.runtime.setValue
import androidx.compose.ui.Modifier
import androidx.compose.ui.focus.onFocusChanged
import androidx.compose.ui.platform.LocalFocusManager
import androidx.compose.ui.platform.testTag
import androidx.compose.ui.unit.dp
import cn.yaoban.core.ErrorKind
import cn.yaoban.ui.AskButton
import cn.yaoban.ui.DangerSign
import cn.yaoban.ui.Head
import cn.yaoban.ui.Icons
import cn.yaoban.ui.Keypad
import cn.yaoban.ui.LocalWording
import cn.yaoban.ui.MemberLine
import cn.yaoban.ui.Nothing
import cn.yaoban.ui.Platform
import cn.yaoban.ui.Quiet
import cn.yaoban.ui.Refusal
import cn.yaoban.ui.Sign
import cn.yaoban.ui.Touch
import cn.yaoban.ui.Waiting
import cn.yaoban.ui.Way
import cn.yaoban.ui.What
import cn.yaoban.ui.get
import cn.yaoban.ui.model.SearchModel
import cn.yaoban.ui.model.SyncModel
import cn.yaoban.ui.scanning

/** The counter: a member by phone digits, name, initials or card, while it is still greeted. */
@Composable
internal fun CounterScreen(
    model: SearchModel,
    sync: SyncModel,
    way: Way,
    platform: Platform,
) {
    val words = LocalWording.current
    var typing by rememberSaveable { mutableStateOf(false) }
    LaunchedEffect(model.query) { model.follow() }
    BoxWithConstraints(Modifier.fillMaxSize()) {
        val low = maxHeight < LOW
        Column(Modifier.fillMaxSize()) {
            Head(words["nav.counter"]) {
                OfflineSign(sync)
                Touch(Icons.scan, words["counter.scan"], scanning(platform) { model.query = it })
                Touch(Icons.add, words["counter.register"]) { way.to(What.REGISTER, model.query) }
            }
            LoadLine(sync)
            // On a phone that lies on its side the keys stand beside the members, and not in their place.
            Row(Modifier.weight(1f)) {
                Column(Modifier.weight(1f)) {
                    Query(model) { typing = it }
                    Found(model, way, Modifier.weight(1f))
                }
                if (low) Keys(model, typing, Modifier.width(180.dp))
            }
            if (!low) Keys(model, typing, Modifier)
        }
    }
}

/** Lower than this, a screen is a phone's on its side. */
private val LOW = 480.dp

@Composable
private fun Query(
    model: SearchModel,
    onTyping: (Boolean) -> Unit,
) {
    val words = LocalWording.current
    OutlinedTextField(
        model.query,
        { model.query = it },
        Modifier
            .fillMaxWidth()
            .padding(horizontal = 16.dp)
            .testTag("query")
            .onFocusChanged { onTyping(it.isFocused) },
        placeholder = { Text(words["counter.hint"]) },
        leadingIcon = { Icon(Icons.search, null) },
        trailingIcon = {
            if (model.query.isNotEmpty()) {
                IconButton({ model.query = "" }) { Icon(Icons.close, words["act.clear"]) }
            }
        },
        textStyle = MaterialTheme.typography.titleLarge,
        singleLine = true,
        shape = RoundedCornerShape(14.dp),
    )
}

/** Keys for digits; while the device's own keyboard is up, the way back to them. */
@Composable
private fun Keys(
    model: SearchModel,
    typing: Boolean,
    modifier: Modifier,
) {
    val focus = LocalFocusManager.current
    if (typing) {
        Quiet(LocalWording.current["counter.keypad"], modifier.fillMaxWidth().padding(16.dp)) { focus.clearFocus() }
    } else {
        Keypad(
            { model.query += it },
            { model.query = model.query.dropLast(1) },
            modifier.padding(horizontal = 16.dp, vertical = 8.dp),
        )
    }
}

@Composable
private fun Found(
    model: SearchModel,
    way: Way,
    modifier: Modifier,
) {
    val words = LocalWording.current
    val found = model.found
    LazyColumn(
        modifier.fillMaxWidth(),
        contentPadding = PaddingValues(16.dp, 8.dp),
        verticalArrangement = Arrangement.spacedBy(8.dp),
    ) {
        item { Refusal(model.failure) }
        if (found == null) {
            if (model.failure == null) item { Waiting(words["state.reading"]) }
        } else {
            found.none?.let { none -> item { Nothing(words.said(none)) { if (found.nobody) Elsewhere(model, way) } } }
            if (found.recent && found.members.isNotEmpty()) {
                item { Text(words["counter.recent"], color = MaterialTheme.colorScheme.onSurfaceVariant) }
            }
            items(found.members, { it.memberId }) { member ->
                MemberLine(member, { way.to(What.MEMBER, member.memberId) })
            }
        }
        if (model.lookingUp) item { Waiting(words["counter.looking_up"]) }
    }
}

/** Nobody here fits: somebody new, or one whom headquarters knows. */
@Composable
private fun Elsewhere(
    model: SearchModel,
    way: Way,
) {
    val words = LocalWording.current
    Quiet(words["counter.register"], Modifier.fillMaxWidth(), Icons.add) { way.to(What.REGISTER, model.query) }
    AskButton(
        words["load.look_up"],
        words["counter.reason"],
        words["counter.look_up"],
        Modifier.fillMaxWidth().testTag("look-up"),
        Icons.search,
        model::lookUp,
    )
    Text(words["counter.whole"], color = MaterialTheme.colorScheme.onSurfaceVariant, style = MaterialTheme.typography.bodyMedium)
}

/** That there is no network: everything goes on, and the clerk knows. */
@Composable
internal fun OfflineSign(sync: SyncModel) {
    val words = LocalWording.current
    val waiting = sync.status?.waiting ?: 0
    val colors = MaterialTheme.colorScheme
    Row {
        when (sync.failure?.kind) {
            // No waiting mends it: the phone's page says why.
            ErrorKind.HUB -> DangerSign(words["state.no_sync"])
            ErrorKind.OFFLINE ->
                Sign(
                    if (waiting > 0) words["state.offline_waiting", "n" to waiting] else words["state.offline"],
                    colors.tertiaryContainer,
                    colors.onTertiaryContainer,
                )
            else -> Unit
        }
    }
}
