package cn.yaoban.app

import androidx.compose.foundation.isSystemInDarkTheme
import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.fillMaxSize
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.layout.safeDrawingPadding
import androidx.compose.material3.Button
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.Surface
import androidx.compose.material3.Text
import androidx.compose.material3.darkColorScheme
import androidx.compose.material3.lightColorScheme
import androidx.compose.runtime.Composable
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.res.stringResource
import androidx.compose.ui.unit.dp

/** Before the file is open: usually not long enough to be read. */
@Composable
internal fun OpeningScreen() = Plain { Text(stringResource(R.string.opening), style = MaterialTheme.typography.bodyLarge) }

/** The file could not be opened; without its key only a new beginning helps. */
@Composable
internal fun FailedScreen(
    failed: Phone.State.Failed,
    onAgain: () -> Unit,
    onAnew: () -> Unit,
) = Plain {
    val text = if (failed.keyLost) stringResource(R.string.key_lost) else stringResource(R.string.open_failed, failed.code)
    Text(text, style = MaterialTheme.typography.bodyLarge)
    Button(onClick = if (failed.keyLost) onAnew else onAgain) {
        Text(stringResource(if (failed.keyLost) R.string.begin_anew else R.string.open_again))
    }
}

@Composable
private fun Plain(content: @Composable () -> Unit) {
    MaterialTheme(if (isSystemInDarkTheme()) darkColorScheme() else lightColorScheme()) {
        Surface(Modifier.fillMaxSize()) {
            Column(
                Modifier.safeDrawingPadding().padding(24.dp),
                Arrangement.spacedBy(16.dp, Alignment.CenterVertically),
                Alignment.CenterHorizontally,
            ) { content() }
        }
    }
}
