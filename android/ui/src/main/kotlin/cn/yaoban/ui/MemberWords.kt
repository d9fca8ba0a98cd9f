package cn.yaoban.ui

import cn.yaoban.core.MedicineRow
import cn.yaoban.core.ReadingRow
import cn.yaoban.core.Say
import java.math.BigDecimal
import kotlin.math.abs

/** What the core says, in words: the text of its code in this [group]. */
internal fun Wording.said(
    group: String,
    say: Say,
): String = filled("$group.${say.code}", say.values)

/** The value of a reading, without what it is. */
internal fun value(reading: ReadingRow): String {
    val (high, low) = reading.systolic to reading.diastolic
    if (high != null && low != null) return "$high/$low"
    return reading.glucoseTenths?.let { tenths(it.toInt()) }.orEmpty()
}

/** A number of a reading as it is said: it is kept in its smallest unit. */
internal fun number(
    value: UShort,
    decimals: UByte,
): String = BigDecimal.valueOf(value.toLong(), decimals.toInt()).toPlainString()

/** How a reading moved since the one before. */
internal fun change(reading: ReadingRow): String? =
    reading.systolicChange?.let { signed(it, abs(it).toString()) } ?: reading.glucoseChangeTenths?.let { signed(it, tenths(abs(it))) }

private fun signed(
    value: Int,
    text: String,
) = (
    if (value > 0) {
        "+"
    } else if (value < 0) {
        "-"
    } else {
        ""
    }
) + text

/** When a medicine runs out, and whether it is near. */
internal fun Wording.end(medicine: MedicineRow): String {
    val end = medicine.end
    return when {
        medicine.inactive -> this["show.inactive"]
        end == null -> this["show.end_unknown"]
        else -> this["member.end", "about" to if (medicine.estimated) this["show.about"] else "", "day" to date(end)]
    }
}
