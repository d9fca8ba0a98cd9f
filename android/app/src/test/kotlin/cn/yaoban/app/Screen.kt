package cn.yaoban.app

import androidx.compose.ui.test.SemanticsNodeInteraction
import androidx.compose.ui.test.junit4.ComposeTestRule
import androidx.compose.ui.test.onAllNodesWithTag
import androidx.compose.ui.test.onAllNodesWithText
import androidx.compose.ui.test.onFirst
import androidx.compose.ui.test.onNodeWithTag
import androidx.compose.ui.test.onNodeWithText
import androidx.compose.ui.test.performClick
import androidx.compose.ui.test.performScrollTo

/** How long something may take to be seen, on a machine that does other work too. */
private const val WAIT_MS = 20_000L

/** Waits until a text is there. */
internal fun ComposeTestRule.see(text: String): SemanticsNodeInteraction {
    waitUntil("“$text” is seen", WAIT_MS) { onAllNodesWithText(text, substring = true).fetchSemanticsNodes().isNotEmpty() }
    return onAllNodesWithText(text, substring = true).onFirst()
}

/** Waits until what has this tag is there. */
internal fun ComposeTestRule.find(tag: String): SemanticsNodeInteraction {
    waitUntil("$tag is there", WAIT_MS) { onAllNodesWithTag(tag).fetchSemanticsNodes().isNotEmpty() }
    return onNodeWithTag(tag)
}

/** Touches what has this tag, scrolled into view where that is possible. */
internal fun ComposeTestRule.touch(tag: String) = click(find(tag))

/** Touches what shows this text and nothing else. */
internal fun ComposeTestRule.touchText(text: String) {
    see(text)
    click(onNodeWithText(text))
}

private fun click(node: SemanticsNodeInteraction) {
    runCatching { node.performScrollTo() }
    node.performClick()
}

/** Waits for something that the screen does not show. */
internal fun ComposeTestRule.until(
    what: String,
    holds: () -> Boolean,
) = waitUntil(what, WAIT_MS, holds)
