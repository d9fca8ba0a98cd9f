package cn.yaoban.ui.screens

import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.PaddingValues
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.fillMaxSize
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.lazy.LazyColumn
import androidx.compose.foundation.lazy.LazyListScope
import androidx.compose.foundation.lazy.items
import androidx.compose.foundation.shape.RoundedCornerShape
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.Surface
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.runtime.LaunchedEffect
import androidx.compose.runtime.remember
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.platform.testTag
import androidx.compose.ui.unit.dp
import cn.yaoban.core.Channel
import cn.yaoban.core.MessageDeferred
import cn.yaoban.core.MessageOut
import cn.yaoban.core.MessagePreviews
import cn.yaoban.core.MessageResult
import cn.yaoban.core.SendState
import cn.yaoban.core.TemplateRow
import cn.yaoban.core.bridge.ClerkCore
import cn.yaoban.ui.Big
import cn.yaoban.ui.Chips
import cn.yaoban.ui.Handed
import cn.yaoban.ui.Head
import cn.yaoban.ui.Icons
import cn.yaoban.ui.LocalScope
import cn.yaoban.ui.LocalWording
import cn.yaoban.ui.Nothing
import cn.yaoban.ui.Part
import cn.yaoban.ui.Platform
import cn.yaoban.ui.Quiet
import cn.yaoban.ui.Refusal
import cn.yaoban.ui.ShareTarget
import cn.yaoban.ui.Sign
import cn.yaoban.ui.Waiting
import cn.yaoban.ui.Way
import cn.yaoban.ui.code
import cn.yaoban.ui.get
import cn.yaoban.ui.model.MessageModel
import kotlinx.coroutines.launch

/** A message from a template: how it will read, whom the gate lets it reach, and the way into the app that sends it. */
@Composable
internal fun MessageScreen(
    core: ClerkCore,
    memberIds: List<String>,
    taskId: String?,
    way: Way,
    platform: Platform,
) {
    val words = LocalWording.current
    val scope = LocalScope.current
    val model = remember(memberIds, taskId) { MessageModel(core, memberIds, taskId) }
    LaunchedEffect(model) { model.begin() }
    Column(Modifier.fillMaxSize()) {
        Head(words["message.title", "n" to model.memberIds.size], way::back)
        LazyColumn(
            Modifier.weight(1f).testTag("message"),
            contentPadding = PaddingValues(16.dp, 4.dp),
            verticalArrangement = Arrangement.spacedBy(10.dp),
        ) {
            item { Refusal(model.failure) }
            val result = model.result
            val previews = model.previews
            when {
                result != null -> outcome(model, result, platform)
                model.busy && model.templates != null -> item { Waiting(words["state.working"]) }
                previews != null -> preview(model.chosen?.title.orEmpty(), previews)
                model.templates == null -> if (model.failure == null) item { Waiting(words["state.reading"]) }
                else -> templates(model.templates.orEmpty()) { scope.launch { model.choose(it) } }
            }
        }
        val possible = model.previews?.possible
        if (possible != null && model.result == null) {
            Column(Modifier.padding(16.dp, 8.dp)) {
                Big(
                    words["message.send"],
                    Modifier.fillMaxWidth().testTag("send"),
                    Icons.message,
                    enabled = !model.busy && possible,
                ) { scope.launch { model.send() } }
            }
        }
    }
}

private fun LazyListScope.templates(
    rows: List<TemplateRow>,
    onChoose: (TemplateRow) -> Unit,
) {
    if (rows.isEmpty()) item { Nothing(LocalWording.current["message.no_templates"]) }
    items(rows, { it.templateId }) { row ->
        val words = LocalWording.current
        Surface(
            { onChoose(row) },
            Modifier.fillMaxWidth().testTag("template-${row.templateId}"),
            enabled = row.findings.isEmpty(),
            shape = RoundedCornerShape(14.dp),
            color = MaterialTheme.colorScheme.surfaceContainerLow,
        ) {
            Column(Modifier.padding(16.dp), Arrangement.spacedBy(6.dp)) {
                Row(horizontalArrangement = Arrangement.spacedBy(8.dp), verticalAlignment = Alignment.CenterVertically) {
                    Text(row.title, Modifier.weight(1f), style = MaterialTheme.typography.titleMedium)
                    Sign(words.code("channel", row.channel.name.lowercase()))
                    Sign(words.code("purpose", row.purpose))
                }
                Text(row.text, style = MaterialTheme.typography.bodyMedium, color = MaterialTheme.colorScheme.onSurfaceVariant)
                row.findings.forEach { Text(words.code("finding", it), color = MaterialTheme.colorScheme.error) }
            }
        }
    }
}

private fun LazyListScope.preview(
    title: String,
    previews: MessagePreviews,
) {
    item { Text(title, style = MaterialTheme.typography.titleLarge) }
    items(previews.shown, { it.memberId }) { preview ->
        val words = LocalWording.current
        Part(listOfNotNull(preview.name, preview.phoneMasked ?: words["show.no_phone"]).joinToString("  ")) {
            Text(preview.text, style = MaterialTheme.typography.bodyLarge)
            val reason = preview.gate.reason
            if (reason == null) {
                Text(words["message.allowed"], color = MaterialTheme.colorScheme.primary)
            } else {
                Text(words.gate(reason), color = MaterialTheme.colorScheme.error, style = MaterialTheme.typography.titleSmall)
                preview.gate.untilMs?.let { Text(words["message.later", "when" to words.instant(it)]) }
            }
        }
    }
    if (previews.more > 0uL) item { Text(LocalWording.current["message.more", "n" to previews.more]) }
}

/** What goes out, what waits, and who is refused and why. */
internal fun LazyListScope.outcome(
    model: MessageModel,
    result: MessageResult,
    platform: Platform,
) {
    item {
        Text(
            LocalWording.current[
                "message.counts", "ready" to result.ready.size, "deferred" to result.deferred.size, "refused" to result.refused.size,
            ],
            style = MaterialTheme.typography.titleMedium,
        )
    }
    if (result.reasons.isNotEmpty()) item { Refused(result) }
    item { All(model, platform) }
    items(result.ready, { it.key }) { out -> Out(model, out, platform) }
    items(result.deferred, { it.key }) { Deferred(it) }
}

/** A message that the gate put off. */
@Composable
private fun Deferred(later: MessageDeferred) {
    val words = LocalWording.current
    Part(later.name) { Text(words["message.deferred", "why" to words.gate(later.reason), "when" to words.instant(later.untilMs)]) }
}

/** Where the phone sends by itself, many go out at one touch. */
@Composable
private fun All(
    model: MessageModel,
    platform: Platform,
) {
    val left = model.left
    if (left.size < 2 || platform.smsSender?.on != true) return
    val scope = LocalScope.current
    Big(LocalWording.current["message.sms_each", "n" to left.size], Modifier.fillMaxWidth().testTag("sms-all"), Icons.message) {
        // Where one takes the SMS app after all, the others wait for it.
        scope.launch { left.all { handOver(model, it, platform) == Handed.DONE } }
    }
}

/** Gives a text to what sends it on this device, and tells what became of it. */
internal suspend fun handOver(
    model: MessageModel,
    out: MessageOut,
    platform: Platform,
): Handed {
    val handed = out.number?.let { platform.sms(it, out.text, out.key) } ?: Handed.NOT_POSSIBLE
    model.handed(out, handed)
    return handed
}

/** Gives a text to a chat: whether it is sent there, the app does not say. */
private suspend fun share(
    model: MessageModel,
    out: MessageOut,
    target: ShareTarget,
    platform: Platform,
) = model.handed(out, if (platform.share(target, out.text)) Handed.OPENED else Handed.NOT_POSSIBLE)

/** Who is refused, by reason. */
@Composable
private fun Refused(result: MessageResult) {
    val words = LocalWording.current
    Part(words["message.refused", "n" to result.refused.size], Modifier.testTag("refused")) {
        for ((code, values, names) in result.reasons) {
            Text(words.reason(code, values), color = MaterialTheme.colorScheme.error, style = MaterialTheme.typography.titleSmall)
            Text(names.joinToString("、"), style = MaterialTheme.typography.bodyMedium)
        }
    }
}

/** A text that goes out, and the way into the app that sends it. */
@Composable
internal fun Out(
    model: MessageModel,
    out: MessageOut,
    platform: Platform,
) {
    val words = LocalWording.current
    val scope = LocalScope.current
    Part(listOfNotNull(out.name, out.phoneMasked).joinToString("  ")) {
        val state = model.handed[out.key]
        // What is sent makes room for the next ones.
        if (state != SendState.SENT) Text(out.text, style = MaterialTheme.typography.bodyMedium)
        if (state != null) Sign(words.code("send", state.name.lowercase()))
        if (state != SendState.SENT) {
            if (out.channel == Channel.WECHAT) {
                Row(horizontalArrangement = Arrangement.spacedBy(8.dp)) {
                    Quiet(words["message.wechat"]) { scope.launch { share(model, out, ShareTarget.WECHAT, platform) } }
                    Quiet(words["message.wecom"]) { scope.launch { share(model, out, ShareTarget.WECOM, platform) } }
                }
            } else {
                Big(words["message.sms"], Modifier.fillMaxWidth().testTag("sms-${out.memberId}"), Icons.message) {
                    scope.launch { handOver(model, out, platform) }
                }
            }
        }
        if (out.key in model.opened) {
            WasItSent(out.memberId) { sent -> scope.launch { model.told(out, sent) } }
        }
    }
}

/** Whether a message was sent that another app has. */
@Composable
private fun WasItSent(
    memberId: String,
    onTold: (Boolean) -> Unit,
) {
    val words = LocalWording.current
    Text(words["message.sent_question"], style = MaterialTheme.typography.titleSmall)
    Chips {
        Quiet(words["message.was_sent"], Modifier.testTag("was-sent-$memberId")) { onTold(true) }
        Quiet(words["message.not_sent"], Modifier.testTag("not-sent-$memberId")) { onTold(false) }
    }
}
