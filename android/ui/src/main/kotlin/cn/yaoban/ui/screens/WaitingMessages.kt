package cn.yaoban.ui.screens

import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.PaddingValues
import androidx.compose.foundation.layout.fillMaxSize
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.lazy.LazyColumn
import androidx.compose.foundation.lazy.items
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.runtime.LaunchedEffect
import androidx.compose.runtime.remember
import androidx.compose.ui.Modifier
import androidx.compose.ui.platform.testTag
import androidx.compose.ui.unit.dp
import cn.yaoban.core.Channel
import cn.yaoban.core.MessageDeferred
import cn.yaoban.core.OpenMessage
import cn.yaoban.core.bridge.ClerkCore
import cn.yaoban.ui.Big
import cn.yaoban.ui.Chips
import cn.yaoban.ui.Head
import cn.yaoban.ui.Icons
import cn.yaoban.ui.LocalScope
import cn.yaoban.ui.LocalWording
import cn.yaoban.ui.Nothing
import cn.yaoban.ui.Part
import cn.yaoban.ui.Platform
import cn.yaoban.ui.Quiet
import cn.yaoban.ui.Refusal
import cn.yaoban.ui.Waiting
import cn.yaoban.ui.Way
import cn.yaoban.ui.code
import cn.yaoban.ui.get
import cn.yaoban.ui.model.MessageModel
import cn.yaoban.ui.model.WaitingModel
import kotlinx.coroutines.launch

/** Messages that wait for the clerk: those that were put off until now, and those of which it did not say what became. */
@Composable
internal fun WaitingMessages(
    core: ClerkCore,
    way: Way,
    platform: Platform,
) {
    val words = LocalWording.current
    val scope = LocalScope.current
    val waiting = remember { WaitingModel(core) }
    val due = remember { MessageModel(core, emptyList()) }
    LaunchedEffect(waiting) { waiting.follow() }
    val result = due.result
    val deferred = waiting.deferred.orEmpty()
    Column(Modifier.fillMaxSize()) {
        Head(words["message.waiting"], way::back)
        LazyColumn(
            Modifier.weight(1f).testTag("waiting"),
            contentPadding = PaddingValues(16.dp, 4.dp),
            verticalArrangement = Arrangement.spacedBy(10.dp),
        ) {
            item { Refusal(waiting.failure ?: due.failure) }
            if (result != null) outcome(due, result, platform)
            items(due.again, { "again-${it.key}" }) { Out(due, it, platform) }
            // What is in hand here says itself what became of it.
            val inHand = (result?.ready.orEmpty() + due.again).map { it.key }
            val untold = waiting.untold.filter { it.key !in inHand }
            if (untold.isNotEmpty()) item { Text(words["message.untold"], style = MaterialTheme.typography.titleMedium) }
            items(untold, { "untold-${it.key}" }) { message ->
                Untold(waiting, message) { scope.launch { sendAgain(due, message, platform) } }
            }
            items(deferred, { "deferred-${it.key}" }) { Later(it) }
            when {
                waiting.deferred == null -> if (waiting.failure == null) item { Waiting(words["state.reading"]) }
                inHand.isEmpty() && untold.isEmpty() && deferred.isEmpty() -> item { Nothing(words["message.none_waiting"]) }
            }
        }
        if (deferred.any { it.due }) {
            Column(Modifier.padding(16.dp, 8.dp)) {
                Big(words["message.release"], Modifier.fillMaxWidth().testTag("release"), Icons.message, enabled = !due.busy) {
                    scope.launch { due.release() }
                }
            }
        }
    }
}

/** Hands a message out once more; a text goes on into what sends it, WeChat is chosen first. */
private suspend fun sendAgain(
    model: MessageModel,
    message: OpenMessage,
    platform: Platform,
) {
    val out = model.handAgain(message.key) ?: return
    if (out.channel != Channel.WECHAT) handOver(model, out, platform)
}

/** A message that was put off: why and until when, or that its time has come. */
@Composable
private fun Later(message: MessageDeferred) {
    val words = LocalWording.current
    Part(message.name) {
        if (message.due) {
            Text(words["message.allowed"], color = MaterialTheme.colorScheme.primary)
        } else {
            Text(words.gate(message.reason))
            Text(words["message.later", "when" to words.instant(message.untilMs)])
        }
    }
}

/** A message of which the clerk says whether it was sent. */
@Composable
private fun Untold(
    model: WaitingModel,
    message: OpenMessage,
    onAgain: () -> Unit,
) {
    val words = LocalWording.current
    val scope = LocalScope.current
    val about = listOf(message.name, words.code("channel", message.channel), words.instant(message.atMs))
    val id = message.memberId
    Part(about.joinToString(" · ")) {
        Chips {
            Quiet(words["message.was_sent"], Modifier.testTag("was-sent-$id")) { scope.launch { model.told(message, true) } }
            Quiet(words["message.not_sent"], Modifier.testTag("not-sent-$id")) { scope.launch { model.told(message, false) } }
            Quiet(words["message.again"], Modifier.testTag("again-$id"), onClick = onAgain)
        }
    }
}
