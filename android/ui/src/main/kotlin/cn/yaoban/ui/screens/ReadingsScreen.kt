package cn.yaoban.ui.screens

import androidx.compose.foundation.Canvas
import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.fillMaxSize
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.height
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.rememberScrollState
import androidx.compose.foundation.verticalScroll
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.runtime.LaunchedEffect
import androidx.compose.runtime.key
import androidx.compose.runtime.remember
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.geometry.Offset
import androidx.compose.ui.geometry.Size
import androidx.compose.ui.graphics.Color
import androidx.compose.ui.graphics.StrokeCap
import androidx.compose.ui.graphics.drawscope.DrawScope
import androidx.compose.ui.platform.testTag
import androidx.compose.ui.semantics.contentDescription
import androidx.compose.ui.semantics.semantics
import androidx.compose.ui.unit.dp
import cn.yaoban.core.ReadingAdded
import cn.yaoban.core.ReadingRow
import cn.yaoban.core.Readings
import cn.yaoban.core.Script
import cn.yaoban.core.TargetBand
import cn.yaoban.core.bridge.ClerkCore
import cn.yaoban.ui.Chip
import cn.yaoban.ui.Chips
import cn.yaoban.ui.Danger
import cn.yaoban.ui.Grade
import cn.yaoban.ui.Head
import cn.yaoban.ui.LocalWording
import cn.yaoban.ui.Nothing
import cn.yaoban.ui.Part
import cn.yaoban.ui.Points
import cn.yaoban.ui.Refusal
import cn.yaoban.ui.Waiting
import cn.yaoban.ui.Way
import cn.yaoban.ui.Wording
import cn.yaoban.ui.code
import cn.yaoban.ui.get
import cn.yaoban.ui.model.ReadingsModel
import cn.yaoban.ui.toFloat
import java.math.BigDecimal

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
                for ((kind) in model.forms) {
                    Chip(words.code("kind", kind), model.kind == kind, Modifier.testTag("kind-$kind")) { model.kind = kind }
                }
            }
            Refusal(model.failure)
            model.added?.let { Added(it) }
            model.forms.find { it.kind == model.kind }?.let { form -> key(form.kind) { ReadingEntry(model, form) } }
            Trend(model)
        }
    }
}

/** What was stored, with its grade in words, and the alarm that it raises. */
@Composable
private fun Added(added: ReadingAdded) {
    val words = LocalWording.current
    Part(words["reading.stored"]) {
        Row(horizontalArrangement = Arrangement.spacedBy(12.dp), verticalAlignment = Alignment.CenterVertically) {
            Text(added.reading.value, style = MaterialTheme.typography.headlineSmall)
            Grade(added.reading)
        }
        if (added.alarm) Danger(words["reading.alarm"], Modifier.testTag("alarm"))
        Advice(added.advice)
        if (added.taskId != null) Danger(words["reading.task"])
    }
}

/** What the chain advises at a grade. */
@Composable
private fun Advice(advice: Script?) {
    if (advice == null) return
    Text(advice.text, Modifier.testTag("advice"), style = MaterialTheme.typography.bodyLarge)
    Points(advice.points)
}

@Composable
private fun Trend(model: ReadingsModel) {
    val words = LocalWording.current
    val readings = model.readings
    when {
        readings == null -> if (model.failure == null) Waiting(words["state.reading"])
        readings.readings.isEmpty() -> Nothing(words["member.no_readings"])
        else -> Course(readings)
    }
}

@Composable
private fun Course(readings: Readings) {
    val words = LocalWording.current
    Part(words["reading.trend"]) {
        readings.inTargetPercent?.let {
            Text(words["reading.in_target", "n" to readings.readings.size, "percent" to it], style = MaterialTheme.typography.bodyLarge)
        }
        readings.targets.forEach { Text(target(words, it), style = MaterialTheme.typography.bodyLarge) }
        Chart(readings.readings.asReversed(), readings.targets.map { it.from?.toFloat() to it.to.toFloat() })
        for (reading in readings.readings.take(LISTED)) {
            Row(Modifier.fillMaxWidth(), Arrangement.spacedBy(10.dp), Alignment.CenterVertically) {
                Text(reading.value, style = MaterialTheme.typography.titleMedium)
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

/** Where the values should lie, in words: by number, or by context where the number has several targets. */
private fun target(
    words: Wording,
    band: TargetBand,
): String {
    val name = band.context?.let { words.code("context", it) } ?: words.code("field", band.field)
    val to = number(band.to, band.decimals)
    val from = band.from ?: return words["reading.target_to", "name" to name, "to" to to]
    return words["reading.target", "name" to name, "from" to number(from, band.decimals), "to" to to]
}

/** A number of a reading as it is said: it is kept in its smallest unit. */
private fun number(
    value: UShort,
    decimals: UByte,
): String = BigDecimal.valueOf(value.toLong(), decimals.toInt()).toPlainString()

/** The band of the target lies behind the values. */
private const val BAND_ALPHA = 0.12f

/** The values over time, oldest first: what is out of target is a filled square in the danger colour, not a colour alone. */
@Composable
private fun Chart(
    readings: List<ReadingRow>,
    bands: List<Pair<Float?, Float>>,
) {
    val words = LocalWording.current
    val colors = MaterialTheme.colorScheme
    val out = readings.count { it.standsOut }
    val said = words["reading.chart", "n" to readings.size, "out" to out]
    Canvas(Modifier.fillMaxWidth().height(160.dp).semantics { contentDescription = said }) {
        val series =
            listOf(
                readings.mapNotNull { row -> (row.systolic ?: row.glucoseTenths)?.let { row to it.toFloat() } },
                readings.mapNotNull { row -> row.diastolic?.let { row to it.toFloat() } },
            )
        val all = series.flatten().map { it.second } + bands.flatMap { (from, to) -> listOfNotNull(from, to) }
        val (low, high) = all.min() to all.max()
        val first = readings.first().takenAtMs
        val span = (readings.last().takenAtMs - first).coerceAtLeast(1).toFloat()
        val height = { value: Float -> size.height * (0.92f - 0.84f * (value - low) / (high - low).coerceAtLeast(1f)) }
        for ((from, to) in bands) {
            val (top, bottom) = height(to) to (from?.let(height) ?: size.height)
            drawRect(colors.primary.copy(alpha = BAND_ALPHA), Offset(0f, top), Size(size.width, bottom - top))
        }
        for (values in series) {
            val points =
                values.mapIndexed { at, (row, value) ->
                    val x = if (span > 1f) (row.takenAtMs - first) / span else at / values.size.toFloat()
                    row to Offset(size.width * (0.03f + 0.94f * x), height(value))
                }
            points.zipWithNext { from, to -> drawLine(colors.outline, from.second, to.second, 2.dp.toPx(), StrokeCap.Round) }
            points.forEach { (row, at) -> mark(at, row.standsOut, if (row.standsOut) colors.error else colors.primary) }
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
