package cn.yaoban.ui.screens

import androidx.compose.foundation.horizontalScroll
import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.PaddingValues
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.Spacer
import androidx.compose.foundation.layout.fillMaxSize
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.heightIn
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.layout.size
import androidx.compose.foundation.lazy.LazyColumn
import androidx.compose.foundation.lazy.items
import androidx.compose.foundation.rememberScrollState
import androidx.compose.foundation.shape.RoundedCornerShape
import androidx.compose.material3.Badge
import androidx.compose.material3.BadgedBox
import androidx.compose.material3.DropdownMenu
import androidx.compose.material3.DropdownMenuItem
import androidx.compose.material3.Icon
import androidx.compose.material3.IconButton
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.Surface
import androidx.compose.material3.SwipeToDismissBox
import androidx.compose.material3.Text
import androidx.compose.material3.rememberSwipeToDismissBoxState
import androidx.compose.runtime.Composable
import androidx.compose.runtime.LaunchedEffect
import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.remember
import androidx.compose.runtime.setValue
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.graphics.vector.ImageVector
import androidx.compose.ui.platform.testTag
import androidx.compose.ui.unit.dp
import cn.yaoban.core.Awaits
import cn.yaoban.core.MemberClass
import cn.yaoban.core.OpenAttempt
import cn.yaoban.core.StaffRow
import cn.yaoban.core.TaskAct
import cn.yaoban.core.TaskRow
import cn.yaoban.ui.Big
import cn.yaoban.ui.Chip
import cn.yaoban.ui.ClassBadge
import cn.yaoban.ui.Head
import cn.yaoban.ui.Icons
import cn.yaoban.ui.LocalScope
import cn.yaoban.ui.LocalWording
import cn.yaoban.ui.Nothing
import cn.yaoban.ui.Place
import cn.yaoban.ui.Quiet
import cn.yaoban.ui.Refusal
import cn.yaoban.ui.Sign
import cn.yaoban.ui.Signs
import cn.yaoban.ui.Waiting
import cn.yaoban.ui.Way
import cn.yaoban.ui.What
import cn.yaoban.ui.code
import cn.yaoban.ui.get
import cn.yaoban.ui.model.SyncModel
import cn.yaoban.ui.model.TaskListModel
import cn.yaoban.ui.place
import kotlinx.coroutines.launch
import java.time.LocalDate

/** Whom to call next, why, and one touch to do it. */
@Composable
internal fun TasksScreen(
    model: TaskListModel,
    sync: SyncModel,
    way: Way,
    staff: StaffRow,
) {
    val words = LocalWording.current
    LaunchedEffect(model.filter) { model.follow() }
    Column(Modifier.fillMaxSize()) {
        Head(words["nav.tasks"]) {
            OfflineSign(sync)
            if (staff.may.seeStore) {
                Chip(words["list.whole_store"], model.filter.wholeStore) {
                    model.filter = model.filter.copy(wholeStore = !model.filter.wholeStore)
                }
            }
            val messages = model.counts?.messages ?: 0uL
            IconButton({ way.to(What.WAITING) }, Modifier.size(48.dp)) {
                BadgedBox({ if (messages > 0uL) Badge { Text(messages.toString()) } }) { Icon(Icons.message, words["message.waiting"]) }
            }
        }
        LoadLine(sync)
        Filters(model)
        val list = model.list
        LazyColumn(
            Modifier.weight(1f).fillMaxWidth().testTag("tasks"),
            contentPadding = PaddingValues(16.dp, 8.dp),
            verticalArrangement = Arrangement.spacedBy(10.dp),
        ) {
            items(model.open, { "open-${it.attemptId}" }) { Unfinished(it, way) }
            item { Refusal(model.failure) }
            if (list == null) {
                if (model.failure == null) item { Waiting(words["state.reading"]) }
            } else {
                list.none?.let { item { Nothing(words.said(it)) } }
                for (household in list.households) {
                    items(household.tasks, { it.taskId }) { task -> TaskCard(model, task, way, model.filter.wholeStore) }
                }
                val shown = list.households.size
                if (shown.toULong() < list.householdCount) {
                    item("more-$shown") {
                        LaunchedEffect(shown) { model.more() }
                        Waiting(words["state.reading"])
                    }
                }
            }
        }
    }
}

/** A dial that waits for a word, as after a phone that died during the call. */
@Composable
private fun Unfinished(
    open: OpenAttempt,
    way: Way,
) {
    val words = LocalWording.current
    Surface(
        { way.to(open.target.place()) },
        Modifier.fillMaxWidth().testTag("open-${open.memberId}"),
        shape = RoundedCornerShape(14.dp),
        color = MaterialTheme.colorScheme.tertiaryContainer,
    ) {
        Row(Modifier.padding(14.dp), Arrangement.spacedBy(10.dp), Alignment.CenterVertically) {
            Icon(Icons.phone, null)
            Text(
                words[if (open.awaits == Awaits.RESULT) "list.open_result" else "list.open_outcome", "name" to open.name],
                style = MaterialTheme.typography.titleMedium,
            )
        }
    }
}

@Composable
private fun Filters(model: TaskListModel) {
    val words = LocalWording.current
    val filter = model.filter
    Row(
        Modifier.horizontalScroll(rememberScrollState()).padding(horizontal = 16.dp, vertical = 4.dp),
        Arrangement.spacedBy(8.dp),
    ) {
        for ((view, count) in model.counts?.views.orEmpty()) {
            val name = words.code("list", view.name.lowercase())
            Chip("$name $count", filter.view == view, Modifier.testTag("view-${view.name}")) { model.show(view) }
        }
        Narrow(words["list.class"], filter.`class`?.let { words.code("class", it.name.lowercase()) }, { model.narrow(null) }) {
            model.counts?.classes.orEmpty().mapNotNull { count ->
                val of = MemberClass.entries.firstOrNull { it.name.equals(count.code, true) } ?: return@mapNotNull null
                "${words.code("class", count.code)} ${count.count}" to { model.narrow(of) }
            }
        }
        Narrow(words["list.disease"], filter.disease?.let { words.disease(it) }, { model.filter = filter.copy(disease = null) }) {
            model.members?.diseases.orEmpty().map { count ->
                words.disease(count.code) to { model.filter = filter.copy(disease = count.code) }
            }
        }
        Narrow(words["field.tags"], filter.tag, { model.filter = filter.copy(tag = null) }) {
            model.members?.tags.orEmpty().map { count -> count.code to { model.filter = filter.copy(tag = count.code) } }
        }
    }
}

/** A chip that opens a choice; chosen, a touch takes it away. */
@Composable
private fun Narrow(
    name: String,
    chosen: String?,
    clear: () -> Unit,
    choices: () -> List<Pair<String, () -> Unit>>,
) {
    var open by remember { mutableStateOf(false) }
    Chip(chosen?.let { "$it ✕" } ?: "$name ▾", chosen != null) { if (chosen != null) clear() else open = true }
    DropdownMenu(open, { open = false }) {
        for ((text, choose) in choices()) {
            DropdownMenuItem({ Text(text) }, {
                open = false
                choose()
            })
        }
    }
}

/** A button of a task: the key of what it says, what it shows, where it leads, and what tests know it by. */
internal class TaskTouch(
    val text: String,
    val icon: ImageVector,
    val place: Place,
    val tag: String,
)

/** The button for what is done with a task by a touch; none: nothing is. */
internal fun TaskAct.touch(taskId: String): TaskTouch? =
    when (this) {
        TaskAct.CALL -> TaskTouch("list.call", Icons.phone, Place(What.CALL_TASK, taskId), "call")
        TaskAct.MESSAGE -> TaskTouch("list.message", Icons.message, Place(What.MESSAGE_TASK, taskId), "message")
        TaskAct.NOTHING -> null
    }

/** A task; one that can be put off is so by a swipe, or by its button. */
@Composable
private fun TaskCard(
    model: TaskListModel,
    task: TaskRow,
    way: Way,
    wholeStore: Boolean,
) {
    val words = LocalWording.current
    val scope = LocalScope.current
    var deferring by remember { mutableStateOf(false) }
    val last = task.deferUntilMax
    if (last != null) {
        val swipe = rememberSwipeToDismissBoxState()
        SwipeToDismissBox(
            swipe,
            { UnderSwipe(words["list.defer"]) },
            enableDismissFromStartToEnd = false,
            onDismiss = {
                deferring = true
                scope.launch { swipe.reset() }
            },
        ) { Card(task, way, wholeStore) { deferring = true } }
    } else {
        Card(task, way, wholeStore, null)
    }
    if (deferring && last != null) {
        DayQuestion(words["list.defer_to"], last, { deferring = false }) { day: LocalDate ->
            deferring = false
            scope.launch { model.defer(task.taskId, day) }
        }
    }
}

/** What a swipe uncovers: what it is for. */
@Composable
private fun UnderSwipe(text: String) {
    val colors = MaterialTheme.colorScheme
    Surface(Modifier.fillMaxSize(), RoundedCornerShape(16.dp), colors.tertiaryContainer, colors.onTertiaryContainer) {
        Row(Modifier.padding(16.dp), Arrangement.End, Alignment.CenterVertically) {
            Text(text, style = MaterialTheme.typography.titleMedium)
        }
    }
}

@Composable
private fun Card(
    task: TaskRow,
    way: Way,
    wholeStore: Boolean,
    onDefer: (() -> Unit)?,
) {
    val words = LocalWording.current
    val colors = MaterialTheme.colorScheme
    Surface(
        { way.to(What.MEMBER, task.memberId) },
        Modifier.fillMaxWidth().testTag("task-${task.memberId}"),
        shape = RoundedCornerShape(16.dp),
        color = if (task.emergency) colors.errorContainer else colors.surfaceContainerLow,
    ) {
        Column(Modifier.padding(16.dp), Arrangement.spacedBy(6.dp)) {
            Signs {
                if (task.emergency) Icon(Icons.warning, words["purpose.emergency"])
                Text(task.name, style = MaterialTheme.typography.titleLarge)
                ClassBadge(task.`class`?.name?.lowercase())
                if (task.kind != "call") Sign(words.code("task_kind", task.kind))
            }
            Text(words.why(task), style = MaterialTheme.typography.bodyLarge)
            val small =
                listOfNotNull(
                    words["list.due_on", "day" to words.date(task.due)],
                    task.phoneMasked ?: words["show.no_phone"],
                    if (task.hourMatches) words["list.good_hour"] else null,
                    if (wholeStore) task.assigneeName ?: words["list.anyone"] else null,
                )
            Text(small.joinToString(" · "), color = colors.onSurfaceVariant, style = MaterialTheme.typography.bodyMedium)
            val touch = task.act.touch(task.taskId)
            if (touch != null || onDefer != null) Actions(task, touch, way, onDefer)
        }
    }
}

@Composable
private fun Actions(
    task: TaskRow,
    touch: TaskTouch?,
    way: Way,
    onDefer: (() -> Unit)?,
) {
    val words = LocalWording.current
    Row(Modifier.fillMaxWidth(), Arrangement.spacedBy(10.dp)) {
        if (touch == null) {
            Spacer(Modifier.weight(1f))
        } else {
            Big(words[touch.text], Modifier.weight(1f).testTag("${touch.tag}-${task.memberId}"), touch.icon) { way.to(touch.place) }
        }
        if (onDefer != null) {
            Quiet(words["list.defer"], Modifier.heightIn(min = 56.dp).testTag("defer-${task.memberId}"), onClick = onDefer)
        }
    }
}
