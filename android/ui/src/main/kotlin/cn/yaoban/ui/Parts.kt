package cn.yaoban.ui

import androidx.compose.foundation.background
import androidx.compose.foundation.clickable
import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Box
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.ColumnScope
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.RowScope
import androidx.compose.foundation.layout.Spacer
import androidx.compose.foundation.layout.defaultMinSize
import androidx.compose.foundation.layout.fillMaxSize
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.heightIn
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.layout.size
import androidx.compose.foundation.layout.widthIn
import androidx.compose.foundation.shape.RoundedCornerShape
import androidx.compose.material3.Button
import androidx.compose.material3.LocalContentColor
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.Surface
import androidx.compose.material3.Text
import androidx.compose.material3.contentColorFor
import androidx.compose.runtime.Composable
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.draw.clip
import androidx.compose.ui.graphics.Color
import androidx.compose.ui.graphics.takeOrElse
import androidx.compose.ui.semantics.Role
import androidx.compose.ui.semantics.heading
import androidx.compose.ui.semantics.semantics
import androidx.compose.ui.text.font.FontWeight
import androidx.compose.ui.text.style.TextAlign
import androidx.compose.ui.text.style.TextOverflow
import androidx.compose.ui.unit.Dp
import androidx.compose.ui.unit.dp

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

/** Points, one below the other; what wraps stays beside its dot. */
@Composable
internal fun Points(points: List<String>) {
    for (point in points) {
        Row(horizontalArrangement = Arrangement.spacedBy(6.dp)) {
            Text("·", style = MaterialTheme.typography.bodyLarge)
            Text(point, style = MaterialTheme.typography.bodyLarge)
        }
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
