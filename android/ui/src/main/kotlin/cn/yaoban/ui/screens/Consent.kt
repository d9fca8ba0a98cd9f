package cn.yaoban.ui.screens

import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.rememberScrollState
import androidx.compose.foundation.verticalScroll
import androidx.compose.material3.AlertDialog
import androidx.compose.material3.Text
import androidx.compose.material3.TextButton
import androidx.compose.runtime.Composable
import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.remember
import androidx.compose.runtime.setValue
import androidx.compose.ui.Modifier
import androidx.compose.ui.platform.testTag
import androidx.compose.ui.unit.dp
import cn.yaoban.core.DrawnSignature
import cn.yaoban.ui.Ask
import cn.yaoban.ui.LocalWording
import cn.yaoban.ui.code
import cn.yaoban.ui.get

/** The words of a consent, as they are shown to the member before it says yes and signs; or of its withdrawal. */
@Composable
internal fun ConsentQuestion(
    purpose: String,
    withdraw: Boolean,
    onNo: () -> Unit,
    onYes: (DrawnSignature?) -> Unit,
) {
    val words = LocalWording.current
    val name = words.code("consent", purpose)
    if (withdraw) {
        // A withdrawal needs no proof.
        Ask(name, words["member.withdraw_text", "purpose" to name], words["member.withdraw"], onNo) { onYes(null) }
        return
    }
    var signature by remember { mutableStateOf<DrawnSignature?>(null) }
    AlertDialog(
        onDismissRequest = onNo,
        confirmButton = { TextButton({ onYes(signature) }, Modifier.testTag("consent-yes")) { Text(words["consent.yes"]) } },
        dismissButton = { TextButton(onNo) { Text(words["act.cancel"]) } },
        title = { Text(name) },
        text = {
            Column(Modifier.verticalScroll(rememberScrollState()), Arrangement.spacedBy(12.dp)) {
                Text(words["consent_words.$purpose"])
                SignaturePad(listOf(purpose)) { signature = it }
            }
        },
    )
}
