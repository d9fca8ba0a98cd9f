package cn.yaoban.ui.screens

import androidx.compose.foundation.BorderStroke
import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.heightIn
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.shape.RoundedCornerShape
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.Surface
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.runtime.LaunchedEffect
import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.saveable.rememberSaveable
import androidx.compose.runtime.setValue
import androidx.compose.ui.Modifier
import androidx.compose.ui.graphics.Color
import androidx.compose.ui.platform.testTag
import androidx.compose.ui.unit.dp
import cn.yaoban.core.EntryState
import cn.yaoban.core.ReadingCheck
import cn.yaoban.core.ReadingForm
import cn.yaoban.core.ReadingNumber
import cn.yaoban.core.TypedReading
import cn.yaoban.ui.Big
import cn.yaoban.ui.Chip
import cn.yaoban.ui.Chips
import cn.yaoban.ui.Danger
import cn.yaoban.ui.Grade
import cn.yaoban.ui.Keypad
import cn.yaoban.ui.LocalScope
import cn.yaoban.ui.LocalWording
import cn.yaoban.ui.Part
import cn.yaoban.ui.code
import cn.yaoban.ui.get
import cn.yaoban.ui.model.ReadingsModel
import kotlinx.coroutines.launch

/** A reading while it is typed: its numbers under one keypad, and at once what they say. */
@Composable
internal fun ReadingEntry(
    model: ReadingsModel,
    form: ReadingForm,
) {
    val words = LocalWording.current
    val scope = LocalScope.current
    val numbers = form.numbers
    var typed by rememberSaveable { mutableStateOf(numbers.map { "" }) }
    var at by rememberSaveable { mutableStateOf(0) }
    var context by rememberSaveable { mutableStateOf(form.defaultContext) }
    val type = { key: String ->
        val text = numbers[at].typed(typed[at], key)
        typed = typed.with(at, text)
        if (at < numbers.lastIndex && numbers[at].full(text)) at += 1
    }
    val erase = {
        if (at > 0 && typed[at].isEmpty()) at -= 1
        typed = typed.with(at, typed[at].dropLast(1))
    }
    val reading = TypedReading(form.kind, typed, context)
    LaunchedEffect(reading) { model.check(reading) }
    val says = model.checked?.takeIf { it.typed == reading }?.says
    Part {
        Row(horizontalArrangement = Arrangement.spacedBy(10.dp)) {
            numbers.forEachIndexed { n, number ->
                Number(words.code("field", number.field), typed[n], n == at, Modifier.weight(1f)) { at = n }
            }
        }
        Says(says)
        Chips {
            for (code in form.contexts) {
                Chip(words.code("context", code), context == code, Modifier.testTag("context-$code")) { context = code }
            }
        }
        Keypad(type, erase, other = if (numbers.any { it.decimals > 0u }) "." else null)
        // While the core has not looked yet it may be tried: what it does not take it refuses.
        val possible = typed.any { it.isNotEmpty() } && (says == null || says.state == EntryState.POSSIBLE)
        Big(words["act.save"], Modifier.fillMaxWidth().testTag("save"), enabled = possible) {
            scope.launch {
                if (model.add(reading)) {
                    typed = numbers.map { "" }
                    at = 0
                }
            }
        }
    }
}

/** What is typed, and one key more. The key counts only if it does not lead beyond the places or the highest value. */
internal fun ReadingNumber.typed(
    text: String,
    key: String,
): String {
    val next = text + key
    val open = decimals.toInt() - next.substringAfter('.', "").length
    val counts =
        if (key == ".") {
            open > 0 && text.isNotEmpty() && '.' !in text
        } else {
            open >= 0 && (next.replace(".", "") + "0".repeat(open)).toULong() <= max
        }
    return if (counts) next else text
}

/** No key would count any more. */
internal fun ReadingNumber.full(text: String): Boolean = listOf("0", ".").all { typed(text, it) == text }

private fun List<String>.with(
    at: Int,
    text: String,
): List<String> = mapIndexed { n, old -> if (n == at) text else old }

/** What the numbers say: the grade, or why nobody has such values. The keys below stay where they are. */
@Composable
private fun Says(says: ReadingCheck?) {
    val words = LocalWording.current
    Column(Modifier.fillMaxWidth().heightIn(min = 48.dp), Arrangement.Center) {
        says?.reason?.let { Danger(words.reason(it, says.values), Modifier.testTag("impossible")) }
        says?.reading?.let { Grade(it) }
        if (says?.alarm == true) Danger(words["reading.alarm"])
    }
}

/** A number that is typed; the one that the keys go to has a thick border. */
@Composable
private fun Number(
    name: String,
    value: String,
    active: Boolean,
    modifier: Modifier,
    onClick: () -> Unit,
) {
    val colors = MaterialTheme.colorScheme
    val border = BorderStroke(if (active) 3.dp else 1.dp, if (active) colors.primary else colors.outline)
    Surface(onClick, modifier.heightIn(min = 72.dp), shape = RoundedCornerShape(12.dp), color = Color.Transparent, border = border) {
        Column(Modifier.padding(12.dp)) {
            Text(name, color = colors.onSurfaceVariant, style = MaterialTheme.typography.bodySmall)
            Text(value.ifEmpty { "—" }, style = MaterialTheme.typography.headlineSmall)
        }
    }
}
