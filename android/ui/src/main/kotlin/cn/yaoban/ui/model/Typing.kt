package cn.yaoban.ui.model

import cn.yaoban.core.NewReading
import cn.yaoban.core.ReadingForm
import cn.yaoban.core.ReadingNumber

/** Glucose is kept in tenths, and typed and shown with a point: 7.8. */
val ReadingNumber.inTenths: Boolean get() = field == "glucose"

/** The number that is typed; none: not one yet. */
fun ReadingNumber.value(text: String): UShort? {
    if (!inTenths) return text.toUShortOrNull()
    val (whole, part) = text.substringBefore('.') to text.substringAfter('.', "")
    if (whole.isEmpty() || part.length > 1) return null
    return (whole + part.ifEmpty { "0" }).toUShortOrNull()
}

/** What is typed, and one key more. The key counts only if a value that the core could take may come of it. */
fun ReadingNumber.typed(
    text: String,
    key: String,
): String {
    val next = text + key
    val counts = if (key == ".") inTenths && text.isNotEmpty() && '.' !in text else next.length <= places && reaches(next)
    return if (counts) next else text
}

/** No key would count any more. */
fun ReadingNumber.full(text: String): Boolean = listOf("0", ".").all { typed(text, it) == text }

private val ReadingNumber.places: Int get() = max.toString().length + if (inTenths) 1 else 0

private fun ReadingNumber.reaches(text: String): Boolean = value(text)?.let { it <= max } == true

/** What is typed into a form, perhaps not the whole of it yet; none while nothing is. */
fun ReadingForm.reading(
    typed: List<String>,
    context: String,
): NewReading? {
    val values = numbers.zip(typed).associate { (number, text) -> number.field to number.value(text) }
    if (values.values.all { it == null }) return null
    return NewReading(
        kind,
        systolic = values["systolic"],
        diastolic = values["diastolic"],
        glucoseTenths = values["glucose"],
        context = context,
    )
}
