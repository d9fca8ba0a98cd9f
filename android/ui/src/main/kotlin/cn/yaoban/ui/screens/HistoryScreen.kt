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
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.runtime.LaunchedEffect
import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.remember
import androidx.compose.runtime.setValue
import androidx.compose.ui.Modifier
import androidx.compose.ui.platform.testTag
import androidx.compose.ui.unit.dp
import cn.yaoban.core.HistoryDay
import cn.yaoban.core.LineRow
import cn.yaoban.core.bridge.ClerkCore
import cn.yaoban.ui.Chip
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
    LaunchedEffect(model) { model.next() }
    Column(Modifier.fillMaxSize()) {
        Head(words["member.history"], way::back)
        LazyColumn(
            Modifier.weight(1f).testTag("history"),
            contentPadding = PaddingValues(16.dp, 4.dp),
            verticalArrangement = Arrangement.spacedBy(10.dp),
        ) {
            item {
                // In one line that scrolls: the days are in sight below.
                LazyRow(horizontalArrangement = Arrangement.spacedBy(8.dp)) {
                    item { Until(model) }
                    items(model.medicines, { it }) { medicine ->
                        val on = medicine == model.medicine
                        Chip(medicine, on) { scope.launch { model.show(model.until, if (on) null else medicine) } }
                    }
                }
            }
            items(model.days, { "${it.day}-${it.storeId}" }) { day -> Day(day) }
            item {
                Refusal(model.failure)
                val older = model.older
                when {
                    model.busy -> Waiting(words["state.reading"])
                    older == null -> Nothing(words[if (model.days.isEmpty()) "history.nothing" else "history.end"])
                    else ->
                        Quiet(words[if (older.atHub) "history.older" else "history.more"], Modifier.fillMaxWidth()) {
                            scope.launch { model.next() }
                        }
                }
            }
        }
    }
}

/** The newest day that is looked at: chosen in the calendar, taken away by a touch. */
@Composable
private fun Until(model: HistoryModel) {
    val words = LocalWording.current
    val scope = LocalScope.current
    var choosing by remember { mutableStateOf(false) }
    val until = model.until
    Chip(until?.let { "${words["history.until", "day" to words.date(it)]} ✕" } ?: words["history.by_day"], until != null) {
        if (until == null) choosing = true else scope.launch { model.show(null, model.medicine) }
    }
    if (choosing) {
        Calendar(null, words.today, { choosing = false }) {
            choosing = false
            scope.launch { model.show(it, model.medicine) }
        }
    }
}

@Composable
private fun Day(day: HistoryDay) {
    val words = LocalWording.current
    Part {
        Row(Modifier.fillMaxWidth(), Arrangement.SpaceBetween) {
            Text(words.date(day.day), style = MaterialTheme.typography.titleMedium)
            Text(yuan(day.netFen), style = MaterialTheme.typography.titleMedium)
        }
        (day.storeName ?: day.storeId)?.let {
            Text(it, color = MaterialTheme.colorScheme.onSurfaceVariant, style = MaterialTheme.typography.bodySmall)
        }
        day.lines.forEach { Line(it) }
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
