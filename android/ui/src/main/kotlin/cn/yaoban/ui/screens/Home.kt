package cn.yaoban.ui.screens

import androidx.compose.foundation.layout.Box
import androidx.compose.foundation.layout.BoxWithConstraints
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.fillMaxHeight
import androidx.compose.foundation.layout.fillMaxSize
import androidx.compose.foundation.layout.width
import androidx.compose.material3.Badge
import androidx.compose.material3.BadgedBox
import androidx.compose.material3.Icon
import androidx.compose.material3.NavigationBar
import androidx.compose.material3.NavigationBarItem
import androidx.compose.material3.NavigationRail
import androidx.compose.material3.NavigationRailItem
import androidx.compose.material3.Text
import androidx.compose.material3.VerticalDivider
import androidx.compose.runtime.Composable
import androidx.compose.runtime.key
import androidx.compose.ui.Modifier
import androidx.compose.ui.platform.testTag
import androidx.compose.ui.unit.dp
import cn.yaoban.core.StaffRow
import cn.yaoban.ui.AppModel
import cn.yaoban.ui.LocalWording
import cn.yaoban.ui.Nothing
import cn.yaoban.ui.Place
import cn.yaoban.ui.Platform
import cn.yaoban.ui.TABLET
import cn.yaoban.ui.Tab
import cn.yaoban.ui.Way
import cn.yaoban.ui.What
import cn.yaoban.ui.get

/** The tabs, and the screens over them; on a tablet beside them. */
@Composable
internal fun Home(
    app: AppModel,
    way: Way,
    platform: Platform,
    staff: StaffRow,
) {
    platform.OnBack(way.top != null || way.tab != Tab.COUNTER) {
        if (way.top != null) leave(app, way) else way.show(Tab.COUNTER)
    }
    BoxWithConstraints(Modifier.fillMaxSize()) {
        if (maxWidth >= TABLET) Tablet(app, way, platform, staff) else Phone(app, way, platform, staff)
    }
}

@Composable
private fun Phone(
    app: AppModel,
    way: Way,
    platform: Platform,
    staff: StaffRow,
) {
    val top = way.top
    if (top != null) {
        Over(app, way, platform, top)
        return
    }
    Column(Modifier.fillMaxSize()) {
        Box(Modifier.weight(1f)) { Below(app, way, platform, staff) }
        NavigationBar {
            for (tab in Tab.entries) {
                NavigationBarItem(
                    way.tab == tab,
                    { way.show(tab) },
                    { Picture(app, tab) },
                    Modifier.testTag("tab-${tab.name}"),
                    label = { Text(LocalWording.current[tab.key]) },
                )
            }
        }
    }
}

@Composable
private fun Tablet(
    app: AppModel,
    way: Way,
    platform: Platform,
    staff: StaffRow,
) {
    Row(Modifier.fillMaxSize()) {
        NavigationRail {
            for (tab in Tab.entries) {
                NavigationRailItem(
                    way.tab == tab,
                    { way.show(tab) },
                    { Picture(app, tab) },
                    Modifier.testTag("tab-${tab.name}"),
                    label = { Text(LocalWording.current[tab.key]) },
                )
            }
        }
        Box(Modifier.width(400.dp).fillMaxHeight()) { Below(app, way, platform, staff) }
        VerticalDivider()
        Box(Modifier.weight(1f).fillMaxHeight()) {
            val top = way.top
            if (top == null) Nothing(LocalWording.current["nav.choose"]) else Over(app, way, platform, top)
        }
    }
}

/** A tab's picture; a tab with something that waits for the clerk says so. */
@Composable
private fun Picture(
    app: AppModel,
    tab: Tab,
) {
    val waits =
        when (tab) {
            Tab.TASKS -> app.tasks.due.toString().takeIf { it != "0" }
            Tab.PHONE -> app.sync.status?.stuck?.size?.toString()?.takeIf { it != "0" }
            else -> null
        }
    BadgedBox({ if (waits != null) Badge { Text(waits) } }) { Icon(tab.icon, null) }
}

@Composable
private fun Below(
    app: AppModel,
    way: Way,
    platform: Platform,
    staff: StaffRow,
) {
    when (way.tab) {
        Tab.COUNTER -> CounterScreen(app.search, app.sync, way, platform)
        Tab.TASKS -> TasksScreen(app.tasks, app.sync, way, staff)
        Tab.MEMBERS -> MembersScreen(app.groups, app.sync, way)
        Tab.TODAY -> TodayScreen(app.core, app.sync, way, staff)
        Tab.PHONE -> PhoneScreen(app, platform, staff)
    }
}

@Composable
private fun Over(
    app: AppModel,
    way: Way,
    platform: Platform,
    place: Place,
) {
    // A screen of another member is another screen.
    key(place) {
        when (place.what) {
            What.MEMBER -> MemberScreen(app.core, place.id, way, platform)
            What.CALL_TASK, What.CALL_MEMBER -> CallScreen(app, place, way, platform) { leave(app, way) }
            What.READINGS -> ReadingsScreen(app.core, place.id, way)
            What.HISTORY -> HistoryScreen(app.core, place.id, way)
            What.REGISTER -> RegisterScreen(app.core, place.id, way)
            What.MESSAGE -> MessageScreen(app.core, place.id.lines(), null, way, platform)
            What.MESSAGE_TASK -> MessageScreen(app.core, emptyList(), place.id, way, platform)
            What.EDIT -> EditScreen(app.core, place.id, way)
            What.WAITING -> WaitingMessages(app.core, way, platform)
        }
    }
}

private fun leave(
    app: AppModel,
    way: Way,
) {
    way.top?.let(app::leave)
    way.back()
}
