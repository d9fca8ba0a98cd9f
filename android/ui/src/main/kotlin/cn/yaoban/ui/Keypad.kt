package cn.yaoban.ui

import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Box
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.RowScope
import androidx.compose.foundation.layout.Spacer
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.heightIn
import androidx.compose.foundation.shape.RoundedCornerShape
import androidx.compose.material3.Icon
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.Surface
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.platform.testTag
import androidx.compose.ui.semantics.clearAndSetSemantics
import androidx.compose.ui.semantics.contentDescription
import androidx.compose.ui.semantics.semantics
import androidx.compose.ui.unit.dp

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
