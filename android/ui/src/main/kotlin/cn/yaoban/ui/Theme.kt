package cn.yaoban.ui

import androidx.compose.foundation.isSystemInDarkTheme
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.Typography
import androidx.compose.material3.darkColorScheme
import androidx.compose.material3.lightColorScheme
import androidx.compose.runtime.Composable
import androidx.compose.ui.graphics.Color
import androidx.compose.ui.text.TextStyle
import androidx.compose.ui.text.font.FontWeight
import androidx.compose.ui.unit.TextUnit
import androidx.compose.ui.unit.sp

internal val Light =
    lightColorScheme(
        primary = Color(0xFF00695C),
        onPrimary = Color.White,
        primaryContainer = Color(0xFFB2E5DC),
        onPrimaryContainer = Color(0xFF00201B),
        secondary = Color(0xFF4A635D),
        onSecondary = Color.White,
        secondaryContainer = Color(0xFFD5EAE4),
        onSecondaryContainer = Color(0xFF0B1F1A),
        tertiary = Color(0xFF8A4B00),
        onTertiary = Color.White,
        tertiaryContainer = Color(0xFFFFDDB8),
        onTertiaryContainer = Color(0xFF2C1600),
        error = Color(0xFFB3261E),
        onError = Color.White,
        errorContainer = Color(0xFFFFDAD6),
        onErrorContainer = Color(0xFF410002),
        background = Color(0xFFF5F8F7),
        onBackground = Color(0xFF171D1B),
        surface = Color(0xFFF5F8F7),
        onSurface = Color(0xFF171D1B),
        surfaceVariant = Color(0xFFDDE5E1),
        onSurfaceVariant = Color(0xFF3B4744),
        surfaceContainerLowest = Color.White,
        surfaceContainerLow = Color.White,
        surfaceContainer = Color(0xFFEAF0EE),
        surfaceContainerHigh = Color(0xFFE4EBE8),
        surfaceContainerHighest = Color(0xFFDEE6E3),
        outline = Color(0xFF6B7875),
        outlineVariant = Color(0xFFC3CDC9),
    )

internal val Dark =
    darkColorScheme(
        primary = Color(0xFF7FD6C7),
        onPrimary = Color(0xFF00382F),
        primaryContainer = Color(0xFF005046),
        onPrimaryContainer = Color(0xFFB2E5DC),
        secondary = Color(0xFFB4CCC5),
        onSecondary = Color(0xFF1F352F),
        secondaryContainer = Color(0xFF354B45),
        onSecondaryContainer = Color(0xFFD5EAE4),
        tertiary = Color(0xFFFFB868),
        onTertiary = Color(0xFF4A2800),
        tertiaryContainer = Color(0xFF693C00),
        onTertiaryContainer = Color(0xFFFFDDB8),
        error = Color(0xFFFFB4AB),
        onError = Color(0xFF690005),
        errorContainer = Color(0xFF8C1D18),
        onErrorContainer = Color(0xFFFFDAD6),
        background = Color(0xFF0F1513),
        onBackground = Color(0xFFDEE4E1),
        surface = Color(0xFF0F1513),
        onSurface = Color(0xFFDEE4E1),
        surfaceVariant = Color(0xFF3B4744),
        onSurfaceVariant = Color(0xFFBEC9C5),
        surfaceContainerLowest = Color(0xFF0A0F0E),
        surfaceContainerLow = Color(0xFF1A2220),
        surfaceContainer = Color(0xFF1C2422),
        surfaceContainerHigh = Color(0xFF262F2C),
        surfaceContainerHighest = Color(0xFF313A37),
        outline = Color(0xFF88938F),
        outlineVariant = Color(0xFF3B4744),
    )

// A size larger than Material's: it is read at arm's length, between customers.
private fun style(
    size: TextUnit,
    line: TextUnit,
    weight: FontWeight = FontWeight.Normal,
) = TextStyle(fontSize = size, lineHeight = line, fontWeight = weight)

private val Sizes =
    Typography(
        headlineLarge = style(34.sp, 42.sp, FontWeight.SemiBold),
        headlineMedium = style(28.sp, 36.sp, FontWeight.SemiBold),
        headlineSmall = style(24.sp, 32.sp, FontWeight.SemiBold),
        titleLarge = style(22.sp, 30.sp, FontWeight.SemiBold),
        titleMedium = style(18.sp, 26.sp, FontWeight.SemiBold),
        titleSmall = style(16.sp, 22.sp, FontWeight.SemiBold),
        bodyLarge = style(18.sp, 26.sp),
        bodyMedium = style(16.sp, 24.sp),
        bodySmall = style(14.sp, 20.sp),
        labelLarge = style(16.sp, 22.sp, FontWeight.Medium),
        labelMedium = style(14.sp, 20.sp, FontWeight.Medium),
        labelSmall = style(13.sp, 18.sp, FontWeight.Medium),
    )

/** The app's colours and sizes, light or dark as the device is. */
@Composable
internal fun YaobanTheme(
    dark: Boolean = isSystemInDarkTheme(),
    content: @Composable () -> Unit,
) {
    MaterialTheme(colorScheme = if (dark) Dark else Light, typography = Sizes, content = content)
}
