package cn.yaoban.ui

import androidx.compose.runtime.staticCompositionLocalOf
import cn.yaoban.core.GateReason
import cn.yaoban.core.Say
import cn.yaoban.core.TaskRow
import cn.yaoban.core.ValueKind
import cn.yaoban.core.bridge.WordingValue
import cn.yaoban.ui.model.Failure
import kotlinx.coroutines.CoroutineScope
import java.time.Instant
import java.time.LocalDate
import java.time.ZoneId
import java.time.format.DateTimeFormatter
import java.time.temporal.ChronoUnit
import java.util.Locale
import kotlin.math.abs

/** Codes and values in words, as the terminal phone words them. */
class Wording(
    private val texts: Texts,
    /** Today, by the chain's calendar. */
    val today: LocalDate,
    /** The chain's clock. */
    private val zone: ZoneId,
) : Texts by texts {
    /** A date as people say it: today, yesterday, tomorrow, without the year if it is this one. */
    fun date(day: LocalDate): String =
        when (ChronoUnit.DAYS.between(today, day)) {
            0L -> this["date.today"]
            1L -> this["date.tomorrow"]
            -1L -> this["date.yesterday"]
            else -> if (day.year == today.year) day.format(MONTH_DAY) else day.toString()
        }

    /** An instant: the time of day, with its date if it is not today. */
    fun instant(atMs: Long): String {
        val at = Instant.ofEpochMilli(atMs).atZone(zone)
        val time = at.format(TIME)
        return if (at.toLocalDate() == today) time else "${date(at.toLocalDate())} $time"
    }

    /** Why something was not done, and what to do. */
    fun failure(failure: Failure): String = reason(failure.code, failure.values)

    /** The words of a reason. One without a text shows its code and values. */
    fun reason(
        code: String,
        values: List<WordingValue> = emptyList(),
    ): String {
        val key = listOf("refused.$code", code).firstOrNull { find(it) != null }
        if (key != null) return filled(key, values)
        val details = values.joinToString { "${it.name}: ${it.value}" }
        return this["refused.unknown", "code" to code, "details" to details]
    }

    /** Why the gate says no, or not now. */
    fun gate(reason: GateReason): String = reason("gate.${reason.name.lowercase()}")

    /** What the core says, in words; the code itself if there are none. */
    fun said(say: Say): String {
        val key = "${say.group}.${say.code}"
        return if (find(key) == null) say.code else filled(key, say.values).trim()
    }

    /** A text of the core's with its values in words. */
    private fun filled(
        key: String,
        values: List<WordingValue>,
    ): String = this[key, worded(values)]

    private fun worded(values: List<WordingValue>): Map<String, String> = values.associate { it.name to value(it, values - it) }

    /** A value in words, by what it is; the words of a code may have places for the [others]. */
    private fun value(
        value: WordingValue,
        others: List<WordingValue>,
    ): String =
        when (val kind = value.kind) {
            ValueKind.Text -> value.value
            ValueKind.Day -> date(LocalDate.parse(value.value))
            ValueKind.Instant -> instant(value.value.toLong())
            is ValueKind.Wait -> this["wait.${kind.unit}", "n" to kind.n]
            is ValueKind.Code -> fill(code(kind.group, value.value), worded(others))
        }

    /** Why this member is on the list, and what matters about the task now. */
    fun why(task: TaskRow): String = (listOf(task.why) + task.also).map(::said).filter { it.isNotEmpty() }.joinToString(" · ")

    /** Its place in the catalogue of diseases. */
    fun disease(code: String): String = code("disease", code)

    companion object {
        private val MONTH_DAY = DateTimeFormatter.ofPattern("MM-dd")
        private val TIME = DateTimeFormatter.ofPattern("HH:mm")
    }
}

internal operator fun Texts.get(
    key: String,
    values: Map<String, Any?>,
): String = fill(find(key) ?: key, values)

/** Fen as yuan, with thousands apart. */
fun yuan(fen: Long): String {
    val sign = if (fen < 0) "-" else ""
    return "$sign¥${thousands((abs(fen) / 100).toULong())}.${(abs(fen) % 100).toString().padStart(2, '0')}"
}

/** A count, with thousands apart. */
internal fun thousands(count: ULong): String = "%,d".format(Locale.ROOT, count.toLong())

/** Thousandths as the shortest decimal. */
fun decimal(milli: Long): String {
    val sign = if (milli < 0) "-" else ""
    val rest = (abs(milli) % 1000).toString().padStart(3, '0').trimEnd('0')
    return sign + abs(milli) / 1000 + if (rest.isEmpty()) "" else ".$rest"
}

/** For drawing. */
internal fun UShort.toFloat(): Float = toInt().toFloat()

/** Tenths as a decimal. */
fun tenths(value: Int): String = "${value / 10}.${value % 10}"

/** The words of the screens below. */
internal val LocalWording = staticCompositionLocalOf<Wording> { error("no texts are provided") }

/** The days that are one touch away, up to a last one; none: any. */
internal val LocalNearDays = staticCompositionLocalOf<suspend (LocalDate?) -> List<LocalDate>> { error("no days are provided") }

/** Where what was asked for is done: it outlives the screen that asked. */
internal val LocalScope = staticCompositionLocalOf<CoroutineScope> { error("no scope is provided") }
