package cn.yaoban.ui.screens

import androidx.compose.runtime.Composable
import cn.yaoban.ui.Ask
import cn.yaoban.ui.LocalWording
import cn.yaoban.ui.code
import cn.yaoban.ui.get

/** The words of a consent, as they are shown to the member before it says yes. */
@Composable
internal fun ConsentQuestion(
    purpose: String,
    withdraw: Boolean,
    onNo: () -> Unit,
    onYes: () -> Unit,
) {
    val words = LocalWording.current
    val text = if (withdraw) words["member.withdraw_text", "purpose" to words.code("consent", purpose)] else words["consent_words.$purpose"]
    Ask(words.code("consent", purpose), text, words[if (withdraw) "member.withdraw" else "consent.yes"], onNo, onYes)
}
