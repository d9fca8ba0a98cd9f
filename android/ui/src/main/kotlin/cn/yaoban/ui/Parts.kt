package cn.yaoban.ui

import androidx.compose.foundation.Canvas
import androidx.compose.foundation.background
import androidx.compose.foundation.border
import androidx.compose.foundation.clickable
import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Box
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.ColumnScope
import androidx.compose.foundation.layout.ExperimentalLayoutApi
import androidx.compose.foundation.layout.FlowRow
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.RowScope
import androidx.compose.foundation.layout.Spacer
import androidx.compose.foundation.layout.defaultMinSize
import androidx.compose.foundation.layout.fillMaxSize
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.height
import androidx.compose.foundation.layout.heightIn
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.layout.size
import androidx.compose.foundation.layout.widthIn
import androidx.compose.foundation.shape.RoundedCornerShape
import androidx.compose.material3.AlertDialog
import androidx.compose.material3.Button
import androidx.compose.material3.ButtonDefaults
import androidx.compose.material3.CircularProgressIndicator
import androidx.compose.material3.Icon
import androidx.compose.material3.IconButton
import androidx.compose.material3.LinearProgressIndicator
import androidx.compose.material3.LocalContentColor
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.OutlinedButton
import androidx.compose.material3.OutlinedTextField
import androidx.compose.material3.Surface
import androidx.compose.material3.Text
import androidx.compose.material3.TextButton
import androidx.compose.material3.contentColorFor
import androidx.compose.runtime.Composable
import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.saveable.rememberSaveable
import androidx.compose.runtime.setValue
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.draw.clip
import androidx.compose.ui.geometry.Offset
import androidx.compose.ui.graphics.Color
import androidx.compose.ui.graphics.StrokeCap
import androidx.compose.ui.graphics.takeOrElse
import androidx.compose.ui.graphics.vector.ImageVector
import androidx.compose.ui.platform.testTag
import androidx.compose.ui.semantics.Role
import androidx.compose.ui.semantics.clearAndSetSemantics
import androidx.compose.ui.semantics.contentDescription
import androidx.compose.ui.semantics.heading
import androidx.compose.ui.semantics.selected
import androidx.compose.ui.semantics.semantics
import androidx.compose.ui.text.font.FontWeight
import androidx.compose.ui.text.style.TextAlign
import androidx.compose.ui.text.style.TextOverflow
import androidx.compose.ui.unit.Dp
import androidx.compose.ui.unit.dp
import cn.yaoban.core.MemberRow
import cn.yaoban.core.ReadingRow
import cn.yaoban.ui.model.Failure

/** Wider than this, a screen is a tablet's. */
internal val TABLET: Dp = 720.dp

/** The head of a screen: where it is, the way back, what else there is to do. */
@Composable
internal fun Head(
    title: String,
    back: (() -> Unit)? = null,
    actions: @Composable RowScope.() -> Unit = {},
) {
    Row(
        Modifier.fillMaxWidth().heightIn(min = 56.dp).padding(horizontal = 4.dp),
        verticalAlignment = Alignment.CenterVertically,
    ) {
        val words = LocalWording.current
        if (back != null) Touch(Icons.back, words["act.back"], back) else Spacer(Modifier.size(12.dp))
        Text(
            title,
            Modifier.weight(1f).semantics { heading() },
            style = MaterialTheme.typography.titleLarge,
            maxLines = 1,
            overflow = TextOverflow.Ellipsis,
        )
        actions()
    }
}

/** A picture to touch, with its words for those who do not see it. */
@Composable
internal fun Touch(
    icon: ImageVector,
    words: String,
    onClick: () -> Unit,
) {
    IconButton(onClick, Modifier.size(48.dp)) { Icon(icon, words) }
}

/** A button that is large enough to hit without looking. */
@Composable
internal fun Big(
    text: String,
    modifier: Modifier = Modifier,
    icon: ImageVector? = null,
    enabled: Boolean = true,
    danger: Boolean = false,
    onClick: () -> Unit,
) {
    val colors =
        if (!danger) ButtonDefaults.buttonColors()
        else ButtonDefaults.buttonColors(MaterialTheme.colorScheme.error, MaterialTheme.colorScheme.onError)
    Button(onClick, modifier.heightIn(min = 56.dp), enabled, RoundedCornerShape(14.dp), colors) {
        if (icon != null) {
            Icon(icon, null, Modifier.padding(end = 8.dp).size(22.dp))
        }
        Text(text, style = MaterialTheme.typography.titleMedium, textAlign = TextAlign.Center)
    }
}

/** A quieter button. */
@Composable
internal fun Quiet(
    text: String,
    modifier: Modifier = Modifier,
    icon: ImageVector? = null,
    enabled: Boolean = true,
    onClick: () -> Unit,
) {
    val colors = ButtonDefaults.outlinedButtonColors(contentColor = LocalContentColor.current)
    OutlinedButton(onClick, modifier.heightIn(min = 48.dp), enabled, RoundedCornerShape(14.dp), colors) {
        if (icon != null) Icon(icon, null, Modifier.padding(end = 6.dp).size(20.dp))
        Text(text, textAlign = TextAlign.Center)
    }
}

/** One of several to choose from. */
@Composable
internal fun Chip(
    text: String,
    selected: Boolean,
    modifier: Modifier = Modifier,
    onClick: () -> Unit,
) {
    val colors = MaterialTheme.colorScheme
    val shape = RoundedCornerShape(24.dp)
    Box(
        modifier
            .clip(shape)
            .background(if (selected) colors.primary else colors.surfaceContainerLowest)
            .border(1.dp, if (selected) colors.primary else colors.outlineVariant, shape)
            .clickable(role = Role.Button, onClick = onClick)
            .semantics { this.selected = selected }
            .heightIn(min = 48.dp)
            .padding(horizontal = 16.dp),
        contentAlignment = Alignment.Center,
    ) {
        Text(
            text,
            color = if (selected) colors.onPrimary else colors.onSurface,
            style = MaterialTheme.typography.labelLarge,
            maxLines = 1,
        )
    }
}

/** Chips that wrap. */
@OptIn(ExperimentalLayoutApi::class)
@Composable
internal fun Chips(
    modifier: Modifier = Modifier,
    content: @Composable () -> Unit,
) {
    FlowRow(
        modifier.fillMaxWidth(),
        horizontalArrangement = Arrangement.spacedBy(8.dp),
        verticalArrangement = Arrangement.spacedBy(8.dp),
    ) { content() }
}

/** A part of a screen with its heading. */
@Composable
internal fun Part(
    title: String? = null,
    modifier: Modifier = Modifier,
    color: Color = MaterialTheme.colorScheme.surfaceContainerLow,
    action: @Composable () -> Unit = {},
    content: @Composable ColumnScope.() -> Unit,
) {
    Surface(modifier.fillMaxWidth(), RoundedCornerShape(16.dp), color, contentColorFor(color).takeOrElse { LocalContentColor.current }) {
        Column(Modifier.padding(16.dp), verticalArrangement = Arrangement.spacedBy(8.dp)) {
            if (title != null) {
                Row(verticalAlignment = Alignment.CenterVertically) {
                    Text(
                        title,
                        Modifier.weight(1f).semantics { heading() },
                        style = MaterialTheme.typography.titleMedium,
                        color = MaterialTheme.colorScheme.onSurfaceVariant,
                    )
                    action()
                }
            }
            content()
        }
    }
}

/** A small sign with a word. */
@Composable
internal fun Sign(
    text: String,
    color: Color = MaterialTheme.colorScheme.secondaryContainer,
    on: Color = MaterialTheme.colorScheme.onSecondaryContainer,
    modifier: Modifier = Modifier,
) {
    Text(
        text,
        modifier.background(color, RoundedCornerShape(8.dp)).padding(horizontal = 8.dp, vertical = 2.dp),
        color = on,
        style = MaterialTheme.typography.labelMedium,
        maxLines = 1,
    )
}

/** A danger, with its sign: never by colour alone. */
@Composable
internal fun Danger(
    text: String,
    modifier: Modifier = Modifier,
) {
    Surface(
        modifier.fillMaxWidth(),
        RoundedCornerShape(12.dp),
        MaterialTheme.colorScheme.errorContainer,
        MaterialTheme.colorScheme.onErrorContainer,
    ) {
        Row(Modifier.padding(12.dp), verticalAlignment = Alignment.CenterVertically) {
            Icon(Icons.warning, null, Modifier.padding(end = 10.dp).size(24.dp))
            Text(text, style = MaterialTheme.typography.titleMedium)
        }
    }
}

/** What was refused or went wrong, in words, and what to do. */
@Composable
internal fun Refusal(
    failure: Failure?,
    modifier: Modifier = Modifier,
    again: (() -> Unit)? = null,
) {
    if (failure == null) return
    val words = LocalWording.current
    Surface(
        modifier.fillMaxWidth().testTag("failure"),
        RoundedCornerShape(12.dp),
        MaterialTheme.colorScheme.tertiaryContainer,
        MaterialTheme.colorScheme.onTertiaryContainer,
    ) {
        Row(Modifier.padding(12.dp), verticalAlignment = Alignment.CenterVertically) {
            Text(words.failure(failure), Modifier.weight(1f), style = MaterialTheme.typography.bodyMedium)
            if (again != null) TextButton(again) { Text(words["act.again"]) }
        }
    }
}

/** Nothing is there, and what to do about it. */
@Composable
internal fun Nothing(
    text: String,
    modifier: Modifier = Modifier,
    action: @Composable () -> Unit = {},
) {
    Column(
        modifier.fillMaxWidth().padding(24.dp),
        Arrangement.spacedBy(16.dp, Alignment.CenterVertically),
        Alignment.CenterHorizontally,
    ) {
        Text(
            text,
            color = MaterialTheme.colorScheme.onSurfaceVariant,
            style = MaterialTheme.typography.bodyLarge,
            textAlign = TextAlign.Center,
        )
        action()
    }
}

/** Something is on its way: with words, never a mere spinner. */
@Composable
internal fun Waiting(
    text: String,
    share: Float? = null,
    modifier: Modifier = Modifier,
) {
    Column(
        modifier.fillMaxWidth().padding(24.dp),
        Arrangement.spacedBy(16.dp, Alignment.CenterVertically),
        Alignment.CenterHorizontally,
    ) {
        if (share != null) {
            LinearProgressIndicator({ share }, Modifier.fillMaxWidth().height(8.dp))
        } else {
            CircularProgressIndicator()
        }
        Text(text, style = MaterialTheme.typography.bodyLarge, textAlign = TextAlign.Center)
    }
}

/** A figure with its name below. */
@Composable
internal fun Figure(
    value: String,
    name: String,
    modifier: Modifier = Modifier,
    onClick: (() -> Unit)? = null,
) {
    val touch = if (onClick == null) Modifier else Modifier.clickable(role = Role.Button, onClick = onClick)
    Column(modifier.clip(RoundedCornerShape(8.dp)).then(touch).padding(vertical = 4.dp).defaultMinSize(48.dp, 48.dp)) {
        Text(value, style = MaterialTheme.typography.titleSmall, maxLines = 1)
        Text(
            name,
            color = MaterialTheme.colorScheme.onSurfaceVariant,
            style = MaterialTheme.typography.bodySmall,
            maxLines = 1,
        )
    }
}

/** The class of a member, as a badge. */
@Composable
internal fun ClassBadge(
    code: String?,
    modifier: Modifier = Modifier,
) {
    if (code == null) return
    val colors = MaterialTheme.colorScheme
    val (color, on) =
        when (code) {
            "retain", "develop" -> colors.primaryContainer to colors.onPrimaryContainer
            "win_back" -> colors.tertiaryContainer to colors.onTertiaryContainer
            else -> colors.secondaryContainer to colors.onSecondaryContainer
        }
    Sign(LocalWording.current.code("class", code), color, on, modifier)
}

/** A member in a list. */
@Composable
internal fun MemberLine(
    member: MemberRow,
    onClick: () -> Unit,
    before: @Composable () -> Unit = {},
) {
    val words = LocalWording.current
    Surface(
        onClick,
        Modifier.fillMaxWidth().testTag("member-${member.memberId}"),
        shape = RoundedCornerShape(14.dp),
        color = MaterialTheme.colorScheme.surfaceContainerLow,
    ) {
        Row(Modifier.padding(14.dp), verticalAlignment = Alignment.CenterVertically) {
            before()
            Column(Modifier.weight(1f), Arrangement.spacedBy(4.dp)) {
                Row(horizontalArrangement = Arrangement.spacedBy(10.dp), verticalAlignment = Alignment.CenterVertically) {
                    Text(member.name, style = MaterialTheme.typography.titleMedium)
                    Text(about(member, words), style = MaterialTheme.typography.bodyMedium)
                    Spacer(Modifier.weight(1f))
                    ClassBadge(member.`class`)
                }
                Row(horizontalArrangement = Arrangement.spacedBy(10.dp), verticalAlignment = Alignment.CenterVertically) {
                    Text(
                        member.phoneMasked ?: words["show.no_phone"],
                        color = MaterialTheme.colorScheme.onSurfaceVariant,
                        style = MaterialTheme.typography.bodyMedium,
                    )
                    if (member.allergies) {
                        Sign(words["mark.allergies"], MaterialTheme.colorScheme.errorContainer, MaterialTheme.colorScheme.onErrorContainer)
                    }
                    if (member.care == "chronic") Sign(words["care.chronic"])
                    if (member.household > 0u) Sign(words["mark.household", "n" to member.household])
                    if (member.lookedUp) Sign(words["mark.looked_up"])
                }
            }
        }
    }
}

/** Sex and age. */
internal fun about(
    member: MemberRow,
    words: Wording,
): String =
    listOfNotNull(
        member.sex?.let { words.code("sex", it) },
        member.age?.let { words["show.age", "n" to it] },
    ).joinToString(" ")

/** Whether a reading is to stand out. */
internal fun ReadingRow.stands(): Boolean = emergency || inTarget == false

/** The last values of a reading as a small line, oldest first. */
@Composable
internal fun Sparkline(
    values: List<Float>,
    modifier: Modifier = Modifier,
) {
    if (values.size < 2) return
    val color = MaterialTheme.colorScheme.primary
    Canvas(modifier.size(96.dp, 32.dp).clearAndSetSemantics { }) {
        val (low, high) = values.min() to values.max()
        val span = (high - low).takeIf { it > 0f } ?: 1f
        val points =
            values.mapIndexed { at, value ->
                Offset(size.width * at / (values.size - 1), size.height * (0.9f - 0.8f * (value - low) / span))
            }
        points.zipWithNext { from, to -> drawLine(color, from, to, 2.dp.toPx(), StrokeCap.Round) }
        drawCircle(color, 4.dp.toPx(), points.last())
    }
}

/** Keys for digits, as on a phone. [erase] takes the last one away; what is beside 0 is up to the caller. */
@Composable
internal fun Keypad(
    onDigit: (String) -> Unit,
    erase: () -> Unit,
    modifier: Modifier = Modifier,
    other: String? = null,
) {
    Column(modifier.fillMaxWidth(), Arrangement.spacedBy(6.dp)) {
        for (row in listOf(listOf("1", "2", "3"), listOf("4", "5", "6"), listOf("7", "8", "9"))) {
            Row(horizontalArrangement = Arrangement.spacedBy(6.dp)) { row.forEach { Key(it) { onDigit(it) } } }
        }
        Row(horizontalArrangement = Arrangement.spacedBy(6.dp)) {
            if (other != null) Key(other) { onDigit(other) } else Spacer(Modifier.weight(1f))
            Key("0") { onDigit("0") }
            val words = LocalWording.current["act.erase"]
            Key("⌫", words, erase)
        }
    }
}

@Composable
private fun RowScope.Key(
    text: String,
    words: String = text,
    onClick: () -> Unit,
) {
    Surface(
        onClick,
        Modifier.weight(1f).heightIn(min = 52.dp).testTag("key-$text").semantics { contentDescription = words },
        shape = RoundedCornerShape(12.dp),
        color = MaterialTheme.colorScheme.surfaceContainerHigh,
    ) {
        Box(contentAlignment = Alignment.Center) {
            if (text == "⌫") {
                Icon(Icons.erase, null)
            } else {
                Text(text, Modifier.clearAndSetSemantics { }, style = MaterialTheme.typography.headlineSmall)
            }
        }
    }
}

/** A question before something that cannot be undone. */
@Composable
internal fun Ask(
    title: String,
    text: String?,
    yes: String,
    onNo: () -> Unit,
    onYes: () -> Unit,
) {
    AlertDialog(
        onDismissRequest = onNo,
        confirmButton = { TextButton(onYes) { Text(yes) } },
        dismissButton = { TextButton(onNo) { Text(LocalWording.current["act.cancel"]) } },
        title = { Text(title) },
        text = text?.let { { Text(it) } },
    )
}

/** A question whose answer is typed. */
@Composable
internal fun AskText(
    title: String,
    label: String,
    yes: String,
    onNo: () -> Unit,
    onYes: (String) -> Unit,
) {
    var text by rememberSaveable { mutableStateOf("") }
    AlertDialog(
        onDismissRequest = onNo,
        confirmButton = { TextButton({ onYes(text.trim()) }, enabled = text.isNotBlank()) { Text(yes) } },
        dismissButton = { TextButton(onNo) { Text(LocalWording.current["act.cancel"]) } },
        title = { Text(title) },
        text = { OutlinedTextField(text, { text = it }, Modifier.fillMaxWidth().testTag("ask"), label = { Text(label) }) },
    )
}

/** The middle of a screen, not wider than one reads with ease. */
@Composable
internal fun Middle(
    modifier: Modifier = Modifier,
    content: @Composable ColumnScope.() -> Unit,
) {
    Box(modifier.fillMaxSize(), Alignment.TopCenter) {
        Column(Modifier.widthIn(max = 560.dp).fillMaxSize(), content = content)
    }
}

/** A line of a name and its value. */
@Composable
internal fun Entry(
    name: String,
    value: String,
    strong: Boolean = false,
) {
    Row(Modifier.fillMaxWidth(), Arrangement.spacedBy(12.dp)) {
        Text(
            name,
            Modifier.weight(1f),
            color = MaterialTheme.colorScheme.onSurfaceVariant,
            style = MaterialTheme.typography.bodyMedium,
        )
        Text(
            value,
            style = MaterialTheme.typography.bodyMedium,
            fontWeight = if (strong) FontWeight.SemiBold else FontWeight.Normal,
            textAlign = TextAlign.End,
        )
    }
}
