package cn.yaoban.ui

import androidx.compose.material3.ColorScheme
import androidx.compose.ui.graphics.Color
import androidx.compose.ui.graphics.luminance
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Test

class ThemeTest {
    @Test
    fun `text is legible on every colour, light and dark`() {
        val weak =
            listOf("light" to Light, "dark" to Dark).flatMap { (name, colors) ->
                colors.pairs().filter { (_, pair) -> contrast(pair.first, pair.second) < 4.5 }.map { (what, pair) ->
                    "$name $what: ${contrast(pair.first, pair.second)}"
                }
            }
        assertEquals(emptyList<String>(), weak)
    }

    /** Every text colour with what it stands on. */
    private fun ColorScheme.pairs(): Map<String, Pair<Color, Color>> =
        mapOf(
            "primary" to (onPrimary to primary),
            "primary container" to (onPrimaryContainer to primaryContainer),
            "heading in a primary container" to (onSurfaceVariant to primaryContainer),
            "secondary container" to (onSecondaryContainer to secondaryContainer),
            "tertiary container" to (onTertiaryContainer to tertiaryContainer),
            "error" to (onError to error),
            "error container" to (onErrorContainer to errorContainer),
            "surface" to (onSurface to surface),
            "card" to (onSurface to surfaceContainerLow),
            "small print on a card" to (onSurfaceVariant to surfaceContainerLow),
            "small print" to (onSurfaceVariant to surface),
            "key" to (onSurface to surfaceContainerHigh),
            "danger on a card" to (error to surfaceContainerLow),
            "link on a card" to (primary to surfaceContainerLow),
        )

    /** As WCAG counts it. */
    private fun contrast(
        one: Color,
        other: Color,
    ): Double {
        val (low, high) = listOf(one.luminance(), other.luminance()).sorted()
        return (high + 0.05) / (low + 0.05)
    }
}
