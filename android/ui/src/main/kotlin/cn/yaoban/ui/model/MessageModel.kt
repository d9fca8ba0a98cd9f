package cn.yaoban.ui.model

import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.setValue
import cn.yaoban.core.Channel
import cn.yaoban.core.MessageOut
import cn.yaoban.core.MessagePreviews
import cn.yaoban.core.MessageResult
import cn.yaoban.core.SendState
import cn.yaoban.core.TemplateRow
import cn.yaoban.core.Told
import cn.yaoban.core.bridge.ClerkCore
import cn.yaoban.ui.Handed

/** A message from a template, to one or many, each through the gate. */
class MessageModel(
    private val core: ClerkCore,
    memberIds: List<String>,
    private val taskId: String? = null,
) {
    /** To whom; of a task none until it was read. */
    var memberIds: List<String> by mutableStateOf(memberIds)
        private set

    /** The templates; none until they were read. */
    var templates: List<TemplateRow>? by mutableStateOf(null)
        private set

    /** Which one was chosen. */
    var chosen: TemplateRow? by mutableStateOf(null)
        private set

    /** How it would be for the first ones, and whether it may be; none while nothing is chosen. */
    var previews: MessagePreviews? by mutableStateOf(null)
        private set

    /** What became of it: to hand over, put off, refused with the reason. */
    var result: MessageResult? by mutableStateOf(null)
        private set

    /** Those that were handed out once more. */
    var again: List<MessageOut> by mutableStateOf(emptyList())
        private set

    /** What became of each that was handed over, by its key. */
    var handed: Map<String, SendState> by mutableStateOf(emptyMap())
        private set

    /** Keys of those that another app has now: only the clerk knows whether they were sent. */
    var opened: Set<String> by mutableStateOf(emptySet())
        private set

    /** The texts that are not handed over yet. */
    val left: List<MessageOut>
        get() =
            result?.ready.orEmpty().filter {
                it.channel == Channel.SMS && handed[it.key] != SendState.SENT && it.key !in opened
            }

    /** A step is under way. */
    var busy by mutableStateOf(false)
        private set

    /** Why it did not get on. */
    var failure: Failure? by mutableStateOf(null)
        private set

    /** Reads whom it is for, and the templates. */
    suspend fun begin() =
        step {
            if (taskId != null) memberIds = listOf(core.call { task(taskId) }.task.memberId)
            templates = core.call { templates(null) }
        }

    /** Chooses a template and shows how it would be. */
    suspend fun choose(template: TemplateRow) =
        step {
            previews = core.call { previewMessages(memberIds, template.templateId) }
            chosen = template
        }

    /** Asks the gate for each, and stores what is to be handed over. */
    suspend fun send() =
        step {
            val template = chosen?.templateId ?: return@step
            result = core.call { taskId?.let { messageTask(it, template) } ?: message(memberIds, template) }
        }

    /** Hands out what was put off until now, through the gate once more. */
    suspend fun release() =
        step {
            result = core.call { dueMessages() }
        }

    /** Hands one out once more, through the gate again; none: why not stands in [failure]. */
    suspend fun handAgain(key: String): MessageOut? {
        var out: MessageOut? = null
        step {
            out = core.call { handAgain(key) }
            again = again.filter { it.key != key } + listOfNotNull(out)
        }
        return out
    }

    /** What the device did with a message. One that is only open in another app is not sent yet. */
    suspend fun handed(
        out: MessageOut,
        by: Handed,
    ) {
        when (by) {
            Handed.OPENED -> opened = opened + out.key
            Handed.DONE -> tell(out, Told.Sent)
            Handed.NOT_POSSIBLE -> tell(out, Told.NoApp)
        }
    }

    /** The clerk says whether a message was sent that another app had. */
    suspend fun told(
        out: MessageOut,
        sent: Boolean,
    ) = tell(out, if (sent) Told.Sent else Told.NotSent)

    private suspend fun tell(
        out: MessageOut,
        told: Told,
    ) = step {
        handed = handed + (out.key to core.call { messageTold(out.key, told) })
        opened = opened - out.key
    }

    private suspend fun step(work: suspend () -> Unit) {
        if (busy) return
        busy = true
        failure = failureOf { work() }
        busy = false
    }
}
