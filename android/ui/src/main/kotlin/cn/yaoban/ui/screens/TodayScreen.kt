package cn.yaoban.ui.screens

import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.PaddingValues
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.Spacer
import androidx.compose.foundation.layout.fillMaxSize
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.size
import androidx.compose.foundation.layout.widthIn
import androidx.compose.foundation.lazy.LazyColumn
import androidx.compose.foundation.lazy.items
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.runtime.LaunchedEffect
import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.remember
import androidx.compose.runtime.setValue
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.platform.testTag
import androidx.compose.ui.unit.dp
import cn.yaoban.core.ClerkDay
import cn.yaoban.core.DuplicateMember
import cn.yaoban.core.DuplicateRow
import cn.yaoban.core.Rights
import cn.yaoban.core.StaffRow
import cn.yaoban.core.TodayFigure
import cn.yaoban.core.TodayItem
import cn.yaoban.core.Whose
import cn.yaoban.core.bridge.ClerkCore
import cn.yaoban.ui.Chip
import cn.yaoban.ui.Chips
import cn.yaoban.ui.Figure
import cn.yaoban.ui.Head
import cn.yaoban.ui.LocalScope
import cn.yaoban.ui.LocalWording
import cn.yaoban.ui.Nothing
import cn.yaoban.ui.Part
import cn.yaoban.ui.Quiet
import cn.yaoban.ui.Refusal
import cn.yaoban.ui.Sign
import cn.yaoban.ui.Waiting
import cn.yaoban.ui.Way
import cn.yaoban.ui.What
import cn.yaoban.ui.Wording
import cn.yaoban.ui.code
import cn.yaoban.ui.get
import cn.yaoban.ui.model.SyncModel
import cn.yaoban.ui.model.TodayModel
import cn.yaoban.ui.model.TodayModel.Asked
import cn.yaoban.ui.yuan
import kotlinx.coroutines.launch

/** Who did what today, the list behind each number, and whose task is whose. A clerk sees its own line. */
@Composable
internal fun TodayScreen(
    core: ClerkCore,
    sync: SyncModel,
    way: Way,
    staff: StaffRow,
) {
    val words = LocalWording.current
    val scope = LocalScope.current
    val model = remember { TodayModel(core) }
    LaunchedEffect(model, model.asked) { model.follow() }
    val may = staff.may
    Column(Modifier.fillMaxSize()) {
        Head(words["nav.today"]) {
            OfflineSign(sync)
            if (may.assign) Quiet(words["today.rebalance"], Modifier.testTag("rebalance")) { scope.launch { model.rebalance() } }
            Spacer(Modifier.size(12.dp))
        }
        LazyColumn(
            Modifier.weight(1f).testTag("today"),
            contentPadding = PaddingValues(16.dp, 4.dp),
            verticalArrangement = Arrangement.spacedBy(10.dp),
        ) {
            item { Refusal(model.failure) }
            model.moved?.let { moved ->
                item {
                    Part(words["today.moved", "n" to moved.moved.size]) {
                        moved.refused.forEach { Text("${it.name}：${words.reason(it.code, it.values)}") }
                    }
                }
            }
            val today = model.today
            if (today == null) {
                if (model.failure == null) item { Waiting(words["state.reading"]) }
                return@LazyColumn
            }
            model.asked?.let { asked ->
                item {
                    Part("${asked.name} · ${figure(words, asked.figure)} ${model.items.size}", action = {
                        Quiet(words["today.hide"]) { model.asked = null }
                    }) {
                        if (model.items.isEmpty()) Nothing(words["today.nothing"])
                        if (may.assign && model.items.any { it.mayGive }) GiveAll(model)
                    }
                }
                items(model.items, { "${it.taskId}-${it.memberId}-${it.atMs}" }) { Item(model, it, way, may) }
            }
            today.total?.let { item { Clerk(model, it, words["today.all"], Whose.Store, false) } }
            items(today.clerks, { it.staffId.orEmpty() }) { clerk ->
                val id = clerk.staffId
                if (id == null) {
                    Clerk(model, clerk, words["today.nobodys"], Whose.Nobody, false)
                } else {
                    Clerk(model, clerk, clerk.name, Whose.Staff(id), may.markOff)
                }
            }
            model.merged?.let { item { Merged(model, it) } }
            items(model.duplicates, { it.pairId }) { Duplicate(model, it) }
        }
    }
}

private fun figure(
    words: Wording,
    figure: TodayFigure,
) = words.code("today_figure", figure.name.lowercase())

@Composable
private fun Clerk(
    model: TodayModel,
    day: ClerkDay,
    name: String,
    whose: Whose,
    mayMark: Boolean,
) {
    val words = LocalWording.current
    val scope = LocalScope.current
    Part {
        Row(horizontalArrangement = Arrangement.spacedBy(8.dp), verticalAlignment = Alignment.CenterVertically) {
            Text(name, style = MaterialTheme.typography.titleLarge)
            if (day.offToday) Sign(words["signin.off"])
            Spacer(Modifier.weight(1f))
            val id = day.staffId
            if (mayMark && id != null) {
                Quiet(words[if (day.offToday) "today.back" else "today.off"]) {
                    scope.launch { model.markOff(id, if (day.offToday) null else words.today) }
                }
            }
        }
        Chips {
            for ((figure, count) in day.figures) {
                // Four in a line on the narrowest phone, one below the other.
                val touch = Modifier.widthIn(min = 68.dp).testTag("$name-${figure.name}")
                Figure(count.toString(), figure(words, figure), touch) {
                    model.asked = Asked(whose, name, figure)
                }
            }
        }
    }
}

@Composable
private fun Item(
    model: TodayModel,
    item: TodayItem,
    way: Way,
    may: Rights,
) {
    val words = LocalWording.current
    val scope = LocalScope.current
    var giving by remember(item) { mutableStateOf(false) }
    Part {
        Row(Modifier.fillMaxWidth(), Arrangement.spacedBy(10.dp), Alignment.CenterVertically) {
            Text(item.name, Modifier.weight(1f), style = MaterialTheme.typography.titleMedium)
            if (item.code.isNotEmpty()) Sign(words.code(item.group, item.code))
            val on = item.due?.let { words["list.due_on", "day" to words.date(it)] } ?: words.instant(item.atMs)
            Text(on, style = MaterialTheme.typography.bodyMedium)
        }
        val who = model.staff.firstOrNull { it.staffId == item.staffId }?.name ?: words["today.nobodys"]
        Text(listOfNotNull(who, item.phoneMasked).joinToString(" · "), color = MaterialTheme.colorScheme.onSurfaceVariant)
        val task = item.taskId
        Chips {
            Quiet(words["call.profile"]) { way.to(What.MEMBER, item.memberId) }
            if (task != null && item.mayGive) {
                if (may.assign) Quiet(words["today.give"], Modifier.testTag("give-${item.memberId}")) { giving = !giving }
                if (may.nudge) Quiet(words["today.nudge"]) { scope.launch { model.nudge(task) } }
            }
        }
        if (giving && task != null) {
            Whom(model, { it == item.staffId }) { staffId ->
                giving = false
                scope.launch { model.reassign(task, staffId) }
            }
        }
    }
}

/** Gives the whole list away. */
@Composable
private fun GiveAll(model: TodayModel) {
    val words = LocalWording.current
    val scope = LocalScope.current
    var giving by remember { mutableStateOf(false) }
    Quiet(words["today.give_all"], Modifier.testTag("give-all")) { giving = !giving }
    if (giving) {
        Whom(model, { false }) { staffId ->
            giving = false
            scope.launch { model.giveAll(staffId) }
        }
    }
}

/** Whom a task is given to; none: to anyone. */
@Composable
private fun Whom(
    model: TodayModel,
    has: (String?) -> Boolean,
    onWhom: (String?) -> Unit,
) {
    Chips {
        for (row in model.staff) Chip(row.name, has(row.staffId)) { onWhom(row.staffId) }
        Chip(LocalWording.current["list.anyone"], has(null)) { onWhom(null) }
    }
}

/** The merge that was made last, and the way back. */
@Composable
private fun Merged(
    model: TodayModel,
    pair: DuplicateRow,
) {
    val words = LocalWording.current
    val scope = LocalScope.current
    Part(words["today.merged", "name" to pair.first.name]) {
        Quiet(words["today.undo_merge"], Modifier.testTag("undo-merge")) { scope.launch { model.undoMerge() } }
    }
}

@Composable
private fun Duplicate(
    model: TodayModel,
    pair: DuplicateRow,
) {
    val words = LocalWording.current
    val scope = LocalScope.current
    Part(words["today.duplicate"]) {
        for (member in listOf(pair.first, pair.second)) Text(line(words, member), style = MaterialTheme.typography.bodyMedium)
        Row(horizontalArrangement = Arrangement.spacedBy(8.dp)) {
            Quiet(words["today.merge"], Modifier.testTag("merge-${pair.first.memberId}")) { scope.launch { model.merge(pair) } }
            Quiet(words["today.apart"]) { scope.launch { model.keepApart(pair) } }
        }
    }
}

private fun line(
    words: Wording,
    member: DuplicateMember,
): String =
    listOfNotNull(
        member.name,
        member.sex?.let { words.code("sex", it) },
        member.birthday?.toString(),
        member.lastVisit?.let { "${words["member.last_visit"]} ${words.date(it)}" },
        yuan(member.totalFen),
    ).joinToString(" · ")
