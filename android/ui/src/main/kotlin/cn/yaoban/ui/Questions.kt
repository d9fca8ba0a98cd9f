package cn.yaoban.ui

import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.material3.AlertDialog
import androidx.compose.material3.OutlinedTextField
import androidx.compose.material3.Text
import androidx.compose.material3.TextButton
import androidx.compose.runtime.Composable
import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.remember
import androidx.compose.runtime.saveable.rememberSaveable
import androidx.compose.runtime.setValue
import androidx.compose.ui.Modifier
import androidx.compose.ui.graphics.vector.ImageVector
import androidx.compose.ui.platform.testTag
import kotlinx.coroutines.launch

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

/** A button [name] that asks for a text and hands it on. */
@Composable
internal fun AskButton(
    name: String,
    label: String,
    yes: String,
    modifier: Modifier = Modifier,
    icon: ImageVector? = null,
    onText: suspend (String) -> Unit,
) {
    val scope = LocalScope.current
    var asking by rememberSaveable { mutableStateOf(false) }
    Quiet(name, modifier, icon) { asking = true }
    if (asking) {
        AskText(name, label, yes, { asking = false }) {
            asking = false
            scope.launch { onText(it) }
        }
    }
}

/** Scans a code for [onCode]; a device without a camera says so, and the code is typed. */
@Composable
internal fun scanning(
    platform: Platform,
    onCode: (String) -> Unit,
): () -> Unit {
    val words = LocalWording.current
    val scope = LocalScope.current
    var blind by remember { mutableStateOf(false) }
    if (blind) {
        AlertDialog(
            onDismissRequest = { blind = false },
            confirmButton = { TextButton({ blind = false }) { Text(words["act.ok"]) } },
            text = { Text(words["pairing.no_camera"]) },
        )
    }
    return { if (platform.camera) scope.launch { platform.scanCode()?.let(onCode) } else blind = true }
}

/** A question whose answer is typed. */
@Composable
private fun AskText(
    title: String,
    label: String,
    yes: String,
    onNo: () -> Unit,
    onYes: (String) -> Unit,
) {
    var text by rememberSaveable { mutableStateOf("") }
    AlertDialog(
        onDismissRequest = onNo,
        confirmButton = { TextButton({ onYes(text) }, enabled = text.isNotBlank()) { Text(yes) } },
        dismissButton = { TextButton(onNo) { Text(LocalWording.current["act.cancel"]) } },
        title = { Text(title) },
        text = { OutlinedTextField(text, { text = it }, Modifier.fillMaxWidth().testTag("ask"), label = { Text(label) }) },
    )
}
