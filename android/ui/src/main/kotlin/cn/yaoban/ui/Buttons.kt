package cn.yaoban.ui

import androidx.compose.foundation.background
import androidx.compose.foundation.border
import androidx.compose.foundation.clickable
import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Box
import androidx.compose.foundation.layout.ExperimentalLayoutApi
import androidx.compose.foundation.layout.FlowRow
import androidx.compose.foundation.layout.PaddingValues
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.heightIn
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.layout.size
import androidx.compose.foundation.shape.RoundedCornerShape
import androidx.compose.material3.Button
import androidx.compose.material3.ButtonDefaults
import androidx.compose.material3.Icon
import androidx.compose.material3.IconButton
import androidx.compose.material3.LocalContentColor
import androidx.compose.material3.LocalTextStyle
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.OutlinedButton
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.draw.clip
import androidx.compose.ui.graphics.vector.ImageVector
import androidx.compose.ui.semantics.Role
import androidx.compose.ui.semantics.selected
import androidx.compose.ui.semantics.semantics
import androidx.compose.ui.text.TextStyle
import androidx.compose.ui.text.style.TextAlign
import androidx.compose.ui.unit.dp

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
        if (danger) {
            ButtonDefaults.buttonColors(MaterialTheme.colorScheme.error, MaterialTheme.colorScheme.onError)
        } else {
            ButtonDefaults.buttonColors()
        }
    Button(onClick, modifier.heightIn(min = 56.dp), enabled, BUTTON, colors) { Inside(text, icon, MaterialTheme.typography.titleMedium) }
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
    OutlinedButton(onClick, modifier.heightIn(min = 48.dp), enabled, BUTTON, colors, contentPadding = NARROW) {
        Inside(text, icon, LocalTextStyle.current)
    }
}

private val BUTTON = RoundedCornerShape(14.dp)

/** Three quieter buttons stand beside each other on the narrowest phone. */
private val NARROW = PaddingValues(16.dp, 8.dp)

/** What stands in a button: its picture, if it has one, and its words. */
@Composable
private fun Inside(
    text: String,
    icon: ImageVector?,
    style: TextStyle,
) {
    if (icon != null) Icon(icon, null, Modifier.padding(end = 8.dp).size(20.dp))
    Text(text, style = style, textAlign = TextAlign.Center)
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

/** A line of words and signs; where they are too many they wrap, and none is cut off. */
@OptIn(ExperimentalLayoutApi::class)
@Composable
internal fun Signs(
    modifier: Modifier = Modifier,
    content: @Composable () -> Unit,
) {
    FlowRow(
        modifier,
        horizontalArrangement = Arrangement.spacedBy(10.dp),
        verticalArrangement = Arrangement.spacedBy(4.dp),
        itemVerticalAlignment = Alignment.CenterVertically,
    ) { content() }
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
