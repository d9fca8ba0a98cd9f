package cn.yaoban.ui.screens

import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.PaddingValues
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.fillMaxSize
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.lazy.LazyColumn
import androidx.compose.foundation.lazy.items
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.runtime.LaunchedEffect
import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.remember
import androidx.compose.runtime.saveable.rememberSaveable
import androidx.compose.runtime.setValue
import androidx.compose.ui.Modifier
import androidx.compose.ui.platform.testTag
import androidx.compose.ui.unit.dp
import cn.yaoban.core.HistoryDay
import cn.yaoban.core.LineRow
import cn.yaoban.core.bridge.ClerkCore
import cn.yaoban.ui.Chip
import cn.yaoban.ui.Chips
import cn.yaoban.ui.Head
import cn.yaoban.ui.LocalScope
import cn.yaoban.ui.LocalWording
import cn.yaoban.ui.Nothing
import cn.yaoban.ui.Part
import cn.yaoban.ui.Quiet
import cn.yaoban.ui.Refusal
import cn.yaoban.ui.Waiting
import cn.yaoban.ui.Way
import cn.yaoban.ui.decimal
import cn.yaoban.ui.get
import cn.yaoban.ui.model.HistoryModel
import cn.yaoban.ui.yuan
import kotlinx.coroutines.launch

/** What a member bought, by day, or of one medicine. */
@Composable
internal fun HistoryScreen(
    core: ClerkCore,
    memberId: String,
    way: Way,
) {
    val words = LocalWording.current
    val scope = LocalScope.current
    val model = remember(memberId) { HistoryModel(core, memberId) }
    var medicine by rememberSaveable { mutableStateOf<String?>(null) }
    LaunchedEffect(model) { model.next() }
    val ingredients = model.days.flatMap { it.lines }.mapNotNull { it.ingredient }.groupingBy { it }.eachCount()
    Column(Modifier.fillMaxSize()) {
        Head(words["member.history"], way::back)
        LazyColumn(
            Modifier.weight(1f).testTag("history"),
            contentPadding = PaddingValues(16.dp, 4.dp),
            verticalArrangement = Arrangement.spacedBy(10.dp),
        ) {
            item {
                Chips {
                    for ((ingredient, _) in ingredients.entries.sortedByDescending { it.value }.take(MEDICINES)) {
                        Chip(ingredient, medicine == ingredient) { medicine = if (medicine == ingredient) null else ingredient }
                    }
                }
            }
            items(model.days, { "${it.day}-${it.storeId}" }) { day -> Day(day, medicine) }
            item {
                Refusal(model.failure)
                when {
                    model.busy -> Waiting(words["state.reading"])
                    model.ended -> Nothing(words[if (model.days.isEmpty()) "history.nothing" else "history.end"])
                    else -> {
                        val next = words[if (model.older?.atHub == true) "history.older" else "history.more"]
                        Quiet(next, Modifier.fillMaxWidth()) { scope.launch { model.next() } }
                    }
                }
            }
        }
    }
}

/** So many medicines to narrow by. */
private const val MEDICINES = 6

@Composable
private fun Day(
    day: HistoryDay,
    medicine: String?,
) {
    val words = LocalWording.current
    val lines = if (medicine == null) day.lines else day.lines.filter { it.ingredient == medicine }
    if (lines.isEmpty()) return
    Part {
        Row(Modifier.fillMaxWidth(), Arrangement.SpaceBetween) {
            Text(words.date(day.day), style = MaterialTheme.typography.titleMedium)
            Text(yuan(day.netFen), style = MaterialTheme.typography.titleMedium)
        }
        (day.storeName ?: day.storeId)?.let {
            Text(it, color = MaterialTheme.colorScheme.onSurfaceVariant, style = MaterialTheme.typography.bodySmall)
        }
        lines.forEach { Line(it) }
    }
}

@Composable
private fun Line(line: LineRow) {
    Row(Modifier.fillMaxWidth().padding(vertical = 2.dp), Arrangement.spacedBy(10.dp)) {
        Text(
            listOfNotNull(line.name ?: line.drugId, line.spec).joinToString(" "),
            Modifier.weight(1f),
            style = MaterialTheme.typography.bodyMedium,
        )
        Text("×${decimal(line.quantityMilli)}", style = MaterialTheme.typography.bodyMedium)
        Text(yuan(line.amountFen), style = MaterialTheme.typography.bodyMedium)
    }
}
