package cn.yaoban.ui

import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.ColumnScope
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.height
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.layout.size
import androidx.compose.foundation.shape.RoundedCornerShape
import androidx.compose.material3.CircularProgressIndicator
import androidx.compose.material3.Icon
import androidx.compose.material3.LinearProgressIndicator
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.Surface
import androidx.compose.material3.Text
import androidx.compose.material3.TextButton
import androidx.compose.runtime.Composable
import androidx.compose.runtime.getValue
import androidx.compose.runtime.setValue
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.platform.testTag
import androidx.compose.ui.text.style.TextAlign
import androidx.compose.ui.unit.dp
import cn.yaoban.ui.model.Failure

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
    Centred(modifier) {
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
    Centred(modifier) {
        if (share != null) {
            LinearProgressIndicator({ share }, Modifier.fillMaxWidth().height(8.dp))
        } else {
            CircularProgressIndicator()
        }
        Text(text, style = MaterialTheme.typography.bodyLarge, textAlign = TextAlign.Center)
    }
}

/** What stands where the content will be. */
@Composable
private fun Centred(
    modifier: Modifier,
    content: @Composable ColumnScope.() -> Unit,
) = Column(
    modifier.fillMaxWidth().padding(24.dp),
    Arrangement.spacedBy(16.dp, Alignment.CenterVertically),
    Alignment.CenterHorizontally,
    content,
)
