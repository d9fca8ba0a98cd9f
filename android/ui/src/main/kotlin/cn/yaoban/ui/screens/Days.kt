package cn.yaoban.ui.screens

import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.rememberScrollState
import androidx.compose.foundation.verticalScroll
import androidx.compose.material3.AlertDialog
import androidx.compose.material3.DatePicker
import androidx.compose.material3.DatePickerDialog
import androidx.compose.material3.ExperimentalMaterial3Api
import androidx.compose.material3.SelectableDates
import androidx.compose.material3.Text
import androidx.compose.material3.TextButton
import androidx.compose.material3.rememberDatePickerState
import androidx.compose.runtime.Composable
import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.produceState
import androidx.compose.runtime.remember
import androidx.compose.runtime.setValue
import androidx.compose.ui.Modifier
import androidx.compose.ui.platform.testTag
import cn.yaoban.ui.Chip
import cn.yaoban.ui.Chips
import cn.yaoban.ui.LocalNearDays
import cn.yaoban.ui.LocalWording
import cn.yaoban.ui.get
import java.time.Instant
import java.time.LocalDate
import java.time.ZoneOffset
import java.time.temporal.ChronoUnit

/** A day to choose: near ones at a touch, any other from the calendar. */
@Composable
internal fun Days(
    last: LocalDate? = null,
    onDay: (LocalDate) -> Unit,
) {
    val words = LocalWording.current
    val nearDays = LocalNearDays.current
    val near by produceState(emptyList<LocalDate>(), last) { value = nearDays(last) }
    var calendar by remember { mutableStateOf(false) }
    Chips {
        for (day in near) {
            val n = ChronoUnit.DAYS.between(words.today, day)
            val name = if (n == 1L) words.date(day) else words["act.in_days", "n" to n]
            Chip(name, false, Modifier.testTag("day-$n")) { onDay(day) }
        }
        Chip(words["act.calendar"], false) { calendar = true }
    }
    if (calendar) {
        Calendar(words.today, last, { calendar = false }) {
            calendar = false
            onDay(it)
        }
    }
}

/** A day to choose between two, both included; where one is none, without an end on that side. */
@OptIn(ExperimentalMaterial3Api::class)
@Composable
internal fun Calendar(
    first: LocalDate?,
    last: LocalDate?,
    onNo: () -> Unit,
    onDay: (LocalDate) -> Unit,
) {
    val words = LocalWording.current
    val state = rememberDatePickerState(selectableDates = remember(first, last) { Between(first, last) })
    DatePickerDialog(
        onDismissRequest = onNo,
        confirmButton = {
            TextButton({
                val ms = state.selectedDateMillis ?: return@TextButton
                onDay(dayOf(ms))
            }) { Text(words["act.ok"]) }
        },
        dismissButton = { TextButton(onNo) { Text(words["act.cancel"]) } },
    ) { DatePicker(state, Modifier.verticalScroll(rememberScrollState())) }
}

/** Days that can be chosen, both ends included. */
@OptIn(ExperimentalMaterial3Api::class)
private class Between(
    private val first: LocalDate?,
    private val last: LocalDate?,
) : SelectableDates {
    override fun isSelectableDate(utcTimeMillis: Long): Boolean =
        dayOf(utcTimeMillis).let { day -> (first == null || day >= first) && (last == null || day <= last) }
}

/** The day of the calendar's instant, which is its midnight in UTC. */
private fun dayOf(ms: Long): LocalDate = Instant.ofEpochMilli(ms).atZone(ZoneOffset.UTC).toLocalDate()

/** A question whose answer is a day. */
@Composable
internal fun DayQuestion(
    title: String,
    last: LocalDate?,
    onNo: () -> Unit,
    onDay: (LocalDate) -> Unit,
) {
    AlertDialog(
        onDismissRequest = onNo,
        confirmButton = {},
        dismissButton = { TextButton(onNo) { Text(LocalWording.current["act.cancel"]) } },
        title = { Text(title) },
        text = { Column(Modifier.verticalScroll(rememberScrollState())) { Days(last, onDay) } },
    )
}
