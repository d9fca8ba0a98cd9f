package cn.yaoban.ui.screens

import androidx.compose.foundation.Canvas
import androidx.compose.foundation.border
import androidx.compose.foundation.clickable
import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.fillMaxSize
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.height
import androidx.compose.foundation.layout.heightIn
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.rememberScrollState
import androidx.compose.foundation.shape.RoundedCornerShape
import androidx.compose.foundation.verticalScroll
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.runtime.LaunchedEffect
import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.remember
import androidx.compose.runtime.saveable.rememberSaveable
import androidx.compose.runtime.setValue
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.draw.clip
import androidx.compose.ui.geometry.Offset
import androidx.compose.ui.geometry.Size
import androidx.compose.ui.graphics.Color
import androidx.compose.ui.graphics.StrokeCap
import androidx.compose.ui.graphics.drawscope.DrawScope
import androidx.compose.ui.platform.testTag
import androidx.compose.ui.semantics.contentDescription
import androidx.compose.ui.semantics.semantics
import androidx.compose.ui.unit.dp
import cn.yaoban.core.NewReading
import cn.yaoban.core.ReadingAdded
import cn.yaoban.core.ReadingRow
import cn.yaoban.core.bridge.ClerkCore
import cn.yaoban.ui.Big
import cn.yaoban.ui.Chip
import cn.yaoban.ui.Chips
import cn.yaoban.ui.Danger
import cn.yaoban.ui.Grade
import cn.yaoban.ui.Head
import cn.yaoban.ui.Keypad
import cn.yaoban.ui.LocalScope
import cn.yaoban.ui.LocalWording
import cn.yaoban.ui.Part
import cn.yaoban.ui.Refusal
import cn.yaoban.ui.Way
import cn.yaoban.ui.code
import cn.yaoban.ui.get
import cn.yaoban.ui.model.ReadingsModel
import cn.yaoban.ui.stands
import cn.yaoban.ui.value
import kotlinx.coroutines.launch

/** A reading, typed while the cuff still hums; and how the last ones went. */
@Composable
internal fun ReadingsScreen(
    core: ClerkCore,
    memberId: String,
    way: Way,
) {
    val words = LocalWording.current
    val model = remember(memberId) { ReadingsModel(core, memberId) }
    LaunchedEffect(model, model.kind) { model.follow() }
    Column(Modifier.fillMaxSize()) {
        Head(words["reading.title", "name" to model.member?.name.orEmpty()], way::back)
        Column(
            Modifier.weight(1f).verticalScroll(rememberScrollState()).padding(16.dp, 4.dp),
            Arrangement.spacedBy(12.dp),
        ) {
            Chips {
                for (kind in KINDS) {
                    Chip(words.code("kind", kind), model.kind == kind, Modifier.testTag("kind-$kind")) { model.kind = kind }
                }
            }
            Refusal(model.failure)
            model.added?.let { Added(it) }
            Entry(model)
            Trend(model)
        }
    }
}

private val KINDS = listOf("bp", "glucose")
private val CONTEXTS = mapOf("bp" to listOf("office", "home"), "glucose" to listOf("fasting", "after_meal", "random"))

/** What was stored, with its grade in words, and the alarm that it raises. */
@Composable
private fun Added(added: ReadingAdded) {
    val words = LocalWording.current
    Part(words["reading.stored"]) {
        Row(horizontalArrangement = Arrangement.spacedBy(12.dp), verticalAlignment = Alignment.CenterVertically) {
            Text(value(added.reading), style = MaterialTheme.typography.headlineSmall)
            Grade(added.reading)
        }
        if (added.alarm) Danger(words["reading.alarm"], Modifier.testTag("alarm"))
        if (added.taskId != null) Danger(words["reading.task"])
    }
}

@Composable
private fun Entry(model: ReadingsModel) {
    val words = LocalWording.current
    val scope = LocalScope.current
    val bp = model.kind == "bp"
    var first by rememberSaveable(model.kind) { mutableStateOf("") }
    var second by rememberSaveable(model.kind) { mutableStateOf("") }
    var onSecond by rememberSaveable(model.kind) { mutableStateOf(false) }
    var context by rememberSaveable(model.kind) { mutableStateOf(CONTEXTS.getValue(model.kind).first()) }
    val type = { digit: String ->
        when {
            onSecond -> second = (second + digit).take(DIGITS_MAX)
            else -> {
                first = (first + digit).take(DIGITS_MAX)
                // Three digits are a systolic pressure: the next ones are the other.
                if (bp && first.length == DIGITS_MAX) onSecond = true
            }
        }
    }
    val erase = {
        if (onSecond && second.isEmpty()) onSecond = false
        if (onSecond) second = second.dropLast(1) else first = first.dropLast(1)
    }
    Part {
        Row(horizontalArrangement = Arrangement.spacedBy(10.dp)) {
            Field(words[if (bp) "field.systolic" else "field.glucose"], first, !onSecond, Modifier.weight(1f)) { onSecond = false }
            if (bp) Field(words["field.diastolic"], second, onSecond, Modifier.weight(1f)) { onSecond = true }
        }
        Contexts(model.kind, context) { context = it }
        Keypad(type, erase, other = if (bp) null else ".")
        val new = if (bp) bloodPressure(first, second, context) else glucose(first, context)
        Big(words["act.save"], Modifier.fillMaxWidth().testTag("save"), enabled = new != null) {
            scope.launch {
                if (new != null && model.add(new)) {
                    first = ""
                    second = ""
                    onSecond = false
                }
            }
        }
    }
}

/** When or where it was measured. */
@Composable
private fun Contexts(
    kind: String,
    chosen: String,
    onChoose: (String) -> Unit,
) {
    Chips {
        for (code in CONTEXTS.getValue(kind)) {
            Chip(LocalWording.current.code("context", code), chosen == code) { onChoose(code) }
        }
    }
}

/** Digits of a value: 220, or 16.7 with its point. */
private const val DIGITS_MAX = 3

private fun bloodPressure(
    high: String,
    low: String,
    context: String,
): NewReading? {
    val systolic = high.toUShortOrNull() ?: return null
    val diastolic = low.toUShortOrNull() ?: return null
    return NewReading("bp", systolic = systolic, diastolic = diastolic, context = context)
}

/** In mmol/L, as it is typed: 7.8. */
private fun glucose(
    text: String,
    context: String,
): NewReading? {
    val (whole, part) = text.split('.').let { it.first() to it.getOrElse(1) { "0" } }
    val tenths = (whole + part.ifEmpty { "0" }.take(1)).takeIf { whole.isNotEmpty() }?.toUShortOrNull()
    return tenths?.let { NewReading("glucose", glucoseTenths = it, context = context) }
}

@Composable
private fun Field(
    name: String,
    value: String,
    active: Boolean,
    modifier: Modifier,
    onClick: () -> Unit,
) {
    val colors = MaterialTheme.colorScheme
    val shape = RoundedCornerShape(12.dp)
    Column(
        modifier
            .clip(shape)
            .border(if (active) 3.dp else 1.dp, if (active) colors.primary else colors.outline, shape)
            .clickable(onClick = onClick)
            .heightIn(min = 72.dp)
            .padding(12.dp),
    ) {
        Text(name, color = colors.onSurfaceVariant, style = MaterialTheme.typography.bodySmall)
        Text(value.ifEmpty { "—" }, style = MaterialTheme.typography.headlineSmall)
    }
}

@Composable
private fun Trend(model: ReadingsModel) {
    val words = LocalWording.current
    val readings = model.readings ?: return
    if (readings.readings.isEmpty()) return
    Part(words["reading.trend"]) {
        readings.inTargetPercent?.let {
            Text(words["reading.in_target", "n" to readings.readings.size, "percent" to it], style = MaterialTheme.typography.bodyLarge)
        }
        Chart(readings.readings.asReversed())
        for (reading in readings.readings.take(LISTED)) {
            Row(Modifier.fillMaxWidth(), Arrangement.spacedBy(10.dp), Alignment.CenterVertically) {
                Text(value(reading), style = MaterialTheme.typography.titleMedium)
                Grade(reading)
                Text(
                    listOfNotNull(words.instant(reading.takenAtMs), words.code("context", reading.context)).joinToString(" · "),
                    Modifier.weight(1f),
                    color = MaterialTheme.colorScheme.onSurfaceVariant,
                    style = MaterialTheme.typography.bodySmall,
                )
            }
        }
    }
}

/** So many readings are listed below the chart. */
private const val LISTED = 12

/** The values over time, oldest first: what is out of target is a filled square in the danger colour, not a colour alone. */
@Composable
private fun Chart(readings: List<ReadingRow>) {
    val words = LocalWording.current
    val colors = MaterialTheme.colorScheme
    val out = readings.count { it.stands() }
    val said = words["reading.chart", "n" to readings.size, "out" to out]
    Canvas(Modifier.fillMaxWidth().height(160.dp).semantics { contentDescription = said }) {
        val series =
            listOf(
                readings.mapNotNull { row -> (row.systolic ?: row.glucoseTenths)?.let { row to it.toInt().toFloat() } },
                readings.mapNotNull { row -> row.diastolic?.let { row to it.toInt().toFloat() } },
            )
        val all = series.flatten().map { it.second }
        val (low, high) = (all.minOrNull() ?: 0f) to (all.maxOrNull() ?: 1f)
        val first = readings.first().takenAtMs
        val span = (readings.last().takenAtMs - first).coerceAtLeast(1).toFloat()
        for (values in series) {
            val points =
                values.mapIndexed { at, (row, value) ->
                    val x = if (span > 1f) (row.takenAtMs - first) / span else at / values.size.toFloat()
                    val y = (value - low) / (high - low).coerceAtLeast(1f)
                    row to Offset(size.width * (0.03f + 0.94f * x), size.height * (0.92f - 0.84f * y))
                }
            points.zipWithNext { from, to -> drawLine(colors.outline, from.second, to.second, 2.dp.toPx(), StrokeCap.Round) }
            points.forEach { (row, at) -> mark(at, row.stands(), if (row.stands()) colors.error else colors.primary) }
        }
    }
}

private fun DrawScope.mark(
    at: Offset,
    out: Boolean,
    color: Color,
) {
    val r = 5.dp.toPx()
    if (out) {
        drawRect(color, Offset(at.x - r, at.y - r), Size(2 * r, 2 * r))
    } else {
        drawCircle(color, r, at)
    }
}
