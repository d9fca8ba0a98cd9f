package cn.yaoban.ui

import androidx.compose.foundation.Canvas
import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.layout.size
import androidx.compose.foundation.shape.RoundedCornerShape
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.Surface
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.geometry.Offset
import androidx.compose.ui.graphics.StrokeCap
import androidx.compose.ui.platform.testTag
import androidx.compose.ui.semantics.clearAndSetSemantics
import androidx.compose.ui.unit.dp
import cn.yaoban.core.MemberRow
import cn.yaoban.core.ReadingRow

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
                Signs {
                    Text(member.name, style = MaterialTheme.typography.titleMedium)
                    Text(about(member, words), style = MaterialTheme.typography.bodyMedium)
                    ClassBadge(member.`class`)
                }
                Signs {
                    Text(
                        member.phoneMasked ?: words["show.no_phone"],
                        color = MaterialTheme.colorScheme.onSurfaceVariant,
                        style = MaterialTheme.typography.bodyMedium,
                    )
                    for (mark in member.marks) if (mark.standsOut) DangerSign(words.said(mark.say)) else Sign(words.said(mark.say))
                }
            }
        }
    }
}

/** That a member has allergies. */
@Composable
internal fun AllergySign(member: MemberRow) {
    if (member.allergies) DangerSign(LocalWording.current["mark.allergies"])
}

/** A small sign of a danger. */
@Composable
internal fun DangerSign(text: String) {
    val colors = MaterialTheme.colorScheme
    Sign(text, colors.errorContainer, colors.onErrorContainer)
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

/** The grade of a reading in words; what is to stand out is not told by its colour alone. */
@Composable
internal fun Grade(reading: ReadingRow) {
    val grade = reading.grade ?: return
    val text = LocalWording.current.code("grade", grade)
    if (reading.standsOut) DangerSign(text) else Sign(text)
}

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
