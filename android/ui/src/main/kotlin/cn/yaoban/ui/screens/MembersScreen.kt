package cn.yaoban.ui.screens

import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.PaddingValues
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.fillMaxSize
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.lazy.LazyColumn
import androidx.compose.foundation.lazy.LazyRow
import androidx.compose.foundation.lazy.items
import androidx.compose.material3.Checkbox
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.runtime.LaunchedEffect
import androidx.compose.ui.Modifier
import androidx.compose.ui.platform.testTag
import androidx.compose.ui.semantics.contentDescription
import androidx.compose.ui.semantics.semantics
import androidx.compose.ui.unit.dp
import cn.yaoban.core.CodeCount
import cn.yaoban.core.MemberCounts
import cn.yaoban.ui.AskButton
import cn.yaoban.ui.Big
import cn.yaoban.ui.Chip
import cn.yaoban.ui.Chips
import cn.yaoban.ui.Head
import cn.yaoban.ui.Icons
import cn.yaoban.ui.LocalScope
import cn.yaoban.ui.LocalWording
import cn.yaoban.ui.MemberLine
import cn.yaoban.ui.Nothing
import cn.yaoban.ui.Part
import cn.yaoban.ui.Quiet
import cn.yaoban.ui.Refusal
import cn.yaoban.ui.Waiting
import cn.yaoban.ui.Way
import cn.yaoban.ui.What
import cn.yaoban.ui.code
import cn.yaoban.ui.get
import cn.yaoban.ui.model.GroupModel
import cn.yaoban.ui.model.SyncModel
import kotlinx.coroutines.launch

/** The store's members by conditions: how many, who, and a message or a call for them. */
@Composable
internal fun MembersScreen(
    model: GroupModel,
    sync: SyncModel,
    way: Way,
) {
    val words = LocalWording.current
    val scope = LocalScope.current
    LaunchedEffect(model.conditions, model.kept) { model.follow() }
    val counts = model.counts
    Column(Modifier.fillMaxSize()) {
        Head(words["nav.members"]) { OfflineSign(sync) }
        LazyColumn(
            Modifier.weight(1f).testTag("members"),
            contentPadding = PaddingValues(16.dp, 4.dp),
            verticalArrangement = Arrangement.spacedBy(10.dp),
        ) {
            item { Refusal(model.failure) }
            if (counts == null) {
                if (model.failure == null) item { Waiting(words["state.reading"]) }
                return@LazyColumn
            }
            item { Conditions(model, counts) }
            if (model.busy) item { Waiting(words["state.working"]) }
            model.made?.let { made ->
                item {
                    Part(words["groups.made", "n" to made.made.size]) {
                        for (refused in made.refused) {
                            Text("${refused.name}：${words.reason(refused.code, refused.values)}")
                        }
                    }
                }
            }
            val count = model.count
            if (count == null) {
                item { Nothing(words["groups.ask"]) }
            } else {
                if (count == 0uL) item { Nothing(words["groups.nobody"]) }
                items(model.members, { it.memberId }) { member ->
                    MemberLine(member, { way.to(What.MEMBER, member.memberId) }) {
                        val said = words["groups.pick", "name" to member.name]
                        Checkbox(
                            member.memberId in model.picked,
                            { model.picked = if (it) model.picked + member.memberId else model.picked - member.memberId },
                            Modifier.testTag("pick-${member.memberId}").semantics { contentDescription = said },
                        )
                    }
                }
                if (count > model.members.size.toULong()) {
                    item { Quiet(words["history.more"], Modifier.fillMaxWidth()) { scope.launch { model.more() } } }
                }
            }
        }
        // Under the thumb, and in sight while conditions are added above.
        model.count?.let { count ->
            Text(
                words["groups.count", "n" to count],
                Modifier.padding(horizontal = 16.dp, vertical = 4.dp),
                style = MaterialTheme.typography.titleMedium,
            )
            if (count > 0uL) ForAll(model, way)
        }
    }
}

/** What is done for those who were picked, or for all. */
@Composable
private fun ForAll(
    model: GroupModel,
    way: Way,
) {
    val words = LocalWording.current
    val scope = LocalScope.current
    val n = if (model.picked.isEmpty()) model.count else model.picked.size.toULong()
    Column(Modifier.padding(16.dp, 8.dp), Arrangement.spacedBy(8.dp)) {
        Row(horizontalArrangement = Arrangement.spacedBy(8.dp)) {
            Big(words["groups.message", "n" to n], Modifier.weight(1f).testTag("group-message"), Icons.message) {
                scope.launch {
                    val ids = model.chosen()
                    if (ids.isNotEmpty()) way.to(What.MESSAGE, ids.joinToString("\n"))
                }
            }
            Big(words["groups.calls", "n" to n], Modifier.weight(1f).testTag("group-calls"), Icons.phone, enabled = !model.busy) {
                scope.launch { model.makeCalls() }
            }
        }
        if (model.kept == null) {
            AskButton(words["groups.keep"], words["field.group_name"], words["act.save"], Modifier.fillMaxWidth(), onText = model::keep)
        }
    }
}

@Composable
private fun Conditions(
    model: GroupModel,
    counts: MemberCounts,
) {
    val words = LocalWording.current
    val scope = LocalScope.current
    Column(verticalArrangement = Arrangement.spacedBy(10.dp)) {
        if (model.saved.isNotEmpty()) {
            Chips {
                for (filter in model.saved) {
                    Chip(filter.name, model.kept == filter) { model.show(if (model.kept == filter) null else filter) }
                }
            }
            model.kept?.let { filter -> Quiet(words["groups.forget", "name" to filter.name]) { scope.launch { model.forget(filter) } } }
        }
        val asked = model.conditions
        Choices(counts.classes, asked.classes, { words.code("class", it) }, { model.ask(asked.copy(classes = it)) })
        Choices(counts.medicines, asked.medicines, { words.code("medicine", it) }, { model.ask(asked.copy(medicines = it)) })
        Choices(counts.care, asked.care, { words.code("care", it) }, { model.ask(asked.copy(care = it)) }) {
            Chip(words["groups.birthday", "n" to counts.birthdays], asked.birthday, Modifier.testTag("by-birthday")) {
                model.ask(asked.copy(birthday = !asked.birthday))
            }
        }
        Choices(counts.diseases, asked.diseases, words::disease, { model.ask(asked.copy(diseases = it)) })
        Choices(counts.tags, asked.tags, { it }, { model.ask(asked.copy(tags = it)) })
    }
}

/** Chips of one kind, in one line that scrolls: whom they fit is in sight below. Those that are chosen are alternatives. */
@Composable
private fun Choices(
    counts: List<CodeCount>,
    chosen: List<String>,
    name: (String) -> String,
    onChoose: (List<String>) -> Unit,
    first: (@Composable () -> Unit)? = null,
) {
    LazyRow(horizontalArrangement = Arrangement.spacedBy(8.dp)) {
        if (first != null) item { first() }
        items(counts, { it.code }) { (code, count) ->
            val on = code in chosen
            Chip("${name(code)} $count", on, Modifier.testTag("by-$code")) { onChoose(if (on) chosen - code else chosen + code) }
        }
    }
}
