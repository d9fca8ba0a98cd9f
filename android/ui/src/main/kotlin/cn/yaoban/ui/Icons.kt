package cn.yaoban.ui

import androidx.compose.ui.graphics.Color
import androidx.compose.ui.graphics.SolidColor
import androidx.compose.ui.graphics.StrokeCap
import androidx.compose.ui.graphics.StrokeJoin
import androidx.compose.ui.graphics.vector.ImageVector
import androidx.compose.ui.graphics.vector.addPathNodes
import androidx.compose.ui.unit.dp

/** The few pictures of the app, as strokes on a field of 24. */
internal object Icons {
    val search = icon("search", "M10 4a6 6 0 1 0 0 12a6 6 0 1 0 0-12M14.5 14.5L20 20")
    val tasks = icon("tasks", "M4 6l1.5 1.5L8 5M4 12l1.5 1.5L8 11M4 18l1.5 1.5L8 17M11 6.5h9M11 12.5h9M11 18.5h9")
    val members =
        icon("members", "M9 4a3.5 3.5 0 1 0 0 7a3.5 3.5 0 1 0 0-7M3 20c0-4 2.5-6 6-6s6 2 6 6M16 5a3 3 0 0 1 0 6M18 14.5c2 .8 3 2.7 3 5.5")
    val today = icon("today", "M4 20V10M10 20V4M16 20v-7M21 20H3")
    val phone = icon("phone", "M6 3h3l2 5l-2.5 1.5a12 12 0 0 0 6 6L16 13l5 2v3a2 2 0 0 1-2 2A16 16 0 0 1 4 5a2 2 0 0 1 2-2")
    val message = icon("message", "M4 5h16v11H10l-4 4v-4H4z")
    val back = icon("back", "M19 12H5M11 6l-6 6l6 6")
    val sync = icon("sync", "M5 10a7.5 7.5 0 0 1 13-3l2 2M20 4v5h-5M19 14a7.5 7.5 0 0 1-13 3l-2-2M4 20v-5h5")
    val settings = icon("settings", "M4 7h9M17 7h3M15 5v4M4 12h3M11 12h9M9 10v4M4 17h7M15 17h5M13 15v4")
    val add = icon("add", "M12 5v14M5 12h14")
    val close = icon("close", "M6 6l12 12M18 6L6 18")
    val erase = icon("erase", "M9 5h11v14H9l-6-7zM12 9l5 6M17 9l-5 6")
    val scan = icon("scan", "M4 8V4h4M16 4h4v4M20 16v4h-4M8 20H4v-4M4 12h16")
    val lock = icon("lock", "M6 11h12v9H6zM8.5 11V8a3.5 3.5 0 0 1 7 0v3")
    val warning = icon("warning", "M12 4L22 20H2zM12 10v5M12 17.5v.5")

    private fun icon(
        name: String,
        path: String,
    ): ImageVector =
        ImageVector
            .Builder(name, 24.dp, 24.dp, 24f, 24f)
            .addPath(
                addPathNodes(path),
                stroke = SolidColor(Color.Black),
                strokeLineWidth = 2f,
                strokeLineCap = StrokeCap.Round,
                strokeLineJoin = StrokeJoin.Round,
            ).build()
}
